"""Scores as gold tables, with the version that computed them and the day that they are as of."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.engine import connect
from shopwright.core.sql import quote_name, quote_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from shopwright.core.engine import Connection
    from shopwright.models.protocol import ModelSpec
    from shopwright.settings import Project

COMMON = {
    "model_version": "Version of the model that computed the score",
    "as_of_date": "Last day whose data was known",
}
"""Columns that every scores table has, next to those of its model."""


def write_scores(
    connection: Connection,
    spec: ModelSpec,
    columns: Mapping[str, NDArray[Any]],
    *,
    version: int,
) -> None:
    """Replace a model's scores table.

    Args:
        connection: to the warehouse, for writing.
        spec: the model, with the table's name and the meaning of its columns.
        columns: column to its values, (rows,).
        version: of the model.
    """
    arrays = {name: _engine_values(values) for name, values in columns.items()}
    connection.register("scored", arrays)
    columns_sql = ", ".join(_select_column(name) for name in spec.columns)
    connection.execute("begin")
    connection.execute(
        f"create or replace table {spec.scores_table} as select {columns_sql}, "
        f"cast({int(version)} as integer) as model_version, "
        # A decision at midnight knows the day before.
        "cast(max(decided_at) over () - interval 1 microsecond as date) as as_of_date from scored"
    )
    meanings = {**spec.columns, **COMMON}
    for name, meaning in meanings.items():
        connection.execute(
            f"comment on column {spec.scores_table}.{quote_name(name)} is {quote_text(meaning)}"
        )
    connection.execute("commit")
    connection.unregister("scored")


def write_published_scores(
    project: Project, spec: ModelSpec, columns: Mapping[str, NDArray[Any]], *, version: int
) -> None:
    """Write a model's scores into the published database and into the warehouse that the next build starts from.

    The published database is copied, changed and replaced by a rename. It is not copied from the warehouse, which may
    hold a build whose tests failed.

    Args:
        project: the shop; the caller holds its lock.
        spec: the model.
        columns: column to its values, (rows,).
        version: of the model.
    """
    with connect(project.warehouse) as connection:
        write_scores(connection, spec, columns, version=version)
    unfinished = project.published.with_suffix(".tmp")
    shutil.copyfile(project.published, unfinished)
    with connect(unfinished) as connection:
        write_scores(connection, spec, columns, version=version)
    unfinished.replace(project.published)


def _select_column(name: str) -> str:
    """Return the SQL of a stored column; arrays only hold timestamps, so a column named a date is cast to one."""
    column = quote_name(name)
    return f"cast({column} as date) as {column}" if name.endswith("_date") else column


def _engine_values(values: NDArray[Any]) -> NDArray[Any]:
    """Convert values for the engine: timestamps in microseconds, everything else unchanged."""
    return values.astype("datetime64[us]") if np.issubdtype(values.dtype, np.datetime64) else values
