"""Scores as gold tables, with the version that gave them and the day they are as of."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.engine import connect
from shopwright.core.sql import quote_name, quote_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb
    from numpy.typing import NDArray

    from shopwright.models.protocol import ModelSpec
    from shopwright.settings import Project

COMMON = {
    "model_version": "Version of the model that gave the score",
    "as_of_date": "Last day whose data was known",
}
"""Columns that every table of scores has beside its room's."""


def write_scores(
    connection: duckdb.DuckDBPyConnection,
    room: ModelSpec,
    columns: Mapping[str, NDArray[Any]],
    *,
    version: int,
) -> None:
    """Replace a room's table of scores.

    Args:
        connection: to the warehouse, for writing.
        room: names the table and says what its columns mean.
        columns: column to its values, (rows,).
        version: of the model.
    """
    arrays = {name: _plain(values) for name, values in columns.items()}
    connection.register("scored", arrays)
    chosen = ", ".join(_selected(name) for name in room.columns)
    connection.execute("begin")
    connection.execute(
        f"create or replace table {room.scores_table} as select {chosen}, "
        f"cast({int(version)} as integer) as model_version, "
        # What is decided at a midnight knows the day before.
        "cast(max(decided_at) over () - interval 1 microsecond as date) as as_of_date from scored"
    )
    meanings = {**room.columns, **COMMON}
    for name, meaning in meanings.items():
        connection.execute(
            f"comment on column {room.scores_table}.{quote_name(name)} is {quote_text(meaning)}"
        )
    connection.execute("commit")
    connection.unregister("scored")


def write_published_scores(
    project: Project, room: ModelSpec, columns: Mapping[str, NDArray[Any]], *, version: int
) -> None:
    """Write a room's scores where people read them, and where the next build starts from.

    The published database is copied, changed and put back in one rename. It is not taken from the warehouse, which may
    hold a build whose tests have failed.

    Args:
        project: the shop; nobody else may write to it meanwhile.
        room: names the table.
        columns: column to its values, (rows,).
        version: of the model.
    """
    with connect(project.warehouse) as connection:
        write_scores(connection, room, columns, version=version)
    unfinished = project.published.with_suffix(".tmp")
    shutil.copyfile(project.published, unfinished)
    with connect(unfinished) as connection:
        write_scores(connection, room, columns, version=version)
    unfinished.replace(project.published)


def _selected(name: str) -> str:
    """A column as it is kept; arrays know moments only, so what is named a date becomes one."""
    column = quote_name(name)
    return f"cast({column} as date) as {column}" if name.endswith("_date") else column


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    """Values as the engine takes them: texts as objects, moments in microseconds."""
    return values.astype("datetime64[us]") if np.issubdtype(values.dtype, np.datetime64) else values
