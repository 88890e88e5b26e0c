"""Mending: files are read again after a change of settings, or taken out of the lake, in one commit.

What is read again keeps its place in the order of arrival. The process may be killed at any moment: either nothing has
changed, or the next writer finishes the commit (see ``lake.delta``).
"""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from shopwright.core.engine import connect
from shopwright.core.lock import exclusive_lock
from shopwright.ingest.expressions import refused_expressions
from shopwright.ingest.ingest_run import IngestRun
from shopwright.ingest.ledger import FORGOTTEN, SETTLED, LedgerIndex, LedgerRow, read_ledger
from shopwright.ingest.loader import workspace
from shopwright.ingest.mending_plan import Content, KeptFile, Plan, Planner
from shopwright.ingest.segments import all_sources
from shopwright.lake.delta import Lake

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from shopwright.ingest.report import IngestReport, ProgressCallback
    from shopwright.settings import Project


def read_again(
    project: Project, target: str, *, now: datetime, on_progress: ProgressCallback | None = None
) -> IngestReport:
    """Read files again with the settings of today, and put their rows in place of those that they gave before.

    Files that are gone, or that hold something else now, keep their rows, as do files that cannot be read.

    Args:
        project: the shop.
        target: name of a source, or path of one file.
        now: the time of the run, naive UTC.
        on_progress: called before each file.

    Raises:
        BusyError: another process writes to the project.
        ConfigurationError: neither a source nor a file is called so.
    """
    with exclusive_lock(project.work / "lock", "ingest --again"):
        return mend(
            project, lambda planner: planner.read_again(target), by="again", now=now, on_progress=on_progress
        )


def plan_forget(project: Project, target: str) -> Plan:
    """Return what ``forget`` would do, without doing it.

    Raises:
        ConfigurationError: neither a source nor a file is called so.
    """
    with connect() as connection:
        ledger = LedgerIndex(read_ledger(connection, Lake(project.lake)))
    return Planner(project, ledger).forget(target)


def forget(
    project: Project, target: str, *, now: datetime, on_progress: ProgressCallback | None = None
) -> IngestReport:
    """Take the rows of a source or a file out of the lake; its files are not read again until ``read_again``.

    Args:
        project: the shop.
        target: name of a source, which may no longer be configured, or path of one file.
        now: the time of the run, naive UTC.
        on_progress: called before each file that must be read again, since its duplicates are duplicates no more.

    Raises:
        BusyError: another process writes to the project.
        ConfigurationError: neither a source nor a file is called so.
    """
    with exclusive_lock(project.work / "lock", "ingest --forget"):
        return mend(
            project, lambda planner: planner.forget(target), by="forget", now=now, on_progress=on_progress
        )


def mend(
    project: Project,
    make_plan: Callable[[Planner], Plan],
    *,
    by: str,
    now: datetime,
    on_progress: ProgressCallback | None,
    damaged: Collection[str] = (),
) -> IngestReport:
    """Replace batches as a plan says, in one commit.

    Args:
        project: the shop; its lock is held.
        make_plan: says which batches go and which files are read.
        by: what takes the batches out, for the table of those that were.
        now: the time of the run, naive UTC.
        on_progress: called before each file.
        damaged: names of files of the lake that the plan replaces, and that may be gone or damaged.
    """
    started = monotonic()
    failed = _refused(project)
    with workspace(project) as (connection, staging):
        while True:
            # a new run removes what an attempt before has written
            run = IngestRun(project, connection, staging, now, on_progress, damaged=damaged)
            plan = make_plan(Planner(project, run.loader.ledger, failed))
            failures = _replace(run, plan, by=by)
            if not failures:
                break
            failed |= failures
        run.loader.commit()
    report = run.report
    report.retired, report.kept, report.affected = plan.retired, plan.kept, plan.affected
    return replace(report, seconds=monotonic() - started)


def _refused(project: Project) -> dict[Content, KeptFile]:
    """Return sources that cannot be read at all, since an expression in their settings is wrong."""
    refused = {source.name: refused_expressions(source) for source in all_sources(project)}
    return {
        (name, ""): KeptFile(f"source {name}", problems[0], True)
        for name, problems in refused.items()
        if problems
    }


def _replace(run: IngestRun, plan: Plan, *, by: str) -> dict[Content, KeptFile]:
    """Retire the batches of a plan and read its files, without a commit.

    Returns:
        Files that cannot be read, by content.
    """
    if not plan.retired:
        return {}
    run.loader.retire(plan.retired, by=by)
    for row in plan.forgotten:
        if row.outcome in SETTLED:
            run.loader.record(_forgotten(row, run.now))
    return run.read_again(plan.files, plan.databases)


def _forgotten(row: LedgerRow, now: datetime) -> LedgerRow:
    """Return the ledger row of a file whose rows were taken out."""
    return LedgerRow(
        batch_seq=row.batch_seq,
        batch_id=f"{row.batch_id}-forgotten",
        source=row.source,
        adapter=row.adapter,
        entity=row.entity,
        file=row.file,
        size_bytes=row.size_bytes,
        modified_ns=row.modified_ns,
        sha256=row.sha256,
        outcome=FORGOTTEN,
        reason="taken out of the lake with `shopwright ingest --forget`",
        ingested_at=now,
    )
