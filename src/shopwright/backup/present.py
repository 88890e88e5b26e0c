"""What a project that a backup takes the place of passes on: what the backup cannot have, or must not undo."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopwright.backup.files import link_or_copy, link_tree, write_synced
from shopwright.backup.snapshot import MARKERS
from shopwright.backup.tombstones import merge_tombstones
from shopwright.ingest.segments import Segments
from shopwright.settings import FILE_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.backup.manifest import Manifest

STORES = frozenset(
    {
        FILE_NAME,
        *MARKERS,
        ".shopwright",
        "collector",
        "erasure",
        "lake",
        "models",
        "privacy",
        "published",
        "service",
        "warehouse.duckdb",
        "warehouse.duckdb.wal",
    }
)
"""What belongs to Shopwright in a project's folder; anything else is the shop's own, such as its exports."""


@dataclass(frozen=True, slots=True)
class PassedOn:
    """What the new project has of the present one."""

    segments: int = 0
    """Segments of collected events that the backup does not have."""
    other_files: int = 0
    """Files that are not Shopwright's."""
    has_keys: bool = False
    """Whether the keys are those of the present project, since the backup has none."""


def merge_present_tombstones(present: Path, restored: Path) -> None:
    """Let everybody who was erased in the present project stay erased.

    Raises:
        BackupError: the tombstones cannot be read, or are of another shop.
    """
    name = "erasure/tombstones.json"
    merged = merge_tombstones(_read(restored / name), _read(present / name))
    if merged is not None:
        (restored / "erasure").mkdir(mode=0o700, exist_ok=True)
        (restored / name).unlink(missing_ok=True)
        write_synced(restored / name, merged)
    for file in sorted((present / "erasure").rglob("*")):
        # receipts of erasures that the backup knows nothing of
        target = restored / file.relative_to(present)
        if file.is_file() and not target.exists():
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            link_or_copy(file, target)


def pass_on(present: Path, restored: Path, manifest: Manifest) -> PassedOn:
    """Give the restored project the shop's own files, and its keys where the backup has none.

    Args:
        present: folder of the project that is there.
        restored: folder of the restored one, which has no name yet.
        manifest: of the backup.
    """
    other_files = sum(
        link_tree(item, restored / item.name) for item in sorted(present.iterdir()) if item.name not in STORES
    )
    has_keys = False
    for folder in () if manifest.has_keys else ("service", "privacy"):
        if (present / folder).is_dir():
            shutil.copytree(present / folder, restored / folder, dirs_exist_ok=True)
            has_keys = True
    for name in MARKERS:
        if (present / name).is_file() and not (restored / name).exists():
            link_or_copy(present / name, restored / name)
    return PassedOn(other_files=other_files, has_keys=has_keys)


def pass_on_segments(segments: Segments, restored: Path) -> int:
    """Give the restored project the segments that the backup does not have. The caller holds their lock.

    Returns:
        Number of segments.
    """
    count = 0
    for file in sorted(segments.open.glob("*.jsonl")):
        segments.close(file)
    for file in segments.closed_files():
        target = Segments(restored / "collector").closed / file.name
        if not target.exists():
            link_or_copy(file, target)
            count += 1
    return count


def _read(file: Path) -> bytes | None:
    with suppress(FileNotFoundError, NotADirectoryError):
        return file.read_bytes()
    return None
