"""Files of backups: copied with their hash, linked where that is possible, and on the disk when they count."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from shopwright.core.disk import sync_folder
from shopwright.core.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

BLOCK = 4 << 20
MARGIN_BYTES = 64 << 20
"""Space that stays free beyond what is written."""
PRIVATE = ("service", "privacy", "erasure")
"""Folders of a project that only its owner may read."""
_NO_LINKS = frozenset({errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS, errno.EACCES})
_EXCHANGE = 2
_AT_FDCWD = -100


def copy_hashed(source: IO[bytes], target: IO[bytes], on_bytes: Callable[[int], None] | None = None) -> str:
    """Copy all bytes of a stream.

    Args:
        source: read to its end.
        target: written to.
        on_bytes: called with the number of bytes after each block.

    Returns:
        Their SHA-256, in hexadecimal.
    """
    digest = sha256()
    while block := source.read(BLOCK):
        target.write(block)
        digest.update(block)
        if on_bytes:
            on_bytes(len(block))
    return digest.hexdigest()


def hash_file(file: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    digest = sha256()
    with file.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
            if on_bytes:
                on_bytes(len(block))
    return digest.hexdigest()


def write_synced(file: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write a new file, and return once its bytes are on the disk."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(descriptor)


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file that is never written to again a second name; copy it where the file systems do not allow that.

    Raises:
        FileNotFoundError: it is gone.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target, follow_symlinks=True)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        shutil.copy2(source, target)


def link_tree(source: Path, target: Path) -> int:
    """Give every file below a folder, or one file, a second name; symbolic links are made again as they are.

    Returns:
        Number of files.
    """
    if source.is_symlink():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source.readlink())
        return 1
    if not source.is_dir():
        if source.is_file():
            link_or_copy(source, target)
            return 1
        return 0  # pipes and devices are no data
    target.mkdir(parents=True, exist_ok=True)
    return sum(link_tree(item, target / item.name) for item in sorted(source.iterdir()))


def walk_files(folder: Path) -> Iterator[Path]:
    """Yield the regular files below a folder, sorted."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            file = Path(parent, name)
            if file.is_file() and not file.is_symlink():
                yield file


def sync_tree(folder: Path) -> None:
    """Return once the names in a folder and in all folders below are on the disk."""
    for parent, _, _ in os.walk(folder, topdown=False):
        sync_folder(Path(parent))


def check_space(folder: Path, needed: int, doing: str) -> None:
    """Refuse work that would not fit on a disk, before it begins.

    Args:
        folder: an existing folder on it.
        needed: bytes.
        doing: what needs them, for the message.

    Raises:
        BackupError: there is less free space.
    """
    free = shutil.disk_usage(folder).free
    if free < needed + MARGIN_BYTES:
        raise BackupError(
            f"{doing} needs {format_size(needed)}, and {folder} has {format_size(free)} free; nothing was written. "
            "Choose another disk, or make room"
        )


def format_size(count: int) -> str:
    """Format a number of bytes for people."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= unit:
            return f"{count / unit:,.1f} {name}"
    return f"{count:,} bytes"


def exchange(one: Path, other: Path) -> None:
    """Let two folders change their names in one step, so that at no moment either name is without a folder.

    Raises:
        OSError: the file system cannot, or one of them is a mount point.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    renameat2 = getattr(libc, "renameat2", None)
    if renameat2 is not None:
        result = renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE)
        if result == 0:
            return
        code = ctypes.get_errno()
        if code not in (errno.EINVAL, errno.ENOSYS):
            raise OSError(code, os.strerror(code), str(other))
    between = other.with_name(f"{other.name}.exchanging")
    other.rename(between)
    try:
        one.rename(other)
    except OSError:
        between.rename(other)
        raise
    between.rename(one)


def is_private(path: str) -> bool:
    """Return whether only the owner of a project may read one of its files, given by its path below the project."""
    return path.split("/", 1)[0] in PRIVATE


def remove_file(file: Path) -> None:
    """Delete a file if it is there."""
    with suppress(FileNotFoundError):
        file.unlink()
