"""What a contract is made of: columns, rules and the entity that holds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from shopwright.core.sql import quote_name, quote_text


class Kind(StrEnum):
    """Type of a column's values, with the DuckDB type they are landed as."""

    TEXT = "text"
    TIMESTAMP = "timestamp"
    MONEY = "money"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    JSON = "json"

    @property
    def sql_type(self) -> str:
        """Type in DuckDB; timestamps are UTC, money is exact to four decimals."""
        return _SQL_TYPES[self]

    @property
    def lake_type(self) -> str:
        """Primitive type in the Delta schema."""
        return _LAKE_TYPES[self]


_SQL_TYPES = {
    Kind.TEXT: "VARCHAR",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.MONEY: "DECIMAL(18,4)",
    Kind.NUMBER: "DOUBLE",
    Kind.INTEGER: "BIGINT",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.JSON: "VARCHAR",
}

_LAKE_TYPES = {
    Kind.TEXT: "string",
    Kind.TIMESTAMP: "timestamp",
    Kind.MONEY: "decimal(18,4)",
    Kind.NUMBER: "double",
    Kind.INTEGER: "long",
    Kind.BOOLEAN: "boolean",
    Kind.JSON: "string",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition every accepted row meets; a row that breaks it goes to quarantine under its name."""

    name: str
    condition: str
    """SQL condition over the typed columns. Null counts as met: missing values are other rules' business."""
    meaning: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an entity: the single place for its type, unit, limits and meaning."""

    name: str
    kind: Kind
    meaning: str
    unit: str | None = None
    required: bool = False
    allowed: tuple[str, ...] = ()
    minimum: str | None = None
    maximum: str | None = None
    """Inclusive limits, written as SQL literals of the column's type."""
    derived: str | None = None
    """SQL over the landed columns, for a column that is computed on read and never stored."""

    def rules(self) -> list[Rule]:
        """The rules that follow from this column alone."""
        name = quote_name(self.name)
        found = []
        if self.required:
            found.append(Rule(f"{self.name}_missing", f"{name} is not null", f"`{self.name}` has a value."))
        if self.allowed:
            # not "in (...)": the engine turns a longer list into a join, which is slower and loses row order
            cases = " ".join(f"when {quote_text(value)} then true" for value in self.allowed)
            condition = f"{name} is null or case {name} {cases} else false end"
            found.append(
                Rule(f"{self.name}_unknown", condition, f"`{self.name}` is one of the allowed values.")
            )
        if self.minimum is not None or self.maximum is not None:
            found.append(
                Rule(f"{self.name}_out_of_range", self._range(), f"`{self.name}` lies within its limits.")
            )
        return found

    def _range(self) -> str:
        name = quote_name(self.name)
        limits = [(">=", self.minimum), ("<=", self.maximum)]
        return " and ".join(
            f"{name} {sign} {quote_text(limit)}::{self.kind.sql_type}"
            for sign, limit in limits
            if limit is not None
        )


@dataclass(frozen=True, slots=True)
class Entity:
    """One canonical entity: its grain, its key and everything known about its columns."""

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    time_column: str | None = None
    """The column that says when a row happened; used to find files that may hold the same rows."""
    rules: tuple[Rule, ...] = field(default=())

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError(f"{self.name}: two columns share a name")
        unknown = {*self.key, *filter(None, [self.time_column])} - set(names)
        if unknown:
            raise ValueError(f"{self.name}: no such column: {sorted(unknown)}")

    @property
    def stored_columns(self) -> tuple[Column, ...]:
        """The columns that are stored in the lake."""
        return tuple(column for column in self.columns if column.derived is None)

    @property
    def derived_columns(self) -> tuple[Column, ...]:
        """The columns that are computed on read."""
        return tuple(column for column in self.columns if column.derived is not None)

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises:
            KeyError: there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def all_rules(self) -> list[Rule]:
        """Every rule an accepted row meets, the entity's own last."""
        return [rule for column in self.stored_columns for rule in column.rules()] + list(self.rules)
