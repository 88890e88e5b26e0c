"""Where a backup is written: a folder, or one archive. Neither has its name before it is whole and on the disk."""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from io import BytesIO
from typing import IO, TYPE_CHECKING, Protocol, cast

import zstandard

from shopwright.backup.files import copy_hashed, hash_file, is_private, sync_tree, write_synced
from shopwright.backup.manifest import MANIFEST, SEAL, SHOP, FileEntry, Manifest, seal_of
from shopwright.core.disk import sync_folder
from shopwright.core.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from shopwright.backup.progress import ByteProgress

ARCHIVE_ENDINGS = (".tar.zst", ".tar.gz")
IMMUTABLE = ("lake/", "models/artifacts/", "collector/closed/")
"""Where a file of the same name, size and time in an earlier backup is the same."""


class Target(Protocol):
    """What a backup is written to."""

    def add(self, source: Path, path: str) -> FileEntry:
        """Copy a file under its path in the project."""

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest; nothing can be added after it."""


def is_archive(path: Path) -> bool:
    """Return whether a backup of this name is one file."""
    return path.name.endswith(ARCHIVE_ENDINGS)


@contextmanager
def open_target(to: Path, *, since: tuple[Path, Manifest] | None, progress: ByteProgress) -> Iterator[Target]:
    """Open a new backup; it gets its name when the block has ended, and is gone if it fails.

    Args:
        to: its name.
        since: an earlier backup in a folder, whose files are shared where they are the same.
        progress: told of every block.
    """
    unfinished = to.with_name(f".{to.name}.unfinished")
    _remove(unfinished)  # of a run that was killed
    try:
        with ExitStack() as stack:
            target: Target
            if is_archive(to):
                target = _ArchiveTarget(stack.enter_context(_open_archive(unfinished, to.name)), progress)
            else:
                target = _FolderTarget(unfinished, since, progress)
            yield target
        _put_in_place(unfinished, to)
    except BaseException:
        _remove(unfinished)
        raise


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _put_in_place(unfinished: Path, to: Path) -> None:
    """Give a whole backup its name, if no other has taken it meanwhile."""
    if unfinished.is_dir():
        sync_tree(unfinished)
    if to.exists():
        raise BackupError(f"{to} exists now; nothing was overwritten. Choose another name")
    unfinished.rename(to)
    sync_folder(to.parent)


class _FolderTarget:
    """A folder, with the shop's files as they are in the project."""

    def __init__(self, folder: Path, since: tuple[Path, Manifest] | None, progress: ByteProgress) -> None:
        self._folder = folder
        self._progress = progress
        self._earlier_root = since[0] / SHOP if since else None
        self._earlier = {entry.path: entry for entry in since[1].files} if since else {}
        folder.mkdir(mode=0o700)
        (folder / SHOP).mkdir()

    def add(self, source: Path, path: str) -> FileEntry:
        """Copy a file, or share the one of the earlier backup."""
        target = self._folder / SHOP / path
        target.parent.mkdir(mode=0o700 if is_private(path) else 0o755, parents=True, exist_ok=True)
        stat = source.stat()
        mode = 0o600 if is_private(path) else stat.st_mode & 0o777
        if entry := self._share(target, path, stat):
            return entry
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with source.open("rb") as read, os.fdopen(descriptor, "wb") as write:
            digest = copy_hashed(read, write, self._progress.advance)
            write.flush()
            os.fchmod(descriptor, mode)
            os.utime(descriptor, ns=(stat.st_atime_ns, stat.st_mtime_ns))
            os.fsync(descriptor)
            size = write.tell()
        return FileEntry(path, size, digest, stat.st_mtime_ns, mode)

    def _share(self, target: Path, path: str, stat: os.stat_result) -> FileEntry | None:
        """Link the file of the earlier backup, if it is the same and still what its manifest says."""
        entry = self._earlier.get(path)
        if entry is None or self._earlier_root is None or not path.startswith(IMMUTABLE):
            return None
        if (entry.size_bytes, entry.modified_ns) != (stat.st_size, stat.st_mtime_ns):
            return None
        try:
            # a link to a file that has become another one would be a copy of the damage
            if hash_file(self._earlier_root / path) != entry.sha256:
                return None
            os.link(self._earlier_root / path, target)
        except OSError:
            return None
        self._progress.advance(entry.size_bytes)
        return entry

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest and its seal."""
        content = manifest.to_bytes()
        write_synced(self._folder / MANIFEST, content)
        write_synced(self._folder / SEAL, seal_of(content))


class _ArchiveTarget:
    """A tar archive; its manifest is the last member, since it has the hashes of all others."""

    def __init__(self, archive: tarfile.TarFile, progress: ByteProgress) -> None:
        self._archive = archive
        self._progress = progress

    def add(self, source: Path, path: str) -> FileEntry:
        """Append a file."""
        with source.open("rb") as read:
            stat = os.fstat(read.fileno())
            mode = 0o600 if is_private(path) else stat.st_mode & 0o777
            member = tarfile.TarInfo(f"{SHOP}/{path}")
            member.size, member.mtime, member.mode = stat.st_size, stat.st_mtime_ns // 10**9, mode
            hashing = _HashingReader(read, self._progress.advance)
            self._archive.addfile(member, hashing)
        return FileEntry(path, stat.st_size, hashing.hexdigest(), stat.st_mtime_ns, mode)

    def finish(self, manifest: Manifest) -> None:
        """Append the manifest and its seal."""
        content = manifest.to_bytes()
        for name, data in ((MANIFEST, content), (SEAL, seal_of(content))):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o600
            self._archive.addfile(member, BytesIO(data))


class _HashingReader:
    """Reads a stream, and hashes what was read."""

    def __init__(self, stream: IO[bytes], on_bytes: Callable[[int], None]) -> None:
        self._stream = stream
        self._digest = sha256()
        self._on_bytes = on_bytes

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size)
        self._digest.update(block)
        self._on_bytes(len(block))
        return block

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


@contextmanager
def _open_archive(file: Path, name: str) -> Iterator[tarfile.TarFile]:
    """Open a new compressed archive; on the disk when the block has ended."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as raw:
        stream: IO[bytes]
        if name.endswith(".zst"):
            # its own checksum finds damage that decompresses all the same
            compressor = zstandard.ZstdCompressor(level=3, write_checksum=True, threads=-1)
            stream = cast("IO[bytes]", compressor.stream_writer(raw, closefd=False))
        else:
            stream = cast("IO[bytes]", gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6))
        with (
            stream,
            tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive,
        ):
            yield archive
        raw.flush()
        os.fsync(descriptor)
