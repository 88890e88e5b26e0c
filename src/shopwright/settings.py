"""A shop's settings: ``shopwright.toml``, read once and checked.

Every default lives here and nowhere else; the template, the docs and the command line read them from these
classes.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date  # pydantic reads it when the class is made
from typing import TYPE_CHECKING, Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from shopwright.core.errors import ConfigurationError, near_match

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "shopwright.toml"


def _check_timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"no time zone '{name}'{near_match(name, available_timezones())}")
    return name


def _check_encoding(name: str) -> str:
    try:
        "".encode(name)
    except LookupError:
        raise ValueError(f"no encoding '{name}'") from None
    return name


def _check_connection(name: str) -> str:
    if not re.fullmatch(
        r"[A-Za-z_][A-Za-z0-9_]*", name
    ):  # what was given may hold a secret and is not repeated
        raise ValueError(
            "give the name of an environment variable that holds the URL of the database, such as "
            "SHOP_DATABASE_URL; a URL or a password does not belong in this file"
        )
    return name


_OF_DATABASES = ("connection", "table", "query", "watermark", "lookback_seconds")

_SELECT = re.compile(r"(\s|--[^\n]*\n|/\*.*?\*/|\()*(select|with|values|table)\b", re.IGNORECASE | re.DOTALL)
"""How a statement begins that only reads, behind blanks, comments and brackets."""

ConnectionName = Annotated[str, AfterValidator(_check_connection)]
Timezone = Annotated[str, AfterValidator(_check_timezone)]
Encoding = Annotated[str, AfterValidator(_check_encoding)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ShopSettings(_Strict):
    """The shop itself."""

    name: str = "My shop"
    """Name shown in reports."""
    currency: str = Field("USD", pattern="^[A-Z]{3}$")
    """ISO 4217 code of amounts that state none."""
    timezone: Timezone = "UTC"
    """Zone in which a day begins and ends."""


class FieldSettings(_Strict):
    """Where one canonical column comes from."""

    column: str | tuple[str, ...] = ()
    """Column of the file, or several of which the first with a value counts."""
    value: str | None = None
    """The same text for every row."""
    sql: str | None = None
    """A DuckDB expression over the file's columns, each of them text."""

    @model_validator(mode="before")
    @classmethod
    def _accept_plain_text(cls, given: Any) -> Any:
        return {"column": given} if isinstance(given, str | list) else given

    @model_validator(mode="after")
    def _check_one_origin(self) -> FieldSettings:
        if sum((bool(self.column), self.value is not None, self.sql is not None)) != 1:
            raise ValueError("give exactly one of column, value and sql")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns named, in order."""
        return (self.column,) if isinstance(self.column, str) else tuple(self.column)


class SourceSettings(_Strict):
    """One kind of file the shop delivers."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    """Name in the ledger."""
    adapter: str
    """How to read it: rees46, olist, online_retail, event_stream, mapped or postgres."""
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
    """Format of the files; told from the file name where not given (adapter mapped)."""
    header: bool = True
    """Whether a CSV file starts with column names (adapter mapped)."""
    delimiter: str | None = Field(None, min_length=1, max_length=1)
    """What separates CSV fields; a comma, or a tab for .tsv, where not given (adapter mapped)."""
    columns: tuple[str, ...] = ()
    """Column names of a CSV file without a header (adapter mapped)."""
    map: dict[str, FieldSettings] = Field(default_factory=dict)
    """Canonical column to column of the file (adapter mapped)."""
    event_types: dict[str, str] = Field(default_factory=dict)
    """The source's event types to canonical ones (adapter mapped)."""
    timestamp_formats: tuple[str, ...] = ()
    """strptime formats, "iso8601" or "epoch", tried in order; the adapter's own where not given."""
    timezone: Timezone = "UTC"
    """Zone of timestamps that state none."""
    encoding: Encoding = "utf-8"
    """Encoding of the files. Adapter online_retail reads a file that is no UTF-8 as Latin-1 where this is left alone."""

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
                raise ValueError(f"{wrong[0]} is for adapter postgres, and this is {self.adapter}")
            return self
        if (self.table is None) == (self.query is None):
            raise ValueError(
                'adapter postgres needs table = "schema.name" or query = "select ...", one of them'
            )
        if self.query is not None and not _SELECT.match(self.query):
            raise ValueError("query is no select: it has to begin with select, with, values or table")
        return self

    @property
    def is_database(self) -> bool:
        """Whether rows come from a database, and not from files."""
        return self.adapter == "postgres"

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths given, in order."""
        return (self.path,) if isinstance(self.path, str) else self.path


class IngestSettings(_Strict):
    """The checks at the door."""

    max_record_bytes: int = Field(1_048_576, ge=1_048_576, le=16_777_216)
    """Longest record that is taken for data, in bytes."""
    max_future_hours: NonNegativeInt = 24
    """How far ahead of the clock a timestamp may lie, in hours."""


class SessionSettings(_Strict):
    """How visits are told apart."""

    gap_minutes: PositiveInt = 30
    """Minutes without an event after which a new session begins."""


class BotSettings(_Strict):
    """Behaviour that no shopper shows; such sessions, if they buy nothing, are flagged and kept out of rates."""

    min_events: PositiveInt = 60
    """Shorter sessions are never flagged, in events."""
    max_mean_gap_seconds: PositiveFloat = 3.0
    """Flag when events follow one another faster than this on average, in seconds."""
    min_views_without_cart: PositiveInt = 200
    """Flag when a session views this many products and puts none into the cart."""


class OrderSettings(_Strict):
    """What orders mean."""

    canceled_statuses: tuple[str, ...] = ("canceled", "cancelled", "unavailable", "voided", "failed")
    """Statuses, in lower case, of orders that came to nothing."""
    complete_through: date | None = None
    """Last date up to which orders are complete, where an export thins out at its end; the last order's where not given."""


class ExperimentSettings(_Strict):
    """Where a user's experiment group comes from."""

    assignment: Literal["stated", "md5_parity", "none"] = "stated"
    """"stated" by the events, by the parity of the user id's MD5 (odd is treatment), or "none"."""


class EngineSettings(_Strict):
    """What the machine may be used for."""

    threads: PositiveInt | None = None
    """Threads; all cores where not given."""
    memory_limit: str = Field("4GB", pattern=r"^\d+(\.\d+)?\s?(MB|GB|TB|MiB|GiB|TiB)$")
    """Memory the engine may take before it spills to disk."""


class Settings(_Strict):
    """All of ``shopwright.toml``."""

    shop: ShopSettings = ShopSettings()
    sources: tuple[SourceSettings, ...] = ()
    ingest: IngestSettings = IngestSettings()
    sessions: SessionSettings = SessionSettings()
    bots: BotSettings = BotSettings()
    orders: OrderSettings = OrderSettings()
    experiment: ExperimentSettings = ExperimentSettings()
    engine: EngineSettings = EngineSettings()

    @model_validator(mode="after")
    def _check_names(self) -> Settings:
        names = [source.name for source in self.sources]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"two sources are named '{twice.pop()}'")
        return self


@dataclass(frozen=True, slots=True)
class Project:
    """One shop: its folder and its settings."""

    root: Path
    settings: Settings

    @property
    def lake(self) -> Path:
        """Folder of the Delta tables."""
        return self.root / "lake"

    @property
    def warehouse(self) -> Path:
        """The database that builds write to."""
        return self.root / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """The database that people, service and app read: the last build whose tests passed.

        It bears the name of the one it was copied from, since views name the database they lie in.
        """
        return self.root / "published" / "warehouse.duckdb"

    @property
    def work(self) -> Path:
        """Folder of things that can be made again: staging, compiled SQL, logs."""
        return self.root / ".shopwright"


def load_project(root: Path) -> Project:
    """Read the project in a folder.

    Raises:
        ConfigurationError: there is no ``shopwright.toml``, or it is wrong; the message says where.
    """
    file = root / FILE_NAME
    if re.search(r"\\|%[0-9A-Fa-f]{2}", str(root.resolve())):  # the lake's library takes these for a URL's
        raise ConfigurationError(
            f"{root.resolve()}: a project cannot lie in a folder whose name holds a backslash or an escape like %20"
        )
    if not file.is_file():
        raise ConfigurationError(
            f"{root} is no project: it has no {FILE_NAME}; make one with 'shopwright init {root}'"
        )
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: {error}") from None
    try:
        return Project(root=root.resolve(), settings=Settings.model_validate(given))
    except ValidationError as error:
        raise ConfigurationError(f"{file}: {_explain(error)}") from None


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "settings"
    if first["type"] == "extra_forbidden":
        return f"no setting '{where}'{near_match(str(first['loc'][-1]), _known_names())}"
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"


def _known_names() -> list[str]:
    sections: list[type[BaseModel]] = [
        Settings,
        ShopSettings,
        SourceSettings,
        FieldSettings,
        IngestSettings,
        SessionSettings,
        BotSettings,
        OrderSettings,
        ExperimentSettings,
        EngineSettings,
    ]
    return [name for section in sections for name in section.model_fields]
