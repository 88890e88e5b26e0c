"""Finding a source's files, and giving each as plain uncompressed text or Parquet on disk."""

from __future__ import annotations

import codecs
import gzip
import os
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

import zstandard

from shopwright.core.errors import ConfigurationError, SourceFileError
from shopwright.ingest.adapters import find_adapter
from shopwright.ingest.adapters.mapping import WORKBOOK_ENDING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from shopwright.settings import SourceSettings

COMPRESSIONS = (".gz", ".zst", ".zip")
BINARY = (".parquet", WORKBOOK_ENDING)
"""Files that are no text."""

BLOCK = 1 << 22


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a source, or one member of a zip archive."""

    path: Path
    member: str | None = None
    shown: str | None = None
    """What to call it where its path says nothing, as with rows of a database."""
    watermark: str | None = None
    """Of rows of a database: everything up to this value of the source's watermark has been read."""
    judged_at: datetime | None = None
    """The moment, naive UTC, that its times are compared with; that of the run where not given."""

    @property
    def label(self) -> str:
        """Path as the ledger and messages show it; a member follows an exclamation mark."""
        if self.shown is not None:
            return self.shown
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
    """Name of the data behind a label of the ledger, without path and compression.

    Example:
        >>> data_name("exports/all.zip!2024/users.jsonl.gz")
        'users.jsonl'
    """
    name = PurePosixPath(re.split(r"\.zip!", label, maxsplit=1, flags=re.IGNORECASE)[-1]).name
    return name[: -len(found.group())] if (found := re.search(r"\.(gz|zst)$", name, re.IGNORECASE)) else name


def find_files(source: SourceSettings, root: Path) -> list[SourceFile]:
    """All files of a source, by name: what it names, what lies in its folders, what its globs match.

    Raises:
        ConfigurationError: a path that is not a glob does not exist, or there is no file at all.
    """
    endings = find_adapter(source.adapter).endings
    found: dict[str, SourceFile] = {}
    for pattern in source.paths:
        for path in _expand(source, root, pattern, endings):
            for file in _members(path, endings):
                found[file.label] = file
    if not found:
        raise ConfigurationError(f"source '{source.name}': no file matches {', '.join(source.paths)}")
    return [found[label] for label in sorted(found)]


def _expand(source: SourceSettings, root: Path, pattern: str, endings: tuple[str, ...]) -> list[Path]:
    path = Path(pattern).expanduser()
    path = path if path.is_absolute() else root / path
    if path.is_dir():
        return sorted(
            item
            for item in path.rglob("*")
            if item.is_file() and _is_data(item.name, endings) and not _is_truth(item)
        )
    if path.exists():
        return [path]
    if not any(mark in pattern for mark in "*?["):
        raise ConfigurationError(f"source '{source.name}': {path} does not exist")
    # only the pattern is one: the project's own folder may have a bracket in its name
    base, relative = (
        (Path(path.anchor), path.relative_to(path.anchor)) if _is_absolute(pattern) else (root, pattern)
    )
    return sorted(item for item in base.glob(str(relative)) if item.is_file())


def _is_absolute(pattern: str) -> bool:
    return Path(pattern).expanduser().is_absolute()


def _is_truth(file: Path) -> bool:
    """Whether a simulation wrote it to say what its shop was made from."""
    return (file.parent.name, file.name) == ("truth", "decisions.parquet")


def _is_data(name: str, endings: tuple[str, ...]) -> bool:
    folded = name.casefold()
    is_archive = folded.endswith(".zip")
    folded = data_name(folded)
    hidden = folded.startswith((".", "_", "~$")) or folded == "truth.json"
    return (is_archive or folded.endswith(endings)) and not hidden


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


def open_plain(file: SourceFile, staging: Path, *, encoding: str) -> Path:
    """The data of a file as a plain UTF-8 file on disk: itself, or a copy in ``staging``.

    Raises:
        SourceFileError: it cannot be read, unpacked or decoded.
    """
    recoded = codecs.lookup(encoding).name != "utf-8" and not file.data_name.casefold().endswith(BINARY)
    if file.is_plain and not recoded and _has_utf8_name(file.path):
        return file.path
    target = staging / "plain"
    try:
        with target.open("wb") as plain:
            _copy(_unpacked(file), plain, encoding if recoded else None)
    except (OSError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile, zstandard.ZstdError) as error:
        raise SourceFileError(file.label, f"cannot be unpacked ({error}); is the download whole?") from None
    except UnicodeError as error:
        raise SourceFileError(
            file.label, f"is not {encoding} ({error}); set another encoding for its source"
        ) from None
    return target


def _has_utf8_name(path: Path) -> bool:
    return os.fsencode(path).decode("utf-8", "replace") == str(path)


def _unpacked(file: SourceFile) -> Iterator[bytes]:
    """The bytes of the data, block by block; archives are opened and whatever is compressed is unpacked."""
    if file.member is None:
        with file.path.open("rb") as opened:
            yield from _blocks(opened, file.path.suffix)
        return
    with zipfile.ZipFile(file.path) as archive, archive.open(file.member) as opened:
        yield from _blocks(opened, PurePosixPath(file.member).suffix)


def _blocks(opened: IO[bytes], ending: str) -> Iterator[bytes]:
    match ending.casefold():
        case ".zst":
            yield from _zstandard_blocks(opened)
            return
        case ".zip":
            raise zipfile.BadZipFile("it is no zip archive with data files in it")
        case ".gz":
            with gzip.GzipFile(fileobj=opened) as unzipped:
                yield from iter(lambda: unzipped.read(BLOCK), b"")
        case _:
            yield from iter(lambda: opened.read(BLOCK), b"")


def _zstandard_blocks(opened: IO[bytes]) -> Iterator[bytes]:
    """Frame after frame; the library's own stream reader takes the end of a torn file for the end of the data."""
    frame = zstandard.ZstdDecompressor().decompressobj()
    is_started = False
    while block := opened.read(BLOCK):
        while block:
            yield frame.decompress(block)
            is_started, block = not frame.eof, frame.unused_data
            if frame.eof:
                frame = zstandard.ZstdDecompressor().decompressobj()
    if is_started:
        raise EOFError("the file ends within its compressed data")


def _copy(blocks: Iterable[bytes], plain: IO[bytes], encoding: str | None) -> None:
    if encoding is None:
        plain.writelines(blocks)
        return
    decode = codecs.getincrementaldecoder(encoding)().decode
    for block in blocks:
        plain.write(decode(block).encode())
    plain.write(decode(b"", final=True).encode())
