"""The manifest of a backup: every file with size and SHA-256, and what the backup is of.

It is written last: a backup without one was interrupted. Beside it lies its own SHA-256, in the format of ``sha256sum``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from shopwright.core.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT = 1
"""Newest format that this version knows, which is the one that it writes."""
MANIFEST, SEAL = "manifest.json", "manifest.sha256"
SHOP = "shop"
"""Folder of the shop's files within a backup."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a backup."""

    path: str
    """Below the project's folder, with forward slashes."""
    size_bytes: int
    sha256: str
    modified_ns: int
    mode: int
    """Permissions, such as 0o600."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds."""

    format: int
    shopwright: str
    """Version that made it."""
    created_at: str
    """ISO 8601, UTC."""
    project: str
    """Folder that it is of."""
    has_keys: bool
    """Whether keys of the service and of hashed values are in it; also where the shop has none."""
    had_keys: bool
    """Whether the shop has API keys."""
    commit: int
    """Number of the last batch of the lake."""
    ledger_rows: int
    rows: dict[str, int] = field(default_factory=dict)
    """Rows in the lake by entity."""
    notes: tuple[str, ...] = ()
    """What is not part of it, and why."""
    files: tuple[FileEntry, ...] = ()

    @property
    def size_bytes(self) -> int:
        """Size of all files, uncompressed."""
        return sum(entry.size_bytes for entry in self.files)

    def to_bytes(self) -> bytes:
        """Return the manifest as it is stored."""
        return (json.dumps(asdict(self), indent=1) + "\n").encode()


def seal_of(content: bytes) -> bytes:
    """Return the file beside a manifest, which says that the manifest is what was written."""
    return f"{sha256(content).hexdigest()}  {MANIFEST}\n".encode()


def parse_manifest(contents: Mapping[str, bytes], backup: Path) -> Manifest:
    """Return the manifest of a backup.

    Args:
        contents: bytes of ``MANIFEST`` and ``SEAL``, where they are there.
        backup: where it is, for messages.

    Raises:
        BackupError: there is none, it is damaged, or a newer version wrote it.
    """
    if MANIFEST not in contents or SEAL not in contents:
        missing = MANIFEST if MANIFEST not in contents else SEAL
        raise BackupError(
            f"{backup} is no whole backup: {missing} is not in it. It was interrupted, or is something else; take another one"
        )
    content = contents[MANIFEST]
    if seal_of(content) != contents[SEAL]:
        raise BackupError(
            f"{backup} is damaged: {MANIFEST} and {SEAL} do not fit each other; restore another backup"
        )
    document = json.loads(content)
    if document["format"] > FORMAT:
        raise BackupError(
            f"{backup} was made by Shopwright {document['shopwright']}, and this version cannot read it; update Shopwright"
        )
    files = tuple(FileEntry(**entry) for entry in document.pop("files"))
    notes = tuple(document.pop("notes"))
    return Manifest(**document, notes=notes, files=files)


def is_safe_path(path: str) -> bool:
    """Return whether a path stays below the folder that it is put into."""
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and "\0" not in path
