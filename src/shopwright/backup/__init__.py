"""Backups: a copy of all that a shop cannot make again, taken while others write to it, and put back only when it is whole.

Belongs here: what is part of a backup, its manifest, writing, verifying and restoring it. What a lake or a warehouse is, and
how damage within one is repaired, belongs to ``lake`` and ``warehouse``.
"""

from shopwright.backup.create import BackupReport, create_backup
from shopwright.backup.manifest import FileEntry, Manifest
from shopwright.backup.restore import RestoreReport, restore, verify

__all__ = [
    "BackupReport",
    "FileEntry",
    "Manifest",
    "RestoreReport",
    "create_backup",
    "restore",
    "verify",
]
