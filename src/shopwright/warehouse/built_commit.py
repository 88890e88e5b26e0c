"""The commit of the lake that the warehouse was built from: it must be part of the lake's history, or everything is built anew.

It is not where the lake was put back to an earlier day, or lost commits whose numbers other batches have now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shopwright.core.engine import EngineError, connect
from shopwright.lake.delta import Lake

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.core.engine import Connection
    from shopwright.settings import Project

ANOTHER_COPY = "warehouse.duckdb is not the file that the last build wrote"


@dataclass(frozen=True, slots=True)
class BuiltCommit:
    """A commit of the lake, as a build remembers it."""

    sequence: int
    sha256: str | None
    """None where no version with records had committed to the lake."""

    @classmethod
    def from_lake(cls, lake: Lake) -> BuiltCommit:
        """Return the last commit of a lake."""
        head = lake.commits.head()
        return cls(lake.sequence(), head.sha256 if head else None)

    @classmethod
    def from_json(cls, stored: Any) -> BuiltCommit | None:
        """Return a commit as a build stored it; None where it did not."""
        return cls(stored["sequence"], stored["sha256"]) if isinstance(stored, dict) else None

    def write(self, connection: Connection) -> None:
        """Write it into the warehouse, and so into what is published."""
        connection.execute(
            "create or replace table meta.lake_commit as select $1::bigint as sequence, $2::varchar as sha256",
            [self.sequence, self.sha256],
        )

    def mismatch(self, lake: Lake) -> str:
        """Return why this is not part of a lake's history; empty where it is."""
        last = lake.sequence()
        if self.sequence > last:
            return f"the lake ends with commit {last:,}, and the warehouse was built from commit {self.sequence:,}"
        if self.sha256 and not lake.commits.leads_from(self.sequence, self.sha256):
            return f"the lake has another history than the one of commit {self.sequence:,} that was built"
        return ""


def read_commit(connection: Connection, database: str | None = None) -> BuiltCommit | None:
    """Return the commit that a warehouse was built from; None where it does not say.

    Args:
        connection: to the warehouse.
        database: its name, if it is attached to another one.
    """
    prefix = f'"{database}".' if database else ""
    try:
        row = connection.execute(f"select sequence, sha256 from {prefix}meta.lake_commit").fetchone()
    except EngineError:  # a version before wrote it
        row = connection.execute(
            f"select max(batch_seq), null from {prefix}gold.fct_ingest_ledger"
        ).fetchone()
    return BuiltCommit(int(row[0] or 0), row[1]) if row else None


def find_mismatch(project: Project, last_build: dict[str, Any]) -> str:
    """Return why the warehouse does not fit the lake; empty where it does.

    Args:
        project: the shop.
        last_build: what the last build remembered of itself.
    """
    lake = Lake(project.lake)
    begun = BuiltCommit.from_json(last_build.get("begun"))
    if begun and (reason := begun.mismatch(lake)):
        return reason
    try:
        with connect(project.warehouse, read_only=True) as connection:
            built = read_commit(connection)
    except EngineError:
        return ""  # the build says what is wrong with the file
    if built is None:
        return ""
    finished = BuiltCommit.from_json(last_build.get("finished"))
    if finished and built not in (begun, finished):
        return ANOTHER_COPY
    return built.mismatch(lake)


def find_other_copy(database: Path, last_build: dict[str, Any]) -> str:
    """Return why a database is not the one that the last build wrote; empty where it is, or where nothing says so.

    Args:
        database: the published one.
        last_build: what the last build remembered of itself.
    """
    finished = BuiltCommit.from_json(last_build.get("finished"))
    if finished is None or not database.exists():
        return ""
    try:
        with connect(database, read_only=True) as connection:
            built = read_commit(connection)
    except EngineError:
        return f"{database.parent.name}/{database.name} cannot be read"
    is_other = built is not None and built != finished
    return (
        f"{database.parent.name}/{database.name} is not the file that the last build published"
        if is_other
        else ""
    )
