"""Row counts of the published tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.core.engine import connect

if TYPE_CHECKING:
    from shopwright.settings import Project


def count_rows(project: Project) -> dict[str, int]:
    """Return the number of rows of every published gold table, by name.

    Views are left out: counting their rows would compute them.
    """
    with connect(project.published, read_only=True) as connection:
        names = connection.execute(
            "select table_name from information_schema.tables "
            "where table_schema = 'gold' and table_type = 'BASE TABLE' order by table_name"
        ).fetchall()
        counts = {}
        for (name,) in names:
            row = connection.execute(f'select count(*) from gold."{name}"').fetchone()
            counts[str(name)] = int(row[0]) if row else 0
    return counts
