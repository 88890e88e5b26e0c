"""Taking a backup: a snapshot is pinned, copied with its hashes, and gets its name when all of it is on the disk."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from shopwright import __version__
from shopwright.backup.files import check_space
from shopwright.backup.manifest import FORMAT, FileEntry, Manifest
from shopwright.backup.progress import ByteProgress
from shopwright.backup.snapshot import Snapshot, take_snapshot
from shopwright.backup.sources import read_manifest
from shopwright.backup.targets import IMMUTABLE, is_archive, open_target
from shopwright.core.errors import BackupError
from shopwright.core.lock import exclusive_lock

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from shopwright.backup.progress import ProgressCallback
    from shopwright.settings import Project


@dataclass(frozen=True, slots=True)
class BackupReport:
    """A backup that was taken."""

    path: str
    manifest: Manifest
    shared_bytes: int
    """Bytes of files that an earlier backup has too, and that take no space."""
    seconds: float


def create_backup(
    project: Project,
    to: Path,
    *,
    now: datetime,
    with_keys: bool = True,
    since: Path | None = None,
    on_progress: ProgressCallback | None = None,
) -> BackupReport:
    """Take a backup of a project, while others may ingest, collect, build and serve.

    Args:
        project: the shop.
        to: a name that does not exist yet: a folder, or an archive that ends in ``.tar.zst`` or ``.tar.gz``.
        now: the time, naive UTC.
        with_keys: whether the keys of the service and of hashed values are part of it.
        since: an earlier backup in a folder; files that are the same are shared with it by hard links.
        on_progress: called while files are copied.

    Raises:
        BackupError: it cannot be written there, the disk is too small, or the project is damaged.
        BusyError: another backup is being taken.
    """
    started = monotonic()
    to = to.expanduser().absolute()
    _check_target(project, to, since)
    earlier = (since.expanduser().absolute(), read_manifest(since)) if since else None
    with exclusive_lock(project.work / "backup.lock", "backup"):
        pinned = project.work / "backup"
        shutil.rmtree(pinned, ignore_errors=True)  # of a run that was killed
        try:
            snapshot = take_snapshot(project, pinned, with_keys=with_keys)
            manifest, shared = _write(
                project, snapshot, to, now=now, earlier=earlier, on_progress=on_progress
            )
        finally:
            shutil.rmtree(pinned, ignore_errors=True)
    return BackupReport(str(to), manifest, shared, monotonic() - started)


def _check_target(project: Project, to: Path, since: Path | None) -> None:
    if to.exists() or to.is_symlink():
        raise BackupError(f"{to} exists already; a backup overwrites nothing. Choose another name")
    if not to.parent.is_dir():
        raise BackupError(f"{to.parent} is not a folder; create it, or choose another one")
    if to.resolve().is_relative_to(project.root):
        raise BackupError(
            f"{to} is in the project's own folder, and would be lost with it; choose a folder outside"
        )
    if since and is_archive(to):
        raise BackupError(
            "an archive cannot share files with an earlier backup; leave out --since, or name a folder"
        )


def _write(
    project: Project,
    snapshot: Snapshot,
    to: Path,
    *,
    now: datetime,
    earlier: tuple[Path, Manifest] | None,
    on_progress: ProgressCallback | None,
) -> tuple[Manifest, int]:
    """Copy a snapshot; return its manifest, and the size of what is shared with an earlier backup."""
    files = snapshot.files()
    sizes = {file: file.stat().st_size for file in files}
    shareable = _shareable_files(earlier[1]) if earlier else set()
    shared = sum(sizes[file] for file in files if _key(snapshot, file) in shareable and not is_archive(to))
    check_space(to.parent, sum(sizes.values()) - shared, "the backup")
    progress = ByteProgress(on_progress, sum(sizes.values()))
    with open_target(to, since=earlier, progress=progress) as target:
        entries = []
        for file in files:
            path = file.relative_to(snapshot.root).as_posix()
            progress.begin(path)
            entries.append(target.add(file, path))
        manifest = _manifest(project, snapshot, tuple(entries), now)
        target.finish(manifest)
    return manifest, shared


def _shareable_files(earlier: Manifest) -> set[tuple[str, int, int]]:
    return {
        (entry.path, entry.size_bytes, entry.modified_ns)
        for entry in earlier.files
        if entry.path.startswith(IMMUTABLE)
    }


def _key(snapshot: Snapshot, file: Path) -> tuple[str, int, int]:
    stat = file.stat()
    return file.relative_to(snapshot.root).as_posix(), stat.st_size, stat.st_mtime_ns


def _manifest(
    project: Project, snapshot: Snapshot, entries: tuple[FileEntry, ...], now: datetime
) -> Manifest:
    lake = snapshot.stores.lake
    return Manifest(
        format=FORMAT,
        shopwright=__version__,
        created_at=f"{now.isoformat(timespec='seconds')}Z",
        project=str(project.root),
        has_keys=snapshot.has_keys,
        had_keys=snapshot.had_keys,
        commit=lake.commit,
        ledger_rows=lake.ledger_rows,
        rows=lake.rows,
        notes=snapshot.notes,
        files=entries,
    )


__all__ = ["BackupReport", "create_backup"]
