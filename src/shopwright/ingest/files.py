"""Finding the files of a source: those it names, those in its folders, and the members of zip archives."""

from __future__ import annotations

import os
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from shopwright.core.errors import ConfigurationError
from shopwright.ingest.adapters import find_adapter
from shopwright.ingest.adapters.mapping import WORKBOOK_ENDING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from shopwright.settings import SourceSettings

COMPRESSIONS = (".gz", ".zst", ".zip")
BINARY = (".parquet", WORKBOOK_ENDING)
"""Endings of files that are not text."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a source, or one member of a zip archive."""

    path: Path
    member: str | None = None
    display_name: str | None = None
    """Its name where the path says nothing, as with rows of a database."""
    watermark: str | None = None
    """For rows of a database: everything up to this value of the source's watermark has been read."""
    as_of: datetime | None = None
    """Naive UTC; later times in the file count as in the future. The time of the run if None."""

    @property
    def label(self) -> str:
        """Path as the ledger and messages show it; a member follows an exclamation mark."""
        if self.display_name is not None:
            return self.display_name
        label = f"{self.path}!{self.member}" if self.member else str(self.path)
        return os.fsencode(label).decode("utf-8", "backslashreplace")

    @property
    def data_name(self) -> str:
        """Name of the data inside, without path and compression: ``a.csv`` of ``x/a.csv.gz``."""
        return data_name(self.label)

    @property
    def is_plain(self) -> bool:
        """Whether the file on disk is itself the data."""
        return self.member is None and self.path.suffix.casefold() not in COMPRESSIONS


def data_name(label: str) -> str:
    """Return the name of the data behind a label of the ledger, without path and compression.

    Example:
        >>> data_name("exports/all.zip!2024/users.jsonl.gz")
        'users.jsonl'
    """
    name = PurePosixPath(re.split(r"\.zip!", label, maxsplit=1, flags=re.IGNORECASE)[-1]).name
    return re.sub(r"\.(gz|zst)$", "", name, flags=re.IGNORECASE)


def path_of(label: str) -> Path:
    """Return the path of the file on disk behind a label of the ledger.

    Example:
        >>> str(path_of("exports/all.zip!2024/users.jsonl.gz"))
        'exports/all.zip'
    """
    match = re.match(r"(.*?\.(?:zip|xlsx))!", label, flags=re.IGNORECASE | re.DOTALL)
    return Path(match.group(1) if match else label)


def find_files(source: SourceSettings, root: Path) -> list[SourceFile]:
    """Return all files of a source, sorted by name.

    Args:
        source: its paths may be files, folders and globs.
        root: folder that relative paths start from.

    Raises:
        ConfigurationError: a path that is not a glob does not exist, or no file matches.
    """
    endings = find_adapter(source.adapter).endings
    files: dict[str, SourceFile] = {}
    for pattern in source.paths:
        for path in _expand(source, root, pattern, endings):
            for file in _members(path, endings):
                files[file.label] = file
    if not files:
        raise ConfigurationError(f"source '{source.name}': no file matches {', '.join(source.paths)}")
    return [files[label] for label in sorted(files)]


def _expand(source: SourceSettings, root: Path, pattern: str, endings: tuple[str, ...]) -> list[Path]:
    path = Path(pattern).expanduser()
    path = path if path.is_absolute() else root / path
    if path.is_dir():
        return sorted(
            item
            for item in path.rglob("*")
            if item.is_file() and _is_data(item.name, endings) and not _is_simulation_truth(item)
        )
    if path.exists():
        return [path]
    if not any(mark in pattern for mark in "*?["):
        raise ConfigurationError(f"source '{source.name}': {path} does not exist")
    # only the pattern is a glob: the project's own folder may have a bracket in its name
    base, relative = (
        (Path(path.anchor), path.relative_to(path.anchor)) if _is_absolute(pattern) else (root, pattern)
    )
    return sorted(item for item in base.glob(str(relative)) if item.is_file())


def _is_absolute(pattern: str) -> bool:
    return Path(pattern).expanduser().is_absolute()


def _is_simulation_truth(file: Path) -> bool:
    """Return whether a simulation wrote the file to state what its shop was made from."""
    if file.parent.name != "truth":
        return False
    return file.name == "decisions.parquet" or (file.parent.parent / "truth.json").is_file()


def _is_data(name: str, endings: tuple[str, ...]) -> bool:
    folded = name.casefold()
    is_archive = folded.endswith(".zip")
    folded = data_name(folded)
    is_hidden = folded.startswith((".", "_", "~$")) or folded == "truth.json"
    return (is_archive or folded.endswith(endings)) and not is_hidden


def _members(path: Path, endings: tuple[str, ...]) -> Iterator[SourceFile]:
    if path.suffix.casefold() != ".zip":
        yield SourceFile(path)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            names = [item.filename for item in archive.infolist() if not item.is_dir()]
    except (zipfile.BadZipFile, OSError):
        yield SourceFile(path)  # reading it will say what is wrong, in the ledger
        return
    data = [name for name in names if _is_data(PurePosixPath(name).name, endings) and "__MACOSX" not in name]
    if not data:
        yield SourceFile(path)
    for name in sorted(data):
        yield SourceFile(path, member=name)
