"""What an adapter is made of: how a file is shaped, and which of its columns become which of ours."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from collections.abc import Mapping as MappingABC

    from shopwright.contracts import Entity
    from shopwright.settings import SourceSettings

ISO_8601 = "iso8601"
EPOCH = "epoch"

DATA_ENDINGS = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".parquet")
"""What files of a folder are called that any adapter may read."""

WORKBOOK_ENDING = ".xlsx"


class FileKind(StrEnum):
    """How records lie in a file."""

    CSV = "csv"
    JSON = "json"
    """JSON lines or one JSON array; the file itself tells which."""
    PARQUET = "parquet"
    XLSX = "xlsx"
    """A workbook; its sheets are written as CSV first."""


@dataclass(frozen=True, slots=True)
class CsvShape:
    """What a delimited file looks like."""

    header: bool = True
    delimiter: str = ","
    columns: tuple[str, ...] = ()
    """Column names, for a file without a header."""
    null: str = ""
    """What stands, without quotes, for a value that is not there."""
    synonyms: MappingABC[str, str] = field(default_factory=dict)
    """Other spellings of a column's name in the header, to the one that the mapping uses."""


@dataclass(frozen=True, slots=True)
class Field:
    """Where a canonical column comes from: the first column that has a value, a constant, or SQL."""

    columns: tuple[str, ...] = ()
    """Columns of the file, tried in order; beside ``sql`` those it reads. In JSON a dot goes one level down."""
    constant: str | None = None
    sql: str | None = None
    """DuckDB expression over the file's columns, each of them text."""
    values: MappingABC[str, str] = field(default_factory=dict)
    """Replacements for single values, such as ``view`` by ``product_view``; others pass as they are."""


def column(*names: str, values: MappingABC[str, str] | None = None) -> Field:
    """A field read from the first of the named columns that has a value."""
    return Field(columns=names, values=values or {})


@dataclass(frozen=True, slots=True)
class Mapping:
    """One kind of file of a source, and the entity its rows become."""

    entity: Entity
    kind: FileKind
    fields: MappingABC[str, Field]
    """Canonical column to its origin; columns not named stay empty."""
    csv: CsvShape = CsvShape()
    required_columns: tuple[str, ...] = ()
    """Columns without which the file is not what the source says it is."""
    timestamp_formats: tuple[str, ...] = (ISO_8601,)
    """strptime formats, ``iso8601`` or ``epoch``, tried in order."""
    timezone: str = "UTC"
    """Zone of timestamps that state none."""
    encoding: str = "utf-8"
    fallback_encoding: str | None = None
    """Encoding of a whole file whose bytes are no UTF-8; such records go to quarantine where there is none."""
    counts_copies: bool = False
    """Whether equal rows of a file are copies 1, 2, 3 of one another (``copy_number``) rather than duplicates.

    A later file that repeats them adds only the copies beyond those that the lake has.
    """
    trims: bool = True
    """Whether blanks around values are dropped."""
    has_lines: bool = False
    """Whether JSON is one record a line, also where a file looks like one array."""
    optional: frozenset[str] = frozenset()
    """Canonical columns that stay empty, without a word, where the file lacks what they come from."""

    def __post_init__(self) -> None:
        unknown = set(self.fields) - {item.name for item in self.entity.stored_columns}
        if unknown:
            raise ValueError(f"{self.entity.name} has no column {sorted(unknown)}")

    def fitted(self, columns: Sequence[str]) -> Mapping:
        """The mapping for a file of these columns, without the optional fields that it does not fill."""
        lacking = {name for name in self.optional if not set(self.fields[name].columns) & set(columns)}
        fields = {name: item for name, item in self.fields.items() if name not in lacking}
        return replace(self, fields=fields, optional=self.optional - lacking) if lacking else self

    @property
    def source_columns(self) -> tuple[str, ...]:
        """Every column of the file that the mapping reads by name."""
        return tuple(dict.fromkeys(name for item in self.fields.values() for name in item.columns))


@dataclass(frozen=True, slots=True)
class Adapter:
    """A kind of export, by name."""

    name: str
    summary: str
    mapping_for: Callable[[SourceSettings, str], Mapping]
    """``(source, file name) -> mapping`` of that file."""
    endings: tuple[str, ...] = DATA_ENDINGS
    """What files of a folder are called that it reads; others there are not looked at."""
    has_events: bool = True
    """Whether what it reads can be events."""
