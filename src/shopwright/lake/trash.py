"""The trash: what leaves the lake is moved here, and deleted days later or on request."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from shopwright.core.disk import sync_folders

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_FORMAT = "%Y%m%dT%H%M%S.%fZ"


class Trash:
    """Files that left the lake, in one folder for each time that some did.

    Args:
        root: the lake's folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "_trash"

    def take(self, files: Iterable[Path]) -> list[Path]:
        """Move files here, under the path that they have in the lake.

        Returns:
            Where they are now.
        """
        paths = list(files)
        if not paths:
            return []
        into = self.folder / datetime.now(UTC).strftime(_FORMAT)
        moved = []
        for path in paths:
            target = into / path.relative_to(self.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
            moved.append(target)
        new_folders = {folder for path in moved for folder in path.parents if self.root in folder.parents}
        # names appear here before they are gone there
        sync_folders([*sorted(new_folders), self.root, *(path.parent for path in paths)])
        return moved

    def files(self) -> list[Path]:
        """Return all files in the trash."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file())

    def empty(self, *, older_than: timedelta = timedelta(0)) -> int:
        """Delete what is here.

        Args:
            older_than: only what was moved here longer ago than this.

        Returns:
            Number of deleted files.
        """
        limit = datetime.now(UTC) - older_than
        deleted = 0
        for folder in sorted(self.folder.glob("*/")):
            with suppress(ValueError):  # another name is nothing that was moved here
                if datetime.strptime(folder.name, _FORMAT).replace(tzinfo=UTC) <= limit:
                    deleted += sum(len(names) for _, _, names in os.walk(folder))
                    shutil.rmtree(folder)
        return deleted
