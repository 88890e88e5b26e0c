"""Repair of a shop's lake: records, logs and files agree again, and what has no copy is read again from the source files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shopwright.core.lock import exclusive_lock
from shopwright.ingest.ledger import LedgerRow, count_accepted, read_ledger
from shopwright.ingest.loader import workspace
from shopwright.ingest.mending import mend
from shopwright.lake.checks import find_problems, ledger_problems
from shopwright.lake.delta import Lake
from shopwright.lake.repair import repair_lake

if TYPE_CHECKING:
    from datetime import datetime

    from shopwright.core.engine import Connection
    from shopwright.ingest.mending_plan import Plan, Planner
    from shopwright.ingest.report import ProgressCallback
    from shopwright.settings import Project


@dataclass(slots=True)
class RepairReport:
    """What a repair did."""

    done: list[str] = field(default_factory=list)
    """One line for each thing that was mended."""
    reread: list[str] = field(default_factory=list)
    """Source files that were read again, since the lake's own copy of their rows was lost."""
    remaining: list[str] = field(default_factory=list)
    """What is still wrong, and what helps."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong any more."""
        return not self.remaining


def repair(project: Project, *, now: datetime, on_progress: ProgressCallback | None = None) -> RepairReport:
    """Repair the lake as far as what is there allows; every byte of it is read.

    What is replaced moves to the trash. A second repair finds nothing to do.

    Args:
        project: the shop.
        now: the time of the run, naive UTC.
        on_progress: called before each source file that is read again.

    Raises:
        BusyError: another process writes to the project.
        LakeError: a table's log and the records of commits are lost, and what is there does not fit. Nothing was deleted.
    """
    lake, report = Lake(project.lake), RepairReport()
    with exclusive_lock(project.work / "lock", "repair"):
        with workspace(project) as (connection, _):
            result = repair_lake(lake, connection)
            report.done = result.done
            lost = sorted(name for names in result.damaged.values() for name in names)
            batches = _batches(connection, lake, result.damaged) if lost else []
        if batches:
            mended = mend(
                project,
                lambda planner: _plan(planner, batches),
                by="repair",
                now=now,
                on_progress=on_progress,
                damaged=lost,
            )
            report.reread = [row.file for row in mended.rows]
            report.remaining = [
                f"rows of {kept.file} are lost: the file {kept.reason}. Put it back, or restore a backup"
                for kept in mended.kept
            ]
        with workspace(project) as (connection, _):
            report.remaining += _remaining(connection, Lake(project.lake))
    return report


def _batches(connection: Connection, lake: Lake, damaged: dict[str, list[str]]) -> list[LedgerRow]:
    """Return the ledger rows of the batches whose files of rows are lost."""
    numbers = {
        file.batch_seq
        for table, names in damaged.items()
        for file in lake.files(table)
        if file.path.name in names
    }
    return [row for row in read_ledger(connection, lake) if row.batch_seq in numbers]


def _plan(planner: Planner, batches: list[LedgerRow]) -> Plan:
    return planner.read_batches_again(batches)


def _remaining(connection: Connection, lake: Lake) -> list[str]:
    problems = list(find_problems(lake, lake.pending()))
    if not problems:
        problems = list(ledger_problems(count_accepted(read_ledger(connection, lake)), lake))
    return [f"{problem.table}: {problem.reason}" for problem in problems]
