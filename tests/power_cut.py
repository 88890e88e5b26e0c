"""What a power cut leaves: only bytes and names that were synced. Everything else that was written is gone."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Disk:
    """Remembers what was synced, beside what this process wrote.

    The worst case that a file system allows: an unsynced file is empty, and an unsynced name does not exist.
    """

    def __init__(self, monkeypatch, root: Path) -> None:
        self.root = root
        self._contents: dict[int, bytes] = {}
        self._names: dict[int, dict[str, tuple[int, bool]]] = {}
        self._fsync = os.fsync
        self.before_sync: Callable[[], None] = lambda: None
        """Called before each write to the disk: a power cut may come at any of them."""
        for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
            self._sync_path(folder)
        for file in root.rglob("*"):
            if file.is_file():
                self._sync_path(file)
        monkeypatch.setattr(os, "fsync", self._sync)

    def _sync_path(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            self._synced(descriptor)
        finally:
            os.close(descriptor)

    def _sync(self, descriptor: int) -> None:
        self.before_sync()
        self._synced(descriptor)

    def _synced(self, descriptor: int) -> None:
        self._fsync(descriptor)
        path = Path(f"/proc/self/fd/{descriptor}")
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            self._names[status.st_ino] = {
                entry.name: (entry.inode(), entry.is_dir()) for entry in os.scandir(path)
            }
        else:
            self._contents[status.st_ino] = path.read_bytes()

    def image(self, target: Path) -> Path:
        """Write what would be on the disk after a power cut now."""
        self._write(self.root.stat().st_ino, target)
        return target

    def _write(self, folder: int, target: Path) -> None:
        target.mkdir(parents=True)
        for name, (inode, is_folder) in self._names.get(folder, {}).items():
            if is_folder:
                self._write(inode, target / name)
            else:
                (target / name).write_bytes(self._contents.get(inode, b""))
