"""What an adapter is made of: how a file is shaped, and which of its columns become which of ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Mapping as MappingABC

    from shopwright.contracts import Entity
    from shopwright.settings import SourceSettings

ISO_8601 = "iso8601"
EPOCH = "epoch"


class FileKind(StrEnum):
    """How records lie in a file."""

    CSV = "csv"
    JSON = "json"
    """JSON lines or one JSON array; the file itself tells which."""
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class CsvShape:
    """What a delimited file looks like."""

    header: bool = True
    delimiter: str = ","
    columns: tuple[str, ...] = ()
    """Column names, for a file without a header."""


@dataclass(frozen=True, slots=True)
class Field:
    """Where a canonical column comes from: the first column that has a value, a constant, or SQL."""

    columns: tuple[str, ...] = ()
    """Columns of the file, tried in order. In JSON a dot goes one level down."""
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
    trims: bool = True
    """Whether blanks around values are dropped."""

    def __post_init__(self) -> None:
        unknown = set(self.fields) - {item.name for item in self.entity.landed}
        if unknown:
            raise ValueError(f"{self.entity.name} has no column {sorted(unknown)}")

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
