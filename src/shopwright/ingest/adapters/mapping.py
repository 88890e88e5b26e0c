"""Adapters and mappings: the shape of a file, and which of its columns become which canonical columns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from shopwright.contracts import BY_NAME
from shopwright.contracts.events import MAX_TIMESTAMP, MIN_TIMESTAMP
from shopwright.ingest.adapters.privacy import DROP, HASH, PROPERTIES, check_privacy, select_privacy
from shopwright.ingest.event_types import ignore_event_types

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from collections.abc import Mapping as MappingABC

    from shopwright.contracts import Entity
    from shopwright.settings import SourceSettings
    from shopwright.tombstones import RowScope

ISO_8601 = "iso8601"
EPOCH = "epoch"

DATA_ENDINGS = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".parquet")
"""Endings of the files in a folder that adapters read by default."""

WORKBOOK_ENDING = ".xlsx"


@dataclass(frozen=True, slots=True)
class ShopContext:
    """What the shop's settings say about the meaning of its sources' values."""

    timezone: str = "UTC"
    """Zone in which the shop's days begin and end: a day without a time is a day of the shop."""
    earliest: str = MIN_TIMESTAMP
    latest: str = MAX_TIMESTAMP
    """Limits of all times, inclusive, as literals in UTC."""
    erasures: RowScope | None = None
    """What tells rows of erased people, which are left out; None where nobody was erased."""


class FileKind(StrEnum):
    """Format of a file."""

    CSV = "csv"
    JSON = "json"
    """JSON lines or one JSON array; the reader detects which."""
    PARQUET = "parquet"
    XLSX = "xlsx"
    """A workbook; its sheets are written as CSV first."""

    @property
    def is_nested(self) -> bool:
        """Whether a dot in a column's name goes one level down."""
        return self in (FileKind.JSON, FileKind.PARQUET)


@dataclass(frozen=True, slots=True)
class CsvShape:
    """Dialect of a delimited file."""

    header: bool = True
    delimiter: str = ","
    columns: tuple[str, ...] = ()
    """Column names, for a file without a header."""
    null: str = ""
    """Unquoted text that means that there is no value."""
    synonyms: MappingABC[str, str] = field(default_factory=dict)
    """Other spellings of a column's name in the header, to the one that the mapping uses."""


@dataclass(frozen=True, slots=True)
class NumberSigns:
    """Signs in the numbers of a file."""

    decimal: str | None = None
    """Sign before the fraction; None where nobody has said, which means a dot."""
    thousands: str | None = None
    """Sign between groups of three digits; None for the usual ones beside that decimal sign."""
    is_mixed: bool = False
    """Whether the file has numbers with a decimal dot and others with a decimal comma."""


@dataclass(frozen=True, slots=True)
class Field:
    """Where a canonical column comes from: the first column that has a value, a constant, or SQL."""

    columns: tuple[str, ...] = ()
    """Columns of the file, tried in order; with ``sql``, those that it reads. In JSON a dot goes one level down."""
    constant: str | None = None
    sql: str | None = None
    """DuckDB expression over the file's columns, each of them text."""
    is_custom: bool = False
    """Whether the expression is the shop's own: a row in which it fails is quarantined."""
    values: MappingABC[str, str] = field(default_factory=dict)
    """Replacements of single values, such as ``view`` by ``product_view``; other values stay as they are."""


def states_whole_orders(source: SourceSettings, entity: Entity, *, default: bool = False) -> bool:
    """Return whether files of a source state whole orders.

    Args:
        source: the source; its setting ``states`` decides if it is given.
        entity: what the rows of a file are; only parts of an order can be stated as a whole.
        default: what holds if the setting is not given.
    """
    return entity.whole is not None and (source.states == "orders" if source.states else default)


def column(*names: str, values: MappingABC[str, str] | None = None) -> Field:
    """Return a field that is read from the first of the named columns that has a value."""
    return Field(columns=names, values=values or {})


@dataclass(frozen=True, slots=True)
class Mapping:
    """One kind of file of a source, and the entity its rows become."""

    entity: Entity
    kind: FileKind
    fields: MappingABC[str, Field]
    """Canonical column to its origin; other columns stay empty."""
    csv: CsvShape = CsvShape()
    required_columns: tuple[str, ...] = ()
    """Columns of the file that must be there; without one of them the file fails."""
    timestamp_formats: tuple[str, ...] = (ISO_8601,)
    """strptime formats, ``iso8601`` or ``epoch``, tried in order."""
    timezone: str = "UTC"
    """Zone of timestamps without one."""
    shop: ShopContext = ShopContext()
    encoding: str = "utf-8"
    fallback_encoding: str | None = None
    """Encoding of a file that is not valid UTF-8; if None, only its records that are not are quarantined."""
    counts_copies: bool = False
    """Whether equal rows of a file are copies 1, 2, 3 of one another (``copy_number``) instead of duplicates.

    A later file that repeats them adds only the copies beyond those in the lake.
    """
    keeps_signs: bool = False
    """Whether the signs of amounts mean what they say: a discount line may add money, and a sale may take it back."""
    numbers: NumberSigns = NumberSigns()
    currency: str = "USD"
    """The shop's: of amounts that state none."""
    nobody: tuple[str, ...] = ()
    """Ids that name no person, beside those that do so everywhere."""
    namespace: str | None = None
    """Prefix of numbers of orders, which tells them from those of other sources."""
    states_whole_orders: bool = False
    """Whether a file that names an order states all of its rows, so that they replace those of an earlier file."""
    trims: bool = True
    """Whether blanks around values are removed."""
    privacy: MappingABC[str, str] = field(default_factory=dict)
    """What is dropped or hashed before it is stored, by canonical column or field of ``properties``."""
    has_lines: bool = False
    """Whether JSON is always one record per line, even if a file looks like one array."""
    optional: frozenset[str] = frozenset()
    """Canonical columns that stay empty, without a warning, where the file lacks the columns they are read from."""

    def __post_init__(self) -> None:
        unknown = set(self.fields) - {item.name for item in self.entity.stored_columns}
        if unknown:
            raise ValueError(f"{self.entity.name} has no column {sorted(unknown)}")

    def for_columns(self, columns: Sequence[str]) -> Mapping:
        """Return the mapping for a file with these columns, without the optional fields that it does not fill."""
        unfilled = {name for name in self.optional if not set(self.fields[name].columns) & set(columns)}
        fields = {name: item for name, item in self.fields.items() if name not in unfilled}
        return replace(self, fields=fields, optional=self.optional - unfilled) if unfilled else self

    @property
    def stored_fields(self) -> dict[str, Field]:
        """The fields without those that are dropped."""
        return {name: item for name, item in self.fields.items() if self.privacy.get(name) != DROP}

    @property
    def hashed_columns(self) -> frozenset[str]:
        """Canonical columns that are hashed; those of ``properties`` are not among them."""
        return frozenset(name for name, choice in self.privacy.items() if choice == HASH) - {PROPERTIES}

    @property
    def needs_key(self) -> bool:
        """Whether anything is hashed."""
        return HASH in self.privacy.values()

    @property
    def replaces_rows(self) -> bool:
        """Whether a row of a file may replace an earlier row of the lake."""
        return self.states_whole_orders or self.entity.is_keyed(self.fields)

    @property
    def custom_expressions(self) -> dict[str, str]:
        """The shop's own expressions, by canonical column."""
        return {name: item.sql for name, item in self.fields.items() if item.sql and item.is_custom}

    @property
    def source_columns(self) -> tuple[str, ...]:
        """Every column of the file that the mapping reads by name."""
        return tuple(dict.fromkeys(name for item in self.fields.values() for name in item.columns))


@dataclass(frozen=True, slots=True)
class Adapter:
    """A kind of export that can be read."""

    name: str
    summary: str
    build: Callable[[SourceSettings, str], Mapping]
    """Returns the mapping of a file, given its source and its name."""
    endings: tuple[str, ...] = DATA_ENDINGS
    """Endings of the files in a folder that it reads; other files there are ignored."""
    has_events: bool = True
    """Whether its rows can be events."""
    entities: tuple[str, ...] = ()
    """Entities that its files become; the one that the source names where empty."""

    def check_privacy(self, source: SourceSettings) -> None:
        """Check what a source drops and hashes.

        Raises:
            ConfigurationError: it cannot be done; the message says what can.
        """
        names = self.entities or (source.entity,)
        if source.privacy and all(name in BY_NAME for name in names):
            check_privacy(source, [BY_NAME[name] for name in names])

    def mapping_for(self, source: SourceSettings, file_name: str) -> Mapping:
        """Return the mapping of a file, with the options that sources of every adapter have.

        Args:
            source: its settings.
            file_name: without folder and compression.
        """
        signs = NumberSigns(source.decimal, source.thousands)
        mapping = self.build(source, file_name)
        self.check_privacy(source)
        mapping = replace(
            mapping,
            numbers=signs,
            nobody=source.nobody,
            namespace=source.namespace,
            privacy=select_privacy(source, mapping.entity),
        )
        return ignore_event_types(mapping, source.ignore_event_types)
