"""Where a shop's data comes from."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, NonNegativeInt, ValidationInfo, field_validator, model_validator

from shopwright.settings.strict import VARIABLE_NAME, Encoding, Privacy, Strict, Timezone


def _check_connection(name: str) -> str:
    if not VARIABLE_NAME.fullmatch(name):  # what was given may hold a secret and is not repeated
        raise ValueError(
            "give the name of an environment variable that holds the URL of the database, such as "
            "SHOP_DATABASE_URL; a URL or a password does not belong in this file"
        )
    return name


_OF_DATABASES = ("connection", "table", "query", "watermark", "lookback_seconds")

_SELECT = re.compile(r"(\s|--[^\n]*\n|/\*.*?\*/|\()*(select|with|values|table)\b", re.IGNORECASE | re.DOTALL)
"""How a statement begins that only reads, behind blanks, comments and brackets."""

ConnectionName = Annotated[str, AfterValidator(_check_connection)]


class FieldSettings(Strict):
    """Origin of one canonical column."""

    column: str | tuple[str, ...] = ()
    """Column of the file, or several of them; the first one with a value counts."""
    value: str | None = None
    """Constant text for every row."""
    sql: str | None = None
    """DuckDB expression over one row: the columns of the file, which are all text, the whole record `doc` of JSON, and
    `record_number`, the number that the quarantine shows."""

    @model_validator(mode="before")
    @classmethod
    def _accept_plain_text(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str | list) else value

    @model_validator(mode="after")
    def _check_one_origin(self) -> FieldSettings:
        if sum((bool(self.column), self.value is not None, self.sql is not None)) != 1:
            raise ValueError("give exactly one of column, value and sql")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns named, in order."""
        return (self.column,) if isinstance(self.column, str) else tuple(self.column)


class SourceSettings(Strict):
    """A source: one kind of file or database table with the shop's data."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    """Name of the source in reports and in the ledger: letters, digits, `_` and `-`."""
    adapter: str
    """Adapter that reads the source: rees46, olist, online_retail, event_stream, mapped, postgres or collector."""
    path: str | tuple[str, ...] = Field((), validate_default=True)
    """File, folder or glob, or several; relative to the project's folder. Only adapter postgres has none."""
    connection: ConnectionName | None = None
    """Environment variable that holds the database's URL or DSN; what libpq finds by itself (PGHOST, PGSERVICE,
    ~/.pgpass) where not given (adapter postgres)."""
    table: str | None = Field(None, min_length=1)
    """Table or view, with its schema (adapter postgres)."""
    query: str | None = None
    """A select, in place of a table (adapter postgres)."""
    watermark: str | None = Field(None, min_length=1)
    """Column that grows with every new or changed row; rows from the last value on are read. Where not given, all
    rows are read each time (adapter postgres)."""
    lookback_seconds: NonNegativeInt = 300
    """How far before the last value of a watermark that is a time reading begins, in seconds; longer than
    transactions of the shop last (adapter postgres)."""
    entity: str = "events"
    """Canonical entity the rows become (adapter mapped)."""
    format: Literal["csv", "json", "parquet"] | None = None
    """Format of the files; by default taken from the file name (adapter mapped)."""
    header: bool = True
    """Whether a CSV file starts with column names (adapter mapped)."""
    delimiter: str | None = Field(None, min_length=1, max_length=1)
    """Character between CSV fields; by default a comma, or a tab for .tsv (adapter mapped)."""
    columns: tuple[str, ...] = ()
    """Column names of a CSV file without a header (adapter mapped)."""
    map: dict[str, FieldSettings] = Field(default_factory=dict)
    """Canonical columns and the columns of the file that they are read from (adapter mapped)."""
    states: Literal["orders", "lines"] | None = None
    """What a file states of an order: all of its lines ("orders"), so that a newer file's lines of the order replace the
    older ones, or some of them ("lines"); the same for payments and refunds. By default all of them where order lines have
    no line number (adapters mapped and online_retail), some of them elsewhere."""
    event_types: dict[str, str] = Field(default_factory=dict)
    """Event types of the source and the canonical types they stand for (adapter mapped). Any other type is kept as `other`."""
    ignore_event_types: tuple[str, ...] = ()
    """Event types whose rows are not loaded, such as "heartbeat", as the source or the contract calls them; the ledger counts
    them as ignored."""
    timestamp_formats: tuple[str, ...] = ()
    """Timestamp formats, tried in order: strptime formats, "iso8601" or "epoch"; by default those of the adapter."""
    timezone: Timezone = "UTC"
    """Time zone of timestamps that state none, as an IANA name."""
    decimal: Literal[".", ","] | None = None
    """Sign before the fraction of numbers. Where not given, a file is read with a comma if its numbers, or its texts in JSON
    and Parquet, prove it, such as 19,90; a delimited file is refused where 1.250 may mean either."""
    thousands: Literal[".", ",", " ", "'"] | None = None
    """Sign between groups of three digits; by default the usual ones beside the decimal sign."""
    nobody: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Ids that name no person, such as "0" or "guest"; null, nan, undefined and the like never do."""
    namespace: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]+$")
    """Name of the system whose numbers of orders these are, such as the shop or the till: order 1001 becomes
    namespace:1001. Needed where two systems number their orders alike; sources of one system share it."""
    privacy: Privacy = Field(default_factory=dict)
    """What happens to a canonical column before it is stored: `[sources.privacy]` with lines such as `city = "drop"`,
    `customer_id = "hash"`. `properties` is everything that no mapping names, `"properties.NAME"` one such field. By default
    all is kept. A hash is made of the value, as ids are read, and a key of the shop, so that joins of hashed ids meet in all
    sources that hash them; service, app and experiments then know people by the hash. A column that rows need cannot be
    dropped, and only texts can be hashed. Files and **quarantined records stay as they came**: `shopwright ingest --forget`
    takes them out. Rows that were loaded before change with `shopwright ingest --again`."""
    encoding: Encoding = "utf-8"
    """Encoding of the files. By default, adapter online_retail reads a file that is not UTF-8 as Latin-1."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_effect(cls, value: Any) -> Any:
        if isinstance(value, dict) and "effect" in value:
            raise ValueError(
                "[sources.effect] was removed: an effect is now simulated before ingest. Delete the section, write a "
                "changed copy of the export with `shopwright simulate-effect`, and load that copy in a new project"
            )
        return value

    @field_validator("path")
    @classmethod
    def _check_path(cls, path: str | tuple[str, ...], info: ValidationInfo) -> str | tuple[str, ...]:
        is_database = info.data.get("adapter") == "postgres"
        if path and is_database:
            raise ValueError("adapter postgres reads no path; give table or query")
        if not path and not is_database:
            raise ValueError("give the file, folder or glob to read")
        return path

    @model_validator(mode="after")
    def _check_header(self) -> SourceSettings:
        if not self.header and not self.columns:
            raise ValueError("header = false needs columns = [...]")
        return self

    @model_validator(mode="after")
    def _check_origin(self) -> SourceSettings:
        if not self.is_database:
            fields = type(self).model_fields
            wrong = [name for name in _OF_DATABASES if getattr(self, name) != fields[name].default]
            if wrong:
                raise ValueError(
                    f"{wrong[0]} works only with adapter postgres; this source uses {self.adapter}"
                )
            return self
        if self.states == "orders":
            raise ValueError(
                'states = "orders" needs files: adapter postgres reads a table in parts, and an order may lie in two of them'
            )
        if (self.table is None) == (self.query is None):
            raise ValueError(
                'adapter postgres needs table = "schema.name" or query = "select ...", one of them'
            )
        if self.query is not None and not _SELECT.match(self.query):
            raise ValueError("query must begin with select, with, values or table")
        return self

    @property
    def is_database(self) -> bool:
        """Whether rows come from a database, and not from files."""
        return self.adapter == "postgres"

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths given, in order."""
        return (self.path,) if isinstance(self.path, str) else self.path
