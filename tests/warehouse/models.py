"""The dbt models' own SQL, compiled once and run on small shops in memory, so that thousands of shops can be tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from shopwright.contracts import ENTITIES
from shopwright.lake.delta import lake_columns
from shopwright.lake.tables import ROW_NUMBER, TABLES
from shopwright.warehouse.bronze import COMPUTED
from shopwright.warehouse.dbt_config import dbt_arguments

if TYPE_CHECKING:
    from shopwright.settings import Project

QUIET = ["--no-print", "--log-level", "none", "--log-level-file", "none"]


@dataclass(frozen=True, slots=True)
class CompiledModel:
    """One model as a full build would run it."""

    schema: str
    name: str
    is_view: bool
    sql: str


def compile_models(project: Project, *selected: str) -> list[CompiledModel]:
    """Return the named models and everything they depend on, in build order.

    What a model asks the engine while it is compiled (whether the shop states its orders) it asks the project.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    runner = dbtRunner()
    prepared = runner.invoke(["run-operation", "start_build", *QUIET, *dbt_arguments(project)])
    assert prepared.success, prepared.exception
    outcome = runner.invoke(["compile", *QUIET, *dbt_arguments(project)])
    DuckDBConnectionManager.close_all_connections()
    assert outcome.success, outcome.exception
    nodes = {item.node.unique_id: item.node for item in outcome.result}
    names = {node.name: key for key, node in nodes.items() if node.resource_type == "model"}
    ordered: dict[str, Any] = {}

    def visit(key: str) -> None:
        if key in ordered or key not in nodes or nodes[key].resource_type not in ("model", "snapshot"):
            return
        for needed in nodes[key].depends_on.nodes:
            visit(needed)
        ordered[key] = nodes[key]

    for name in selected:
        visit(names[name])
    return [
        CompiledModel(node.schema, node.name, node.config.materialized == "view", node.compiled_code)
        for node in ordered.values()
        if node.resource_type == "model"
    ]


class SmallShop:
    """A shop in memory: rows go into bronze as a loader would land them, models are built from them."""

    def __init__(self, models: list[CompiledModel]) -> None:
        self.models = models
        self.connection = duckdb.connect()
        self.connection.execute(
            "set TimeZone = 'UTC'; set threads = 1; attach ':memory:' as warehouse; use warehouse"
        )
        for schema in ("bronze", "silver", "gold"):
            self.connection.execute(f"create schema warehouse.{schema}")
        for entity in ENTITIES:
            columns = [
                f'"{column.name}" {column.sql_type}' for column in (*lake_columns(entity.name), ROW_NUMBER)
            ]
            columns += [
                f'"{name}" varchar generated always as ({sql})'
                for name, sql in COMPUTED.get(entity.name, {}).items()
            ]
            self.connection.execute(f"create table bronze.{entity.name} ({', '.join(columns)})")
        for name, columns_of in TABLES.items():
            columns = [f'"{column.name}" {column.sql_type}' for column in columns_of]
            self.connection.execute(f"create table bronze.{name} ({', '.join(columns)})")

    def fill(self, entity: str, rows: list[dict[str, Any]], *, batch: int = 1) -> None:
        """Land rows; columns that a row does not name are null."""
        for number, row in enumerate(rows):
            names = [*row, "_batch_seq", "_row_number"]
            marks = ", ".join("?" for _ in names)
            self.connection.execute(
                f"insert into bronze.{entity} ({', '.join(names)}) values ({marks})",
                [*row.values(), batch, number],
            )

    def clear(self) -> None:
        """Forget every row that was landed."""
        for entity in ENTITIES:
            self.connection.execute(f"delete from bronze.{entity.name}")

    def build(self) -> None:
        """Build every model anew."""
        for model in self.models:
            kind = "view" if model.is_view else "table"
            self.connection.execute(
                f'create or replace {kind} warehouse."{model.schema}"."{model.name}" as {model.sql}'
            )

    def one(self, query: str) -> tuple[Any, ...]:
        """Return the only row of a query."""
        row = self.connection.execute(query).fetchone()
        assert row is not None
        return row
