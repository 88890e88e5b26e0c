"""Finding a source's files, and giving each as plain uncompressed text or Parquet on disk."""

from __future__ import annotations

import codecs
import gzip
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING
from zlib import error as ZlibError

import zstandard

from shopwright.core.errors import ConfigurationError, SourceFileError

if TYPE_CHECKING:
    from shopwright.settings import SourceSettings

DATA_ENDINGS = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".parquet")
COMPRESSIONS = (".gz", ".zst", ".zip")
BLOCK = 1 << 22


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a source, or one member of a zip archive."""

    path: Path
    member: str | None = None

    @property
    def label(self) -> str:
        """Path as the ledger and messages show it; a member follows an exclamation mark."""
        return f"{self.path}!{self.member}" if self.member else str(self.path)

    @property
    def data_name(self) -> str:
        """Name of the data inside, without path and compression: ``a.csv`` of ``x/a.csv.gz``."""
        name = PurePosixPath(self.member or self.path.name).name
        return name.removesuffix(".gz").removesuffix(".zst")

    @property
    def is_plain(self) -> bool:
        """Whether the file on disk is itself the data."""
        return self.member is None and self.path.suffix not in COMPRESSIONS


def find_files(source: SourceSettings, root: Path) -> list[SourceFile]:
    """All files of a source, by name: what it names, what lies in its folders, what its globs match.

    Raises:
        ConfigurationError: a path that is not a glob does not exist, or there is no file at all.
    """
    found: dict[str, SourceFile] = {}
    for pattern in source.paths:
        for path in _expand(source, root, pattern):
            for file in _members(path):
                found[file.label] = file
    if not found:
        raise ConfigurationError(f"source '{source.name}': no file matches {', '.join(source.paths)}")
    return [found[label] for label in sorted(found)]


def _expand(source: SourceSettings, root: Path, pattern: str) -> list[Path]:
    path = Path(pattern).expanduser()
    path = path if path.is_absolute() else root / path
    if path.is_dir():
        return sorted(item for item in path.rglob("*") if item.is_file() and _is_data(item.name))
    if path.exists():
        return [path]
    if not any(mark in pattern for mark in "*?["):
        raise ConfigurationError(f"source '{source.name}': {path} does not exist")
    anchor = Path(path.anchor)
    return sorted(item for item in anchor.glob(str(path.relative_to(anchor))) if item.is_file())


def _is_data(name: str) -> bool:
    folded = name.casefold()
    for ending in (".gz", ".zst"):
        folded = folded.removesuffix(ending)
    hidden = folded.startswith((".", "_")) or folded == "truth.json"
    return folded.endswith((*DATA_ENDINGS, ".zip")) and not hidden


def _members(path: Path) -> Iterator[SourceFile]:
    if path.suffix.casefold() != ".zip":
        yield SourceFile(path)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            names = [item.filename for item in archive.infolist() if not item.is_dir()]
    except (zipfile.BadZipFile, OSError):
        yield SourceFile(path)  # reading it will say what is wrong, in the ledger
        return
    for name in sorted(names):
        if _is_data(PurePosixPath(name).name) and "__MACOSX" not in name:
            yield SourceFile(path, member=name)


def open_plain(file: SourceFile, staging: Path, *, encoding: str) -> Path:
    """The data of a file as a plain UTF-8 file on disk: itself, or a copy in ``staging``.

    Raises:
        SourceFileError: it cannot be read, unpacked or decoded.
    """
    recoded = codecs.lookup(encoding).name != "utf-8" and not file.data_name.endswith(".parquet")
    if file.is_plain and not recoded:
        return file.path
    target = staging / f"plain-{file.data_name}"
    try:
        with _open_unpacked(file) as packed, target.open("wb") as plain:
            _copy(packed, plain, encoding if recoded else None)
    except (OSError, EOFError, ZlibError, zipfile.BadZipFile, zstandard.ZstdError) as error:
        raise SourceFileError(file.label, f"cannot be unpacked ({error}); is the download whole?") from None
    except UnicodeDecodeError as error:
        raise SourceFileError(
            file.label, f"is not {encoding}: byte {error.start} cannot be decoded; set another encoding"
        ) from None
    return target


def _open_unpacked(file: SourceFile) -> IO[bytes]:
    if file.member is not None:
        return zipfile.ZipFile(file.path).open(file.member)
    opened = file.path.open("rb")
    match file.path.suffix:
        case ".gz":
            return gzip.GzipFile(fileobj=opened)
        case ".zst":
            return zstandard.ZstdDecompressor().stream_reader(opened, closefd=True)  # type: ignore[return-value]  # a raw stream, read and closed like any other
        case ".zip":
            opened.close()
            raise zipfile.BadZipFile("not a zip archive")
    return opened


def _copy(packed: IO[bytes], plain: IO[bytes], encoding: str | None) -> None:
    if encoding is None:
        shutil.copyfileobj(packed, plain, BLOCK)
        return
    decode = codecs.getincrementaldecoder(encoding)().decode
    while block := packed.read(BLOCK):
        plain.write(decode(block).encode())
    plain.write(decode(b"", final=True).encode())
