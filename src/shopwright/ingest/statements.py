"""Statements of whole orders: a file states all lines (payments, refunds) of each order that it names.

A newer statement of a source replaces its older one, which staging does (macro ``is_replaced``). So an order's rows are
duplicates only together: if they equal, in every column, what counts for the order now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.core.sql import quote_name
from shopwright.lake.delta import LakeFile, stored_sql
from shopwright.lake.tables import STATEMENT

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.contracts import Entity
    from shopwright.core.engine import Connection


def find_repeated_statements(
    connection: Connection, entity: Entity, path: Path, *, sequence: int, visible: list[LakeFile]
) -> int:
    """Add the rows of orders that the lake states in the same way to the table ``duplicates``.

    Args:
        connection: the connection to work with; its table ``duplicates`` has the new file's repeated rows.
        entity: whose rows they are.
        path: the new file.
        sequence: its batch's place in the order of arrival.
        visible: files of the lake that earlier batches made or are about to make visible.

    Returns:
        Number of rows added.
    """
    earlier = [file.path for file in visible if file.batch_seq < sequence]
    if not earlier:
        return 0
    whole = quote_name(str(entity.whole))
    new = (
        f"(select * from ({stored_sql(entity.name, [path])}) "
        "where _row_number not in (select row_number from duplicates))"
    )
    stored = (
        f"(select * from ({stored_sql(entity.name, earlier)}) where {whole} in (select {whole} from {new}))"
    )
    statement = f"max({STATEMENT.name}) over (partition by {whole}, _source)"
    connection.execute(
        f"create or replace temp table current_rows as select * from {stored} "
        f"qualify coalesce({STATEMENT.name}, _batch_seq) >= coalesce({statement}, 0)"
    )
    hash_sql = f"hash({', '.join(quote_name(column.name) for column in entity.stored_columns)})"
    equal = " and ".join(
        f"old.{quote_name(column.name)} is not distinct from new.{quote_name(column.name)}"
        for column in entity.stored_columns
    )
    counts = f"select {whole}, count(*) as row_count from {{}} group by {whole}"
    matched = (
        f"(select new.* from (select *, {hash_sql} as h from {new}) as new semi join "
        f"(select *, {hash_sql} as h from current_rows) as old on old.h = new.h and {equal})"
    )
    fetched = connection.execute(
        f"insert into duplicates select _row_number from {new} where {whole} in "
        f"(select {whole} from ({counts.format(new)}) semi join ({counts.format('current_rows')}) "
        f"using ({whole}, row_count) semi join ({counts.format(matched)}) using ({whole}, row_count))"
    ).fetchone()
    connection.execute("drop table current_rows")
    return int(fetched[0]) if fetched else 0
