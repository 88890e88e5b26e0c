"""Restoring: a backup is read, compared with its hashes and opened under another name; only what is whole gets the shop's name."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from time import monotonic
from typing import TYPE_CHECKING

from shopwright.backup.checks import Stores, check_stores
from shopwright.backup.files import (
    check_space,
    copy_hashed,
    exchange,
    hash_file,
    sync_tree,
    write_synced,
)
from shopwright.backup.manifest import SHOP, Manifest
from shopwright.backup.present import PassedOn, merge_present_tombstones, pass_on, pass_on_segments
from shopwright.backup.progress import ByteProgress
from shopwright.backup.snapshot import KEYS_MARKER
from shopwright.backup.source_paths import adapt_paths
from shopwright.backup.sources import check_folder, extract, read_manifest
from shopwright.backup.targets import is_archive
from shopwright.core.disk import sync_folder
from shopwright.core.errors import BackupError
from shopwright.core.lock import exclusive_lock
from shopwright.ingest.segments import Segments
from shopwright.settings import FILE_NAME

if TYPE_CHECKING:
    from datetime import datetime

    from shopwright.backup.progress import ProgressCallback

UNFINISHED = "restore-unfinished.txt"
"""File in a folder that a restore is filling; a folder that has it can be deleted."""
_FORMAT = "%Y%m%dT%H%M%SZ"
_KEYS_TEXT = """This shop had API keys, and was restored from a backup without them. While this file exists, `shopwright serve` does not answer
without a key. Create new ones with `shopwright keys create NAME`.
"""


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What was verified or restored."""

    backup: str
    manifest: Manifest
    stores: Stores
    into: str | None
    """The restored project; None where the backup was verified only."""
    aside: str | None = None
    """Where the project is that was there before; None where there was none."""
    passed_on: PassedOn = field(default_factory=PassedOn)
    notes: tuple[str, ...] = field(default=())
    """What is worth a look, a sentence each."""
    seconds: float = 0.0


def verify(backup: Path, *, on_progress: ProgressCallback | None = None) -> RestoreReport:
    """Read every file of a backup, compare it with its hash, and open its stores. Nothing is restored.

    An archive is unpacked into a temporary folder for that, which is gone afterwards.

    Raises:
        BackupError: the backup is damaged; the message names the file.
    """
    started = monotonic()
    backup = _existing(backup)
    if is_archive(backup):
        check_space(Path(gettempdir()), 3 * backup.stat().st_size, "verifying the archive")
        with TemporaryDirectory(prefix="shopwright-verify-") as folder:
            manifest = extract(backup, Path(folder), ByteProgress(on_progress, 0))
            stores = _open_stores(backup, Path(folder))
    else:
        manifest = check_folder(backup, ByteProgress(on_progress, read_manifest(backup).size_bytes))
        stores = _open_stores(backup, backup / SHOP)
    return RestoreReport(
        str(backup), manifest, stores, None, notes=manifest.notes, seconds=monotonic() - started
    )


def restore(
    backup: Path,
    into: Path,
    *,
    now: datetime,
    replaces: bool = False,
    reads_back: bool = False,
    on_progress: ProgressCallback | None = None,
) -> RestoreReport:
    """Restore a project from a backup.

    Args:
        backup: a folder or an archive.
        into: the project's folder; it does not exist, or is empty.
        now: the time, naive UTC.
        replaces: whether it may be a project, which is then put aside in one step when the restored one is whole.
        reads_back: whether what was written is read again from the disk, and compared with its hashes once more.
        on_progress: called while files are copied.

    Raises:
        BackupError: the backup is damaged, does not fit on the disk, or may not be restored there; nothing has changed.
        BusyError: another process writes to the project that is there.
    """
    started = monotonic()
    backup, into = _existing(backup), into.expanduser().absolute()
    is_present = _check_target(into, backup, replaces=replaces)
    size = 3 * backup.stat().st_size if is_archive(backup) else read_manifest(backup).size_bytes
    published = 0 if is_archive(backup) else _published_size(backup)
    check_space(into.parent, size + published, "the restored project")
    unfinished = _new_folder(into, now)
    try:
        manifest = extract(backup, unfinished, ByteProgress(on_progress, 0 if is_archive(backup) else size))
        stores = _open_stores(backup, unfinished)
        if reads_back:
            _read_back(unfinished, manifest)
        _copy_warehouse(unfinished)
        if is_present:
            passed_on, notes, aside = _replace_present(unfinished, into, manifest, now)
        else:
            passed_on, aside = PassedOn(), None
            notes = _finish(unfinished, into, manifest, passed_on)
            _name(unfinished, into)
    except BaseException:
        if (unfinished / UNFINISHED).exists():
            _discard(unfinished)
        raise
    report = RestoreReport(str(backup), manifest, stores, str(into), notes=(*manifest.notes, *notes))
    return replace(report, aside=aside, passed_on=passed_on, seconds=monotonic() - started)


def _existing(backup: Path) -> Path:
    backup = backup.expanduser().absolute()
    if not backup.exists():
        raise BackupError(f"{backup} does not exist")
    if backup.is_file() and not is_archive(backup):
        raise BackupError(f"{backup} is no backup: an archive ends in .tar.zst or .tar.gz")
    return backup


def _check_target(into: Path, backup: Path, *, replaces: bool) -> bool:
    """Return whether there is a project to replace."""
    if into == backup or into.is_relative_to(backup):
        raise BackupError(f"{into} is in the backup; restore into another folder")
    if not into.parent.is_dir():
        raise BackupError(f"{into.parent} is not a folder; create it, or choose another one")
    if into.is_symlink() or into.is_file():
        raise BackupError(f"{into} is not a folder; restore into another one")
    if not into.exists() or not any(into.iterdir()):
        return False
    if not replaces:
        raise BackupError(
            f"{into} is not empty. Restore into an empty folder, or add --replace, which puts what is there aside"
        )
    if into.is_mount():
        raise BackupError(
            f"{into} is a mount point, and cannot be put aside; restore into a folder within another one"
        )
    if backup.is_relative_to(into):
        raise BackupError(f"{backup} is in the folder that would be replaced; move it out first")
    return True


def _new_folder(into: Path, now: datetime) -> Path:
    """Return a new folder beside the project; those that killed restores left behind are deleted."""
    for folder in into.parent.iterdir():
        if folder.name.startswith(f"{into.name}.restoring-") and (
            (folder / UNFINISHED).exists() or not any(folder.iterdir())
        ):
            _discard(folder)
    unfinished = into.with_name(f"{into.name}.restoring-{now:{_FORMAT}}")
    while unfinished.exists():  # whole, and killed before it had its name: it is not ours to delete
        unfinished = unfinished.with_name(f"{unfinished.name}x")
    unfinished.mkdir(mode=0o700)
    write_synced(
        unfinished / UNFINISHED, b"A restore was filling this folder. If none is running, delete it.\n"
    )
    return unfinished


def _discard(unfinished: Path) -> None:
    """Delete a folder that was being filled; what says so goes last, since a part of it must not look whole."""
    for item in unfinished.iterdir():
        if item.name == UNFINISHED:
            continue
        if item.is_dir() and not item.is_symlink():
            shutil.rmtree(item)
        else:
            item.unlink()
    (unfinished / UNFINISHED).unlink(missing_ok=True)
    unfinished.rmdir()


def _open_stores(backup: Path, root: Path) -> Stores:
    try:
        return check_stores(root)
    except BackupError as error:
        raise BackupError(f"{backup} is damaged: {error}; restore another backup") from None


def _read_back(folder: Path, manifest: Manifest) -> None:
    for entry in manifest.files:
        if hash_file(folder / entry.path) != entry.sha256:
            raise BackupError(f"{folder / entry.path} is not what was written to it; check the disk")


def _copy_warehouse(unfinished: Path) -> None:
    """Let the next build begin with what was published: it has what no build computes again, such as scores."""
    published = unfinished / "published" / "warehouse.duckdb"
    if published.exists():
        with published.open("rb") as read, (unfinished / "warehouse.duckdb").open("xb") as write:
            copy_hashed(read, write)
            write.flush()
            os.fsync(write.fileno())


def _replace_present(
    unfinished: Path, into: Path, manifest: Manifest, now: datetime
) -> tuple[PassedOn, list[str], str]:
    """Put the restored project in place of the present one, while nobody writes to that.

    Returns:
        What it has of the present one, what is worth a look, and where the present one is now.
    """
    with ExitStack() as stack:
        stack.enter_context(exclusive_lock(into / ".shopwright" / "lock", "restore"))
        merge_present_tombstones(into, unfinished)
        passed_on = pass_on(into, unfinished, manifest)
        segments = Segments(into / "collector")
        if segments.closed.is_dir():
            # until the names are exchanged no event is acknowledged that the new project would not have
            stack.enter_context(segments.locked())
            passed_on = replace(passed_on, segments=pass_on_segments(segments, unfinished))
        notes = _finish(unfinished, into, manifest, passed_on)
        return passed_on, notes, _put_in_place(unfinished, into, now)


def _finish(unfinished: Path, into: Path, manifest: Manifest, passed_on: PassedOn) -> list[str]:
    """Make the restored project whole; return what is worth a look."""
    if manifest.had_keys and not manifest.has_keys and not passed_on.has_keys:
        _write_keys_marker(unfinished / KEYS_MARKER)
    notes = adapt_paths(unfinished / FILE_NAME, before=Path(manifest.project), after=into)
    unfinished.chmod(into.stat().st_mode & 0o777 if into.exists() else 0o755)
    sync_tree(unfinished)
    (unfinished / UNFINISHED).unlink()
    return notes


def _write_keys_marker(marker: Path) -> None:
    """Say beside the settings that the service has keys, where the backup does not bring them."""
    if not marker.exists():
        write_synced(marker, _KEYS_TEXT.encode(), mode=0o644)


def _name(unfinished: Path, into: Path) -> None:
    """Give the restored project its name; an empty folder of that name is replaced."""
    try:
        unfinished.rename(into)
    except OSError:
        shutil.rmtree(unfinished)
        raise
    sync_folder(into.parent)


def _put_in_place(unfinished: Path, into: Path, now: datetime) -> str:
    """Let the restored project have the name, and the present one another; return that."""
    aside = into.with_name(f"{into.name}.before-{now:{_FORMAT}}")
    try:
        exchange(unfinished, into)
    except OSError as error:
        shutil.rmtree(unfinished)
        if error.errno in (errno.EBUSY, errno.EXDEV):
            raise BackupError(
                f"{into} is a mount point, and cannot be put aside; restore into another folder"
            ) from None
        raise
    unfinished.rename(aside)
    sync_folder(into.parent)
    return str(aside)


def _published_size(backup: Path) -> int:
    file = backup / SHOP / "published" / "warehouse.duckdb"
    return file.stat().st_size if file.is_file() else 0
