"""How large the tables are that were published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.core.engine import connect

if TYPE_CHECKING:
    from shopwright.settings import Project


def table_sizes(project: Project) -> dict[str, int]:
    """Rows of every published gold table; views are left out, since counting them would compute them."""
    with connect(project.published, read_only=True) as connection:
        names = connection.execute(
            "select table_name from information_schema.tables "
            "where table_schema = 'gold' and table_type = 'BASE TABLE' order by table_name"
        ).fetchall()
        counts = {}
        for (name,) in names:
            fetched = connection.execute(f'select count(*) from gold."{name}"').fetchone()
            counts[str(name)] = int(fetched[0]) if fetched else 0
    return counts
