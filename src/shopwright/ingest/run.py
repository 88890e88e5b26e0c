"""An ingest: every new file of a project's sources is loaded once, wherever an earlier run was interrupted."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from shopwright.core.errors import ConfigurationError, near_match
from shopwright.core.lock import exclusive_lock
from shopwright.ingest.adapters import find_adapter
from shopwright.ingest.adapters.privacy import HASH
from shopwright.ingest.expressions import refused_expressions
from shopwright.ingest.files import SourceFile, find_files
from shopwright.ingest.fingerprint import find_changed_sources
from shopwright.ingest.ingest_run import IngestRun
from shopwright.ingest.loader import workspace
from shopwright.ingest.postgres import check_source
from shopwright.ingest.privacy import check_key
from shopwright.ingest.report import IngestReport, Progress, ProgressCallback
from shopwright.ingest.segment_retention import delete_old_segments
from shopwright.ingest.segments import all_sources, drain_segments, is_collected

if TYPE_CHECKING:
    from datetime import datetime

    from shopwright.settings import Project, SourceSettings


def ingest(
    project: Project,
    *,
    now: datetime,
    sources: tuple[str, ...] = (),
    on_progress: ProgressCallback | None = None,
) -> IngestReport:
    """Load every file of the project's sources that is not in the lake yet.

    Args:
        project: the shop.
        now: the time of the run, naive UTC; it is written to the ledger and bounds times in the future.
        sources: names of the sources to read; all if empty.
        on_progress: called before each file and at the end.

    Raises:
        BusyError: another process writes to the project.
        ConfigurationError: a source is wrong, or no source is configured.
    """
    selected = _select_sources(project, sources)
    refused = [message for source in selected for message in refused_expressions(source)]
    # the others are read all the same
    selected = [source for source in selected if not refused_expressions(source)]
    started = monotonic()
    with exclusive_lock(project.work / "lock", "ingest"), workspace(project) as (connection, staging):
        run = IngestRun(project, connection, staging, now, on_progress)
        report = run.ingest(
            [
                (source, file)
                for source in selected
                if not source.is_database
                for file in _list_files(source, project)
            ]
        )
        for source in selected:
            if source.is_database:
                run.ingest_database(source)
        report.changed_sources = find_changed_sources(project, run.loader.ledger)
        if any(map(is_collected, selected)):
            report.retained_segments = delete_old_segments(project, connection).retained
    return replace(report, refused=refused, seconds=monotonic() - started)


def _select_sources(project: Project, names: tuple[str, ...]) -> list[SourceSettings]:
    by_name = {source.name: source for source in all_sources(project)}
    if not by_name:
        raise ConfigurationError(
            f"no source in {project.root / 'shopwright.toml'}; add a [[sources]] section"
        )
    for name in names:
        if name not in by_name:
            raise ConfigurationError(f"no source '{name}'{near_match(name, by_name)}")
    for source in by_name.values():
        find_adapter(source.adapter)
    selected = [by_name[name] for name in names] if names else list(by_name.values())
    for source in selected:
        find_adapter(source.adapter).check_privacy(source)
        if HASH in source.privacy.values():
            check_key(project)
        if source.is_database:
            find_adapter(source.adapter).mapping_for(source, "")
            check_source(source)
    return selected


def _list_files(source: SourceSettings, project: Project) -> list[SourceFile]:
    return drain_segments(project) if is_collected(source) else find_files(source, project.root)


__all__ = ["IngestReport", "Progress", "ProgressCallback", "ingest"]
