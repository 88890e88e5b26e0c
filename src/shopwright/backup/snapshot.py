"""A snapshot of a project: one consistent state of all that belongs in a backup, held while it is copied.

Most of it never changes once it is written: files of the lake, entries of its logs, closed segments, artifacts of models, the
published database. These get a second name below ``.shopwright/backup``, which takes no time and no space; so nobody waits while
gigabytes are copied, and what others delete meanwhile stays until the copy is done. The few files that change are copied.

Order matters, since others go on: segments come before the lake, so that an event that an ingest takes in between is in the
one, the other or both, and never in neither; the published database comes before the lake, which then has every batch of it.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopwright.backup.checks import Stores, check_stores
from shopwright.backup.files import link_or_copy, walk_files, write_synced
from shopwright.backup.tombstones import merge_tombstones
from shopwright.core.errors import BackupError, BusyError
from shopwright.core.lock import exclusive_lock
from shopwright.core.passwords import MARKER_NAME as PASSWORD_MARKER
from shopwright.ingest.segments import Segments
from shopwright.lake.delta import Lake
from shopwright.settings import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shopwright.settings import Project

KEYS_MARKER = "keys-required.txt"
"""File in the project's folder that says that the service does not open without its keys."""
MARKERS = (KEYS_MARKER, PASSWORD_MARKER)
"""Files beside the settings that say that service and app do not open by themselves, also where keys are gone."""
ATTEMPTS = 9
"""Attempts at a moment in which no commit begins or ends, within three seconds; a commit takes milliseconds."""
ATTEMPTS_AT_FILES = 4
"""Attempts to find a file that is gone; each begins with new logs, which no longer name one that left the lake."""
REGISTRY_PATIENCE_SECONDS = 120.0
_LOG_ENTRY = re.compile(r"\d{20}\.(json|checkpoint\b.*\.parquet)")
_UNFINISHED = (".tmp", ".lock", ".unfinished", "-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state of a project below a folder, with the paths that it has in the project."""

    root: Path
    stores: Stores
    has_keys: bool
    had_keys: bool
    notes: tuple[str, ...]

    def files(self) -> list[Path]:
        """Return all its files, sorted by path."""
        return list(walk_files(self.root))


def take_snapshot(project: Project, target: Path, *, with_keys: bool) -> Snapshot:
    """Take a snapshot, whatever else writes to the project at that moment.

    Args:
        project: the shop.
        target: an empty folder, best on the file system of the project.
        with_keys: whether keys are part of it.

    Raises:
        BackupError: the project is damaged; nothing of it should replace an earlier backup.
        BusyError: the registry or the collector was locked for too long.
    """
    notes = []
    erased_before = _read(project.root / "erasure" / "tombstones.json")
    _copy_settings(project, target, with_keys=with_keys)
    _pin_segments(project, target)
    if project.published.exists():
        link_or_copy(project.published, target / "published" / project.published.name)
    if uri := project.settings.models.tracking_uri:
        notes.append(f"models are registered at {_without_password(uri)}, which is not part of the backup")
    if project.models.is_dir():
        _pin_registry(project, target / "models")
    _pin_lake(project.lake, target / "lake")
    _copy_erasures(project, target, erased_before)
    had_keys = project.keys.exists()
    if not with_keys and (had_keys or project.privacy_key.exists()):
        notes.append("keys of the service and of hashed values were left out")
    try:
        stores = check_stores(target)
    except BackupError as error:
        raise BackupError(
            f"the project is damaged, so no backup was made: {error}; see `shopwright doctor`"
        ) from None
    return Snapshot(target, stores, with_keys, had_keys, tuple(notes))


def _copy_settings(project: Project, target: Path, *, with_keys: bool) -> None:
    """Copy the settings, stamps of formats and keys: small files that are replaced by a rename."""
    target.mkdir(parents=True, exist_ok=True)
    for name in (FILE_NAME, *MARKERS, ".shopwright/format.json"):
        if (project.root / name).is_file():
            (target / name).parent.mkdir(exist_ok=True)
            shutil.copy2(project.root / name, target / name)
    for folder in ("service", "privacy") if with_keys else ():
        for file in _whole_files(project.root / folder):
            copy = target / file.relative_to(project.root)
            copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copy2(file, copy)


def _whole_files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder that are neither locks nor unfinished."""
    for file in walk_files(folder):
        if not file.name.endswith(_UNFINISHED) and file.name not in (".lock", "lock"):
            yield file


def _pin_segments(project: Project, target: Path) -> None:
    """Close the open segments, as an ingest does, and pin all: what was acknowledged until now is in them."""
    segments = Segments(project.collector)
    if not segments.closed.is_dir():
        return
    segments.close_all()
    for file in _whole_files(project.collector):
        if file.parent != segments.open:
            # an ingest has taken in, and deleted, one that is gone; the lake comes later
            with suppress(FileNotFoundError):
                link_or_copy(file, target / file.relative_to(project.root))


def _pin_registry(project: Project, target: Path) -> None:
    """Copy the registry's database, and pin the artifacts; writers wait for that moment."""
    deadline = time.monotonic() + REGISTRY_PATIENCE_SECONDS
    while True:
        try:
            with exclusive_lock(project.models / ".lock", "backup"):
                for file in _whole_files(project.models):
                    copy = target / file.relative_to(project.models)
                    if file.suffix == ".db":
                        _copy_database(file, copy)
                    elif not file.name.startswith(".unfinished"):
                        link_or_copy(file, copy)
                return
        except BusyError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.05)


def _copy_database(source: Path, target: Path) -> None:
    """Copy a SQLite database as of one moment, also while others read or write it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as database,
        closing(sqlite3.connect(target)) as copy,
    ):
        database.backup(copy)


def _pin_lake(lake: Path, target: Path) -> None:
    """Pin the lake as of a moment between two commits, or within one that the snapshot then finishes.

    Raises:
        BackupError: a file that the lake names is gone.
    """
    if not lake.is_dir():
        return
    missing: list[FileNotFoundError] = []
    for attempt in range(ATTEMPTS):
        shutil.rmtree(target, ignore_errors=True)
        try:
            if _pin_logs(lake, target):
                _pin_parts(lake, target)
                break
        except FileNotFoundError as error:  # it left the lake meanwhile, or is lost
            missing.append(error)
            if len(missing) == ATTEMPTS_AT_FILES:
                raise BackupError(
                    f"the project is damaged, so no backup was made: {_name_of(error, lake)} is gone; see `shopwright doctor`"
                ) from None
        time.sleep(0.01 * 2**attempt)
    else:
        raise BusyError("the lake did not come to rest; take the backup when fewer files are ingested")
    if any((target / "_intents").glob("*.json")):
        Lake(target).recover()


def _name_of(error: Exception, lake: Path) -> str:
    name = getattr(error, "filename", None) or str(error)
    return str(name).removeprefix(f"{lake.parent}/")


def _pin_logs(lake: Path, target: Path) -> bool:
    """Pin everything but the files of rows; return whether no commit began or ended meanwhile."""
    before = _intents(lake), _log_files(lake)
    for name, content in before[0].items():
        (target / "_intents").mkdir(parents=True, exist_ok=True)
        write_synced(target / "_intents" / name, content)
    for name in before[1]:
        link_or_copy(lake / name, target / name)
    return before == (_intents(lake), _log_files(lake))


def _intents(lake: Path) -> dict[str, bytes]:
    """Return the commits that are being made, by file name."""
    contents = {file.name: _read(file) for file in sorted((lake / "_intents").glob("*.json"))}
    return {name: content for name, content in contents.items() if content is not None}


def _log_files(lake: Path) -> list[str]:
    """Return all files of the lake but those of rows and intents, and what is unfinished or in the trash."""
    names = []
    for folder in sorted(lake.glob("*/")):
        if folder.name in ("_intents", "_trash"):
            continue
        for file in _whole_files(folder):
            is_log = file.parent.name == "_delta_log"
            is_part = file.parent == folder and not folder.name.startswith("_")
            if not is_part and (not is_log or _LOG_ENTRY.fullmatch(file.name)):
                names.append(str(file.relative_to(lake)))
    return names + [
        file.name for file in sorted(lake.glob("*")) if file.is_file() and ".tmp" not in file.name
    ]


def _pin_parts(lake: Path, target: Path) -> None:
    """Pin the files of rows that the pinned logs and intents name."""
    tables = Lake(target)
    names = {
        (log.parent.name, file.path.name)
        for log in target.glob("*/_delta_log")
        for file in tables.files(log.parent.name)
    }
    for content in _intents(target).values():
        added = json.loads(content.splitlines()[0])["added"]
        names |= {(table, file["name"]) for table, files in added.items() for file in files}
    for table, name in sorted(names):
        link_or_copy(lake / table / name, target / table / name)


def _copy_erasures(project: Project, target: Path, before: bytes | None) -> None:
    """Copy who was erased: what an erasure did after the snapshot began counts as not done in it."""
    folder = project.root / "erasure"
    for file in _whole_files(folder):
        copy = target / file.relative_to(project.root)
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy2(file, copy)
    if merged := merge_tombstones(before, _read(folder / "tombstones.json")):
        (target / "erasure").mkdir(mode=0o700, exist_ok=True)
        (target / "erasure" / "tombstones.json").unlink(missing_ok=True)
        write_synced(target / "erasure" / "tombstones.json", merged)


def _read(file: Path) -> bytes | None:
    with suppress(FileNotFoundError, NotADirectoryError):
        return file.read_bytes()
    return None


def _without_password(uri: str) -> str:
    return re.sub(r"(?<=://)[^/@]*@", "", uri)
