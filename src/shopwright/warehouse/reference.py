"""The gold tables as one Markdown page, written from the YAML beside the dbt models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from shopwright.core.markdown import format_table
from shopwright.warehouse.dbt_config import DBT_PROJECT

if TYPE_CHECKING:
    from pathlib import Path

_INTRODUCTION = """\
# Gold tables

<!-- Written by `make docs` from the YAML of the dbt models; edit there. -->

What dashboards, notebooks and the API read: schema `gold` of `published/warehouse.duckdb`. Dates are in the shop's time
zone, timestamps are UTC, and money is exact to four decimals. A ratio over nothing is null. `shopwright docs` shows the same
with lineage. The tables of scores (`scores_*`) and `fct_experiment_readouts` are written after the build; the
[models guide](../guides/models.md) and the [experiments guide](../guides/experiments.md) describe them."""

_FOLDERS = ("marts", "features", "health")


def render() -> str:
    """Write the page.

    Returns:
        Markdown, ending in a newline: an overview, then per table its grain and columns.
    """
    tables = [model for folder in _FOLDERS for model in _read_models(DBT_PROJECT / "models" / folder)]
    overview = format_table(
        ("table", "what it holds"),
        [(f"[`{model['name']}`](#{model['name']})", _first_sentence(model)) for model in tables],
    )
    return "\n\n".join([_INTRODUCTION, overview, *map(_render_table, tables)]) + "\n"


def _read_models(folder: Path) -> list[dict[str, Any]]:
    return [
        model
        for file in sorted(folder.rglob("*.yml"))
        for model in yaml.safe_load(file.read_text("utf-8")).get("models", [])
    ]


def _render_table(model: dict[str, Any]) -> str:
    rows = [
        (f"`{column['name']}`", column.get("data_type", ""), _one_line(column.get("description", "")))
        for column in model.get("columns", [])
    ]
    table = format_table(("column", "type", "meaning"), rows)
    return f"## {model['name']}\n\n{_one_line(model['description'])}\n\n{table}"


def _first_sentence(model: dict[str, Any]) -> str:
    return _one_line(model["description"]).partition(". ")[0].rstrip(".") + "."


def _one_line(text: str) -> str:
    return " ".join(text.split())
