"""What a power cut must not take: files and folders are written through to the disk, once each.

A file that was written and closed is in the memory of the operating system, which writes it half a minute later. A name in a
folder is a part of the folder: a new file is safe once both were synced.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def sync_file(file: Path) -> None:
    """Return once the bytes of a file are on the disk. Its name in the folder is not part of it."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Return once the names in a folder are on the disk: files that are new, renamed or gone."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folders(folders: Iterable[Path]) -> None:
    """Sync each folder once, in the order in which they are first named."""
    for folder in dict.fromkeys(folders):
        sync_folder(folder)


def write_synced(file: Path, content: bytes) -> None:
    """Put a file in place with one rename, so that a power cut leaves the old one or the new one, and never a part.

    Args:
        file: where; its folder must exist.
        content: all of its bytes.
    """
    unfinished = file.with_name(f"{file.name}.tmp")
    with unfinished.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.replace(file)
    sync_folder(file.parent)


def copy_synced(source: Path, target: Path) -> None:
    """Copy a file with one rename at the end, and return once it is on the disk."""
    unfinished = target.with_name(f"{target.name}.tmp")
    shutil.copyfile(source, unfinished)
    sync_file(unfinished)
    unfinished.replace(target)
    sync_folder(target.parent)


def hash_file(file: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
