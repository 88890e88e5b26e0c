"""What reading files again, or taking them out of the lake, comes to: which batches go and which files are read.

Files are told apart by their content: copies of one content within a source go and come back together.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from shopwright.core.errors import ConfigurationError, SourceFileError, near_match
from shopwright.ingest.contents import ContentReader
from shopwright.ingest.files import SourceFile, file_label, find_files, path_of
from shopwright.ingest.ledger import SETTLED, LedgerRow
from shopwright.ingest.segments import all_sources, drain_segments, is_collected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shopwright.ingest.ledger import LedgerIndex
    from shopwright.settings import Project, SourceSettings

Content = tuple[str, str]
"""Source and SHA-256 of a file."""

READ_AS_ONE = (
    "was read as one file by an older version, and other files of its source were read since; to read its sheets in turn, "
    "forget the source and give it a new name"
)
"""Why the sheets of a workbook cannot take its place."""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that was to be read again and could not be; its rows stay as they were."""

    file: str
    reason: str
    has_failed: bool = False
    """Whether it is there, but cannot be read with the settings of today."""


@dataclass(frozen=True, slots=True)
class Reread:
    """One file to read again."""

    source: SourceSettings
    file: SourceFile
    replaced: LedgerRow
    """The batch that it replaces."""
    sequence: int | None
    """Its place in the order of arrival; None for a new one at the end."""
    sha256: str | None
    """What it must hold; None where the batch held more than this file."""


@dataclass(slots=True)
class Plan:
    """What goes and what is read."""

    retired: list[LedgerRow] = field(default_factory=list)
    """Ledger rows of the batches that go."""
    forgotten: list[LedgerRow] = field(default_factory=list)
    """Those among them whose files are not read again."""
    files: list[Reread] = field(default_factory=list)
    """Files to read again, in the order of arrival."""
    databases: list[SourceSettings] = field(default_factory=list)
    """Databases to read again from the start."""
    kept: list[KeptFile] = field(default_factory=list)
    affected: list[str] = field(default_factory=list)
    """Files that are read again since some of their rows were duplicates of rows that go."""

    def add(self, rows: Iterable[LedgerRow]) -> None:
        """Take batches out."""
        known = {row.batch_seq for row in self.retired}
        self.retired += [row for row in rows if row.batch_seq not in known]


def select(ledger: LedgerIndex, target: str, project: Project) -> list[LedgerRow]:
    """Return the ledger rows that a source's name or a file's path means.

    Raises:
        ConfigurationError: neither a source nor a file of that name is in the ledger.
    """
    rows = [row for row in ledger.rows if row.source == target]
    if rows:
        return rows
    if any(source.name == target for source in all_sources(project)):
        raise ConfigurationError(f"no file of source '{target}' was read yet; run `shopwright ingest`")
    labels = {row.file for row in ledger.rows}
    paths = {Path(target).absolute(), (project.root / target).absolute()}
    chosen = {label for label in labels if label == target or path_of(label) in paths}
    chosen = chosen or {label for label in labels if _ends_in(label, target)}
    if len({path_of(label) for label in chosen}) > 1:
        raise ConfigurationError(f"several files are called '{target}': {', '.join(sorted(chosen))}")
    if not chosen:
        names = [row.source for row in ledger.rows] + [label.rsplit("/", 1)[-1] for label in labels]
        raise ConfigurationError(
            f"neither a source nor a file '{target}' was read{near_match(target, names)}"
        )
    return [row for row in ledger.rows if row.file in chosen]


def _ends_in(label: str, target: str) -> bool:
    """Return whether a label, or the workbook or archive in it, ends in a path; it does not begin in a sheet's name."""
    ends = (label, file_label(label), str(path_of(label)))
    length = len(file_label(label))
    return any(end.endswith(f"/{target}") and len(end) - len(target) <= length for end in ends)


class Planner:
    """Finds out which batches belong together, and which files are still what the ledger says.

    Args:
        project: the shop.
        ledger: its ledger.
        failed: contents that could not be read in an attempt before, with the reasons; they are kept.
    """

    def __init__(
        self, project: Project, ledger: LedgerIndex, failed: dict[Content, KeptFile] | None = None
    ) -> None:
        self.project = project
        self.ledger = ledger
        self.failed = failed or {}
        self.sources = {source.name: source for source in all_sources(project)}
        self._listings: dict[str, dict[str, list[SourceFile]]] = {}
        self._contents = ContentReader(project.work)
        self._by_content = defaultdict[Content, list[LedgerRow]](list)
        for row in ledger.rows:
            self._by_content[row.source, row.sha256].append(row)

    def read_again(self, target: str) -> Plan:
        """Plan to read a source or a file again."""
        return self.read_batches_again(select(self.ledger, target, self.project))

    def read_batches_again(self, batches: Iterable[LedgerRow]) -> Plan:
        """Plan to read the files of batches again."""
        plan = Plan()
        rows = [row for row in batches if row.outcome in SETTLED]
        for source in {row.source: None for row in rows}:
            if (settings := self.sources.get(source)) and settings.is_database:
                self._read_database_again(plan, settings)
        self._read_contents_again(plan, [row for row in rows if not self._is_of_database(row)])
        self._read_affected(plan)
        return self._in_order(plan)

    def forget(self, target: str) -> Plan:
        """Plan to take a source or a file out."""
        plan = Plan()
        for row in select(self.ledger, target, self.project):
            plan.add(self._batches(row) if row.sha256 else [row])
        plan.forgotten = list(plan.retired)
        self._read_affected(plan)
        return self._in_order(plan)

    def _in_order(self, plan: Plan) -> Plan:
        plan.retired.sort(key=lambda row: row.batch_seq)
        plan.files.sort(key=lambda item: item.sequence or math.inf)
        return plan

    def _is_of_database(self, row: LedgerRow) -> bool:
        source = self.sources.get(row.source)
        return source is not None and source.is_database

    def _read_database_again(self, plan: Plan, source: SourceSettings) -> None:
        if kept := self.failed.get((source.name, "")):
            plan.kept.append(kept)
            return
        plan.databases.append(source)
        plan.add(row for row in self.ledger.rows if row.source == source.name)

    def _read_contents_again(self, plan: Plan, rows: list[LedgerRow]) -> None:
        contents = {(row.source, row.sha256): row for row in rows}
        for first in contents.values():
            batches = self._batches(first)
            files, reason = self._files(first.source, batches)
            kept = self.failed.get((first.source, first.sha256)) or self.failed.get((first.source, ""))
            if kept:
                plan.kept += [] if kept in plan.kept else [kept]
            elif files:
                plan.add(batches)
                plan.files += self._rereads(first.source, batches, files)
            else:
                plan.kept.append(KeptFile(first.file, reason))

    def _batches(self, row: LedgerRow) -> list[LedgerRow]:
        """Return all batches of a row's content: its copies, its replays, and those under a former name of its source."""
        rows = list(self._by_content[row.source, row.sha256])
        former = self.ledger.find_under_other_names(row, self.sources)
        for source in {item.source for item in former} - self.sources.keys():
            rows += self._by_content[source, row.sha256]
        return rows

    def _rereads(
        self, source: str, batches: list[LedgerRow], files: list[tuple[LedgerRow, SourceFile]]
    ) -> list[Reread]:
        """Return how the files of one content are read again: the first one in the earliest place of all."""
        place = min(row.batch_seq for row in batches)
        rereads, taken = [], set[int]()
        for number, (row, file) in enumerate(files):
            # of a workbook that was read as one file, the sheets behind the first one need a place of their own
            is_part = file.label != row.file
            sequence = None if row.batch_seq in taken else row.batch_seq if number else place
            taken |= {row.batch_seq, place}
            rereads.append(Reread(self.sources[source], file, row, sequence, None if is_part else row.sha256))
        return rereads

    def _files(self, source: str, batches: list[LedgerRow]) -> tuple[list[tuple[LedgerRow, SourceFile]], str]:
        """Return the files of a source that still hold a content, or why there are none."""
        if source not in self.sources:
            return [], f"source '{source}' is no longer in shopwright.toml"
        listing = self._listing(self.sources[source])
        present, reason = [], "is no longer on disk"
        for row in batches:
            if row.outcome not in SETTLED or row.source != source:
                continue
            for file in listing.get(row.file, []):
                if not self._is_same(file, row):
                    reason = "has another content now than when it was read"
                elif file.label != row.file and self._has_later_batches(row, batches):
                    reason = READ_AS_ONE
                else:
                    present.append((row, file))
        return present, reason

    def _has_later_batches(self, row: LedgerRow, batches: list[LedgerRow]) -> bool:
        """Return whether rows of a source arrived after a batch, which may replace some of its rows."""
        return any(
            other.source == row.source
            and other.entity == row.entity
            and other.batch_seq > row.batch_seq
            and other.rows_accepted
            and other not in batches
            for other in self.ledger.rows
        )

    def _listing(self, source: SourceSettings) -> dict[str, list[SourceFile]]:
        """Return the files of a source by label; sheets also by that of their workbook."""
        if source.name not in self._listings:
            try:
                files = (
                    drain_segments(self.project)
                    if is_collected(source)
                    else find_files(source, self.project.root)
                )
            except ConfigurationError:
                files = []  # none of them is there any more
            listing = self._listings[source.name] = defaultdict[str, list[SourceFile]](list)
            for file in files:
                for label in {file.label, file.file_label}:
                    listing[label].append(file)
        return self._listings[source.name]

    def _is_same(self, file: SourceFile, row: LedgerRow) -> bool:
        try:
            stat = file.path.stat()
            if (stat.st_size, stat.st_mtime_ns) == (row.size_bytes, row.modified_ns):
                return True
        except OSError:
            return False
        try:
            is_sheet = file.label == row.file and file.sheet is not None
            digest = self._contents.hash_sheet(file) if is_sheet else self._contents.hash_whole(file)
        except SourceFileError:
            return False
        # of an archive, any change counts
        return digest == row.sha256

    def _read_affected(self, plan: Plan) -> None:
        """Add later files whose duplicates may have been duplicates of rows that go: now they may be the only ones."""
        chosen: set[int] = set()
        for row in self.ledger.rows:
            if len(chosen) != len(plan.retired):
                chosen = {item.batch_seq for item in plan.retired}
            if row.batch_seq in chosen or not row.rows_duplicate or row.outcome == "failed":
                continue
            if not any(_may_repeat(row, earlier) for earlier in plan.retired):
                continue
            if self._is_of_database(row):
                plan.kept.append(KeptFile(row.file, _unchecked(row, "is part of a database")))
                continue
            before = len(plan.kept)
            self._read_contents_again(plan, [row])
            if len(plan.kept) > before:
                kept = plan.kept.pop()
                plan.kept.append(KeptFile(kept.file, _unchecked(row, kept.reason), kept.has_failed))
            else:
                plan.affected.append(row.file)


def _may_repeat(row: LedgerRow, earlier: LedgerRow) -> bool:
    """Return whether some rows of a batch may have been duplicates of an earlier batch's."""
    if earlier.batch_seq > row.batch_seq or earlier.entity != row.entity or not earlier.rows_accepted:
        return False
    if row.outcome == "identical" and (row.sha256 != earlier.sha256):
        return False
    spans = (row.first_at, row.last_at, earlier.first_at, earlier.last_at)
    if any(at is None for at in spans):
        return True
    return not (row.last_at < earlier.first_at or row.first_at > earlier.last_at)  # type: ignore[operator]  # none is None


def _unchecked(row: LedgerRow, reason: str) -> str:
    return (
        f"{reason}; its {row.rows_duplicate:,} duplicates may have been duplicates of rows that are gone now"
    )


def count_rows(rows: Iterable[LedgerRow]) -> Iterator[tuple[str, int]]:
    """Yield how many loaded rows of each entity batches have."""
    counts = defaultdict[str, int](int)
    for row in rows:
        counts[row.entity] += row.rows_accepted
    yield from sorted((entity, count) for entity, count in counts.items() if count)
