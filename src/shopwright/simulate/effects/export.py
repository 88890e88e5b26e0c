"""From a shop's export to a marked copy in which an experiment has a known effect."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from shopwright.contracts.events import EVENTS, MAX_TIMESTAMP
from shopwright.core.engine import connect
from shopwright.core.errors import ConfigurationError, near_match
from shopwright.ingest.adapters import FileKind, find_adapter
from shopwright.ingest.files import SourceFile, data_name, find_files
from shopwright.ingest.plain_files import to_plain_file, unpack
from shopwright.ingest.read_job import ReadJob
from shopwright.ingest.readers import read_file
from shopwright.simulate.effects.files import EventTypeColumns, write_parquet_copy, write_records
from shopwright.simulate.effects.marks import EFFECT_COLUMN
from shopwright.simulate.effects.rule import SimulatedEffect

if TYPE_CHECKING:
    from shopwright.core.engine import Connection
    from shopwright.ingest.adapters import Mapping
    from shopwright.settings import ExperimentDefinition, Project, SourceSettings

ProgressCallback = Callable[[int, int, str], None]
"""Called with the files done, the number of files, and the name of the next one."""


@dataclass(frozen=True, slots=True)
class RewrittenFile:
    """One file of the copy."""

    file: Path
    """Path within the folder of the copy."""
    entity: str
    events: int
    """Records that were marked; 0 for files without events, which are copied as they are."""
    changed: int
    """Cart events that became purchases."""


@dataclass(frozen=True, slots=True)
class EffectReport:
    """What a copy of an export holds."""

    effect: str
    """Text that every event of the copy is marked with."""
    out: Path
    files: tuple[RewrittenFile, ...]

    @property
    def events(self) -> int:
        """Number of events marked."""
        return sum(file.events for file in self.files)

    @property
    def changed(self) -> int:
        """Number of cart events that became purchases."""
        return sum(file.changed for file in self.files)


def simulate_effect(
    project: Project,
    export: Path,
    out: Path,
    *,
    experiment: str,
    share: float = 0.05,
    seed: int = 1,
    source: str | None = None,
    on_progress: ProgressCallback | None = None,
) -> EffectReport:
    """Write a copy of an export in which a share of the treated users' cart events are purchases.

    The variant of each user is the one that the experiment assigns. Every event of the copy is marked. The copy is plain: what
    is compressed or in a zip archive is unpacked. Files of other entities are copied as they are.

    Args:
        project: the shop whose settings define the experiment and the source.
        export: a file, or a folder of files; it is only read.
        out: folder for the copy; it must not exist yet, or be empty.
        experiment: name of the experiment.
        share: of the eligible cart events, above 0 and up to 1.
        seed: any whole number from 0; another seed chooses other events.
        source: name of the source that reads the export; needed only where the project has several with events.
        on_progress: called before each file.

    Raises:
        ConfigurationError: the experiment or the source cannot carry an effect, or the folder is in use.
        SourceFileError: a file cannot be read.
    """
    settings = project.settings
    effect = SimulatedEffect.from_experiment(
        _find_experiment(project, experiment), share=share, seed=seed, timezone=settings.shop.timezone
    )
    reader = _find_source(project, source).model_copy(update={"path": str(export.resolve())})
    _check_folder(export, out)
    targets = _plan_targets(find_files(reader, project.root), export)
    project.work.mkdir(parents=True, exist_ok=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(dir=project.work) as staging,
        # beside the folder, so that the finished copy gets its name in one step
        TemporaryDirectory(dir=out.resolve().parent, prefix=".simulate-effect-") as unfinished,
        connect(
            threads=settings.engine.threads,
            memory_limit=settings.engine.memory_limit,
            spill=Path(staging) / "spill",
        ) as connection,
    ):
        rewriter = _Rewriter(project, reader, effect, connection, Path(staging))
        rewritten = rewriter.rewrite_all(targets, Path(unfinished) / "copy", on_progress=on_progress)
        if out.exists():
            out.rmdir()
        (Path(unfinished) / "copy").rename(out)
    return EffectReport(effect.mark, out, tuple(rewritten))


def _find_experiment(project: Project, name: str) -> ExperimentDefinition:
    by_name = {experiment.name: experiment for experiment in project.settings.experiments}
    if name not in by_name:
        raise ConfigurationError(
            f"no experiment '{name}' in {project.root / 'shopwright.toml'}{near_match(name, by_name)}"
        )
    return by_name[name]


def _find_source(project: Project, name: str | None) -> SourceSettings:
    by_name = {source.name: source for source in project.settings.sources}
    if name is not None and name not in by_name:
        raise ConfigurationError(f"no source '{name}'{near_match(name, by_name)}")
    if name is not None:
        if reason := _unsupported_reason(by_name[name]):
            raise ConfigurationError(f"source '{name}': {reason}")
        return by_name[name]
    usable = [source for source in by_name.values() if not _unsupported_reason(source)]
    if len(usable) != 1:
        names = ", ".join(source.name for source in usable)
        raise ConfigurationError(
            f"several sources read events ({names}); choose one with --source"
            if usable
            else f"{project.root / 'shopwright.toml'} has no source that reads files of events"
        )
    return usable[0]


def _unsupported_reason(source: SourceSettings) -> str | None:
    if not find_adapter(source.adapter).has_events:
        return f"adapter {source.adapter} reads no events, and an effect is simulated on events"
    if source.entity != EVENTS.name:
        return f"its entity is {source.entity}, and an effect is simulated on events"
    if source.is_database:
        return "rows of a database cannot be rewritten; export them to a file and read it with another source"
    if not source.header:
        return "its files have no header, so the columns of the mark cannot be named; add a header"
    if "properties" in source.map:
        return "it maps properties itself, so the mark would be lost; remove properties from [sources.map]"
    keeps_all = all(choice == "keep" for choice in source.privacy.values())
    hint = "it drops or hashes columns, so the copy would have other users; remove [sources.privacy] for it"
    return None if keeps_all else hint


def _check_folder(export: Path, out: Path) -> None:
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise ConfigurationError(f"{out} exists already; choose a new folder for the copy")
    if export.is_dir() and out.resolve().is_relative_to(export.resolve()):
        raise ConfigurationError(f"{out} is within {export}; choose a folder outside of the export")


def _plan_targets(files: list[SourceFile], export: Path) -> dict[Path, SourceFile]:
    """Return each file of the copy, as a path within its folder, with the file it is made from."""
    base = export.resolve() if export.is_dir() else export.resolve().parent
    targets: dict[Path, SourceFile] = {}
    for file in files:
        if file.sheet is not None:
            raise ConfigurationError(f"{file.file_label}: workbooks cannot be rewritten; save it as CSV")
        folder = file.path.relative_to(base).parent
        if file.member:
            # a member's folders are kept; one that points out of its archive is an attack or an accident
            folders = [part for part in PurePosixPath(file.member).parts[:-1] if part not in ("..", "/")]
            folder = folder.joinpath(file.path.stem, *folders)
        target = folder / data_name(file.label)
        if target in targets:
            raise ConfigurationError(
                f"{file.label} and {targets[target].label} would both become {target} in the copy"
            )
        targets[target] = file
    return targets


@dataclass(frozen=True, slots=True)
class _Rewriter:
    """Writes the copies of an export's files."""

    project: Project
    source: SourceSettings
    effect: SimulatedEffect
    connection: Connection
    staging: Path

    def rewrite_all(
        self, targets: dict[Path, SourceFile], folder: Path, *, on_progress: ProgressCallback | None
    ) -> list[RewrittenFile]:
        """Write the copies of all files into a folder, each under the name that it has among the targets."""
        rewritten = []
        for number, (name, file) in enumerate(targets.items()):
            if on_progress:
                on_progress(number, len(targets), file.data_name)
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            rewritten.append(self.rewrite(file, path, name=name))
        return rewritten

    def rewrite(self, file: SourceFile, target: Path, *, name: Path) -> RewrittenFile:
        """Write the copy of a file; one that is empty or holds no events is copied as it is."""
        mapping = find_adapter(self.source.adapter).mapping_for(self.source, file.data_name)
        entity = mapping.entity.name
        if mapping.kind is FileKind.XLSX:
            raise ConfigurationError(f"{file.label}: workbooks cannot be rewritten; save it as CSV")
        if entity == EVENTS.name and (job := self._job(file, mapping)):
            events, changed = self._rewrite_events(job, target, file.label)
            return RewrittenFile(name, entity, events, changed)
        shutil.copyfile(unpack(file, self.staging, encoding="utf-8"), target)
        return RewrittenFile(name, entity, 0, 0)

    def _job(self, file: SourceFile, mapping: Mapping) -> ReadJob | None:
        """Return how to read a file of events; None where nothing is in it."""
        plain = to_plain_file(file, self.staging, mapping, None, encoding=self.source.encoding)
        is_text = plain.mapping.kind is not FileKind.PARQUET
        if plain.path.stat().st_size == 0 or (is_text and not plain.facts.has_text):
            return None
        return ReadJob(
            connection=self.connection,
            label=file.label,
            plain=plain.path,
            staging=self.staging,
            mapping=plain.mapping,
            facts=plain.facts,
            latest=MAX_TIMESTAMP,
            max_record_bytes=self.project.settings.ingest.max_record_bytes,
            allows_streaming=False,  # the engine's own reader does not tell the line of a row
        )

    def _rewrite_events(self, job: ReadJob, target: Path, label: str) -> tuple[int, int]:
        """Write the copy of a file of events; return its records and how many of them were changed."""
        event_type = EventTypeColumns.from_field(job.mapping.fields["event_type"], self.source.name)
        result = read_file(job)
        if EFFECT_COLUMN in (*result.columns, *result.new_columns):
            raise ConfigurationError(
                f"{label} carries a simulated effect already; start from the original export"
            )
        columns = [column.name for column in result.projection.columns]
        self.connection.execute(
            "create or replace temp table changed as select _line as line from typed_rows "
            f"where _broken = 0 and coalesce({self.effect.condition(columns)}, false)"
        )
        lines = frozenset(line for (line,) in self.connection.execute("select line from changed").fetchall())
        mark = self.effect.mark
        if job.mapping.kind is FileKind.PARQUET:
            return write_parquet_copy(job, target, mark=mark, event_type=event_type), len(lines)
        job = replace(job, mapping=job.mapping.for_columns(result.columns)) if result.columns else job
        written = write_records(
            job, target, mark=mark, changed=lines, event_type=event_type, encoding=self.source.encoding
        )
        return written, len(lines)
