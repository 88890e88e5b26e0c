"""Finding the files of a source: those it names, those in its folders, members of zip archives and sheets of workbooks."""

from __future__ import annotations

import os
import re
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from shopwright.core.errors import ConfigurationError, SourceFileError
from shopwright.ingest.adapters import find_adapter
from shopwright.ingest.adapters.mapping import WORKBOOK_ENDING
from shopwright.ingest.file_errors import file_errors
from shopwright.ingest.workbooks import list_sheets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from shopwright.settings import SourceSettings

COMPRESSIONS = (".gz", ".zst", ".zip")
BINARY = (".parquet", WORKBOOK_ENDING)
"""Endings of files that are not text."""

_ANY_CASE = re.IGNORECASE | re.DOTALL


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a source, one member of a zip archive, or one sheet of a workbook."""

    path: Path
    member: str | None = None
    sheet: str | None = None
    display_name: str | None = None
    """Its name where the path says nothing, as with rows of a database."""
    watermark: str | None = None
    """For rows of a database: everything up to this value of the source's watermark has been read."""
    as_of: datetime | None = None
    """Naive UTC; later times in the file count as in the future. The time of the run if None."""

    @property
    def label(self) -> str:
        """Path as the ledger and messages show it; a member, and a sheet, follow an exclamation mark."""
        return self.file_label if self.sheet is None else f"{self.file_label}!{self.sheet}"

    @property
    def file_label(self) -> str:
        """The same without the sheet: the whole workbook."""
        if self.display_name is not None:
            return self.display_name
        label = f"{self.path}!{self.member}" if self.member else str(self.path)
        return os.fsencode(label).decode("utf-8", "backslashreplace")

    @property
    def data_name(self) -> str:
        """Name of the data inside, without path and compression: ``a.csv`` of ``x/a.csv.gz``."""
        return _data_name(self.file_label)

    @property
    def is_plain(self) -> bool:
        """Whether the file on disk is itself the data."""
        return self.member is None and self.sheet is None and self.path.suffix.casefold() not in COMPRESSIONS


def data_name(label: str) -> str:
    """Return the name of the data behind a label of the ledger, without path, compression and sheet.

    Example:
        >>> data_name("exports/all.zip!2024/users.jsonl.gz")
        'users.jsonl'
        >>> data_name("exports/sales.xlsx!Year 1/2")
        'sales.xlsx'
    """
    return _data_name(file_label(label))


def _data_name(label: str) -> str:
    name = PurePosixPath(re.split(r"\.zip!", label, maxsplit=1, flags=re.IGNORECASE)[-1]).name
    return re.sub(r"\.(gz|zst)$", "", name, flags=re.IGNORECASE)


def file_label(label: str) -> str:
    """Return a label of the ledger without the sheet: that of the whole workbook, or of any other file as it is.

    Example:
        >>> file_label("all.zip!sales.xlsx.gz!Year 1!2")
        'all.zip!sales.xlsx.gz'
        >>> file_label("sales.xlsx!a.zip!b")
        'sales.xlsx'
    """
    # the first ending counts: behind it, a sheet's name may hold anything
    match = re.match(
        rf"(.*?\.(?:zip!.*?{re.escape(WORKBOOK_ENDING)}|xlsx)(?:\.gz|\.zst)?)!", label, _ANY_CASE
    )
    return match.group(1) if match else label


def is_whole_workbook(label: str) -> bool:
    """Return whether a label of the ledger is that of a workbook without a sheet: an older version read it as one file."""
    return (
        WORKBOOK_ENDING in label.casefold()
        and file_label(label) == label
        and data_name(label).casefold().endswith(WORKBOOK_ENDING)
    )


def path_of(label: str) -> Path:
    """Return the path of the file on disk behind a label of the ledger.

    Example:
        >>> str(path_of("exports/all.zip!2024/users.jsonl.gz"))
        'exports/all.zip'
        >>> str(path_of("exports/sales.xlsx!Year 1/2"))
        'exports/sales.xlsx'
    """
    match = re.match(r"(.*?\.(?:zip|xlsx(?:\.gz|\.zst)?))!", label, _ANY_CASE)
    return Path(match.group(1) if match else label)


def find_files(source: SourceSettings, root: Path) -> list[SourceFile]:
    """Return all files of a source, sorted by name; sheets of a workbook are in its order.

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
            for member in _members(path, endings):
                for file in _sheets(member, source):
                    files[file.label] = file
    if not files:
        raise ConfigurationError(f"source '{source.name}': no file matches {', '.join(source.paths)}")
    return sorted(files.values(), key=lambda file: file.file_label)


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
        with file_errors(str(path)), zipfile.ZipFile(path) as archive:
            names = [item.filename for item in archive.infolist() if not item.is_dir()]
    except SourceFileError:
        yield SourceFile(path)  # reading it will say what is wrong, in the ledger
        return
    data = [name for name in names if _is_data(PurePosixPath(name).name, endings) and "__MACOSX" not in name]
    if not data:
        yield SourceFile(path)
    for name in sorted(data):
        yield SourceFile(path, member=name)


def _sheets(file: SourceFile, source: SourceSettings) -> Iterator[SourceFile]:
    """Yield the sheets of a workbook as files of their own; any other file as it is."""
    sheets = list_sheets(file.path, file.member) if is_workbook(file.data_name, source) else ()
    yield from (replace(file, sheet=name) for name in sheets) if sheets else [file]


def is_workbook(name: str, source: SourceSettings) -> bool:
    """Return whether a source reads a file of this name, without path and compression, sheet by sheet."""
    endings = find_adapter(source.adapter).endings
    return name.casefold().endswith(WORKBOOK_ENDING) and WORKBOOK_ENDING in endings and source.format is None
