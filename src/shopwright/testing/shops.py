"""A small shop in a folder, for tests: write files, ingest them, read the result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shopwright.core.engine import connect
from shopwright.core.sql import quote_name
from shopwright.ingest.ledger import LedgerRow, read_ledger
from shopwright.ingest.mending import forget, read_again
from shopwright.ingest.quarantine import OpenRow, ReplayReport, list_open, replay
from shopwright.ingest.run import IngestReport, ingest
from shopwright.lake.delta import Lake, read_sql
from shopwright.settings import FILE_NAME, Project, load_project

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 1, 1)  # noqa: DTZ001  # naive UTC, as everywhere
"""Current time of the shops in tests."""


@dataclass(frozen=True, slots=True)
class Shop:
    """A project whose sources are read from its folder ``raw``."""

    root: Path

    @classmethod
    def make(cls, root: Path, settings: str) -> Shop:
        """Create a shop, or change its settings.

        Args:
            root: its folder, created if absent.
            settings: text of ``shopwright.toml``; the engine's section is added.
        """
        shop = cls(root)
        shop.raw.mkdir(parents=True, exist_ok=True)
        text = f'{settings}\n[engine]\nthreads = 2\nmemory_limit = "1GB"\n'
        (root / FILE_NAME).write_text(text, encoding="utf-8")
        return shop

    @property
    def raw(self) -> Path:
        """Folder of its exports."""
        return self.root / "raw"

    @property
    def project(self) -> Project:
        """The project with its current settings."""
        return load_project(self.root)

    def write(self, name: str, content: bytes | str) -> Path:
        """Write a file to ``raw``; text is written as UTF-8."""
        file = self.raw / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def ingest(self) -> IngestReport:
        """Ingest new files."""
        return ingest(self.project, now=NOW)

    def read_again(self, target: str) -> IngestReport:
        """Read a source or a file again."""
        return read_again(self.project, target, now=NOW)

    def forget(self, target: str) -> IngestReport:
        """Take a source or a file out."""
        return forget(self.project, target, now=NOW)

    def replay(self) -> ReplayReport:
        """Replay the quarantine."""
        return replay(self.project, now=NOW)

    def quarantine(self) -> list[OpenRow]:
        """Return open records of the quarantine, in the order of batches and lines."""
        return list_open(self.project)

    def ledger(self) -> list[LedgerRow]:
        """Return the ledger, oldest row first."""
        with connect() as connection:
            return read_ledger(connection, Lake(self.project.lake))

    def rows(self, *columns: str, entity: str = "events") -> list[tuple[Any, ...]]:
        """Return the values of all rows in the lake, sorted.

        Args:
            columns: names of columns.
            entity: the entity of the rows.
        """
        lake = Lake(self.project.lake)
        selected = ", ".join(map(quote_name, columns))
        source = read_sql(entity, [file.path for file in lake.files(entity)])
        with connect() as connection:
            return connection.execute(f"select {selected} from ({source}) order by all").fetchall()
