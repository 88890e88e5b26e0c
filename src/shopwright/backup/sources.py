"""Reading a backup: its manifest, and its files, each compared with its hash while it is read."""

from __future__ import annotations

import gzip
import os
import tarfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

import zstandard

from shopwright.backup.files import copy_hashed, hash_file, is_private, walk_files
from shopwright.backup.manifest import MANIFEST, SEAL, SHOP, FileEntry, Manifest, is_safe_path, parse_manifest
from shopwright.backup.targets import is_archive
from shopwright.core.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shopwright.backup.progress import ByteProgress

_BROKEN = (EOFError, tarfile.TarError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError, OverflowError)
_MAX_MANIFEST_BYTES = 1 << 30


def read_manifest(backup: Path) -> Manifest:
    """Return the manifest of a backup in a folder.

    Raises:
        BackupError: it is no whole backup.
    """
    if not backup.is_dir():
        raise BackupError(f"{backup} is not a backup in a folder; name one that `shopwright backup` wrote")
    contents = {name: (backup / name).read_bytes() for name in (MANIFEST, SEAL) if (backup / name).is_file()}
    return parse_manifest(contents, backup)


def check_folder(backup: Path, progress: ByteProgress) -> Manifest:
    """Read every file of a backup in a folder, and compare it with its hash; nothing is written.

    Raises:
        BackupError: a file is gone, is another one, or is not in the manifest; the message names it.
    """
    manifest = read_manifest(backup)
    _check_names(backup, manifest, {_path(backup / SHOP, file) for file in walk_files(backup / SHOP)})
    for entry in manifest.files:
        progress.begin(entry.path)
        file = backup / SHOP / entry.path
        _check_entry(backup, entry, file.stat().st_size, hash_file(file, progress.advance))
    return manifest


def extract(backup: Path, target: Path, progress: ByteProgress) -> Manifest:
    """Copy the files of a backup into a folder, and compare each with its hash on the way.

    Args:
        backup: a folder or an archive.
        target: an empty folder.
        progress: told of every block.

    Raises:
        BackupError: the backup is damaged; the message names the file.
    """
    manifest = (
        _extract_archive(backup, target, progress) if is_archive(backup) else _copy(backup, target, progress)
    )
    for entry in manifest.files:
        file = target / entry.path
        file.chmod(0o600 if is_private(entry.path) else entry.mode & 0o777)
        os.utime(file, ns=(entry.modified_ns, entry.modified_ns))
    for folder in {(target / entry.path).parent for entry in manifest.files if is_private(entry.path)}:
        folder.chmod(0o700)
    return manifest


def _copy(backup: Path, target: Path, progress: ByteProgress) -> Manifest:
    manifest = read_manifest(backup)
    _check_names(backup, manifest, {_path(backup / SHOP, file) for file in walk_files(backup / SHOP)})
    for entry in manifest.files:
        progress.begin(entry.path)
        with (backup / SHOP / entry.path).open("rb") as read:
            size, digest = _write(read, target / entry.path, progress)
        _check_entry(backup, entry, size, digest)
    return manifest


def _extract_archive(backup: Path, target: Path, progress: ByteProgress) -> Manifest:
    contents: dict[str, bytes] = {}
    written: dict[str, tuple[int, str]] = {}
    name = "its beginning"
    try:
        with _open_archive(backup) as archive:
            for member in archive:
                name = member.name
                stream = archive.extractfile(member) if member.isreg() else None
                if stream is None:
                    raise BackupError(f"{backup} is damaged: {name} is not a file; restore another backup")
                if name in (MANIFEST, SEAL) and member.size <= _MAX_MANIFEST_BYTES:
                    contents[name] = stream.read()
                    continue
                path = name.removeprefix(f"{SHOP}/")
                if path == name or not is_safe_path(path) or path in written:
                    raise BackupError(f"{backup} is damaged: a file is called {name}; restore another backup")
                progress.begin(path)
                written[path] = _write(stream, target / path, progress)
    except _BROKEN as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BackupError(
            f"{backup} is damaged near {name.removeprefix(f'{SHOP}/')} ({reason}), or is not whole; restore another backup"
        ) from None
    manifest = parse_manifest(contents, backup)
    _check_names(backup, manifest, set(written))
    for entry in manifest.files:
        _check_entry(backup, entry, *written[entry.path])
    return manifest


@contextmanager
def _open_archive(backup: Path) -> Iterator[tarfile.TarFile]:
    with backup.open("rb") as raw:
        stream: IO[bytes]
        if backup.name.endswith(".zst"):
            stream = cast("IO[bytes]", zstandard.ZstdDecompressor().stream_reader(raw, closefd=False))
        else:
            stream = cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
        with stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            yield archive
            # to the end: the checksum of the whole comes last
            while stream.read(1 << 20):
                pass


def _write(read: IO[bytes], file: Path, progress: ByteProgress) -> tuple[int, str]:
    """Write a file that only its owner can read until it is known to be right; return its size and SHA-256."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as write:
        digest = copy_hashed(read, write, progress.advance)
        write.flush()
        os.fsync(descriptor)
        return write.tell(), digest


def _check_names(backup: Path, manifest: Manifest, names: set[str]) -> None:
    """Check that a backup has the files of its manifest and no others."""
    listed = {entry.path for entry in manifest.files}
    if missing := sorted(listed - names):
        raise BackupError(f"{backup} is damaged: {missing[0]} is gone; restore another backup")
    if extra := sorted(names - listed):
        raise BackupError(
            f"{backup} is damaged: {extra[0]} is in it, and not in its manifest; restore another backup, or delete the file"
        )
    if unsafe := [path for path in listed if not is_safe_path(path)]:
        raise BackupError(f"{backup} is damaged: a file is called {unsafe[0]}; restore another backup")


def _check_entry(backup: Path, entry: FileEntry, size: int, digest: str) -> None:
    if (size, digest) != (entry.size_bytes, entry.sha256):
        reason = (
            f"has {size:,} bytes, expected {entry.size_bytes:,}"
            if size != entry.size_bytes
            else "has changed"
        )
        raise BackupError(f"{backup} is damaged: {entry.path} {reason}; restore another backup")


def _path(root: Path, file: Path) -> str:
    return file.relative_to(root).as_posix()
