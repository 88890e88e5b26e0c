"""Building blocks of a contract: columns, rules, and the entity that they belong to."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from shopwright.core.sql import quote_name, quote_text

if TYPE_CHECKING:
    from collections.abc import Collection


class Kind(StrEnum):
    """Type of a column's values."""

    TEXT = "text"
    ID = "id"
    """What the source names something by: a text, whatever it looks like."""
    PERSON_ID = "person id"
    ORDER_ID = "order id"
    """Number of an order, which belongs to its source: two sources may both begin at 1001."""
    TIMESTAMP = "timestamp"
    MONEY = "money"
    PRICE = "price"
    """An amount of one unit, or a rate: finer than money, so that it can be multiplied before anything is rounded."""
    QUANTITY = "quantity"
    CURRENCY = "currency"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    JSON = "json"

    @property
    def is_text(self) -> bool:
        """Whether every text is a value."""
        return self.is_id or self in (Kind.TEXT, Kind.CURRENCY, Kind.JSON)

    @property
    def is_id(self) -> bool:
        """Whether values name something."""
        return self in (Kind.ID, Kind.PERSON_ID, Kind.ORDER_ID)

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
    Kind.ID: "VARCHAR",
    Kind.PERSON_ID: "VARCHAR",
    Kind.ORDER_ID: "VARCHAR",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.MONEY: "DECIMAL(18,4)",
    Kind.PRICE: "DECIMAL(38,18)",
    Kind.QUANTITY: "DECIMAL(18,6)",
    Kind.CURRENCY: "VARCHAR",
    Kind.NUMBER: "DOUBLE",
    Kind.INTEGER: "BIGINT",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.JSON: "VARCHAR",
}

_LAKE_TYPES = {
    Kind.TEXT: "string",
    Kind.ID: "string",
    Kind.PERSON_ID: "string",
    Kind.ORDER_ID: "string",
    Kind.TIMESTAMP: "timestamp",
    Kind.MONEY: "decimal(18,4)",
    Kind.PRICE: "decimal(38,18)",
    Kind.QUANTITY: "decimal(18,6)",
    Kind.CURRENCY: "string",
    Kind.NUMBER: "double",
    Kind.INTEGER: "long",
    Kind.BOOLEAN: "boolean",
    Kind.JSON: "string",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition that every accepted row meets; a row that breaks it is quarantined under the rule's name."""

    name: str
    condition: str
    """SQL condition over the typed columns. Null counts as met, since missing values are the subject of other rules."""
    meaning: str
    follows: tuple[str, ...] = ()
    """Columns whose own faults explain this one, which is then not reported beside them."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an entity, and the only definition of its type, unit, limits and meaning."""

    name: str
    kind: Kind
    meaning: str
    unit: str | None = None
    required: bool = False
    allowed: tuple[str, ...] = ()
    fallback: str | None = None
    """The allowed value that any other one becomes; without it a row with another value is quarantined."""
    minimum: str | None = None
    maximum: str | None = None
    """Inclusive limits, as SQL literals of the column's type."""
    derived: str | None = None
    """SQL over the stored columns, for a column that is computed on read and never stored."""
    scale: str = "1"
    """SQL of what the limits are multiplied by, such as the order of magnitude of the row's currency."""
    is_personal: bool = False
    """Whether values may say who somebody is, alone or with others: what a source may want to drop or hash."""

    def rules(self) -> list[Rule]:
        """Return the rules that follow from this column alone."""
        name = quote_name(self.name)
        rules = []
        if self.required:
            rules.append(Rule(f"{self.name}_missing", f"{name} is not null", f"`{self.name}` has a value."))
        if self.allowed and self.fallback is None:
            # not "in (...)": the engine turns a longer list into a join, which is slower and loses row order
            cases = " ".join(f"when {quote_text(value)} then true" for value in self.allowed)
            condition = f"{name} is null or case {name} {cases} else false end"
            rules.append(
                Rule(f"{self.name}_unknown", condition, f"`{self.name}` is one of the allowed values.")
            )
        if self.kind is Kind.CURRENCY:
            condition = f"{name} is null or regexp_full_match({name}, '[A-Z]{{3}}')"
            rules.append(
                Rule(f"{self.name}_unknown", condition, f"`{self.name}` has the form of an ISO 4217 code.")
            )
        if self.minimum is not None or self.maximum is not None:
            rules.append(
                Rule(f"{self.name}_out_of_range", self._range(), f"`{self.name}` is within its limits.")
            )
        return rules

    def _range(self) -> str:
        name = quote_name(self.name)
        limits = [(">=", self.minimum), ("<=", self.maximum)]
        stated = [(sign, limit) for sign, limit in limits if limit is not None]
        within = " and ".join(
            f"{name} {sign} {quote_text(limit)}::{self.kind.sql_type}" for sign, limit in stated
        )
        if self.scale == "1":
            return within
        # few amounts are beyond the plain limits, so that the currency of most is never looked at
        scaled = " and ".join(
            f"{name} {sign} {quote_text(limit)}::decimal(18,4) * ({self.scale})" for sign, limit in stated
        )
        return f"({within}) or ({scaled})"


@dataclass(frozen=True, slots=True)
class Entity:
    """One canonical entity: its grain, its key and its columns."""

    name: str
    grain: str
    """What one row is."""
    key: tuple[str, ...]
    """Columns that together identify a row; a later row with the same key replaces an earlier one."""
    columns: tuple[Column, ...]
    time_column: str | None = None
    """The column with the time of a row; used to find files that may have the same rows."""
    rules: tuple[Rule, ...] = field(default=())
    identifying: tuple[str, ...] = ()
    """Texts of which a rule requires at least one."""
    optional_key: str | None = None
    """Stored column without which a row has no key, and is known by its content alone; None where every row has one."""
    is_list: bool = False
    """Whether all rows are known by their content alone, since several of them may share the key."""

    whole: str | None = None
    """Column that names the whole of which rows are parts, such as the order of a line: a newer statement of all its
    parts replaces an older one."""

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError(f"{self.name}: two columns share a name")
        unknown = {*self.key, *filter(None, [self.time_column, self.optional_key, self.whole])} - set(names)
        if unknown:
            raise ValueError(f"{self.name}: no such column: {sorted(unknown)}")

    @property
    def stored_columns(self) -> tuple[Column, ...]:
        """Columns that are stored in the lake."""
        return tuple(column for column in self.columns if column.derived is None)

    @property
    def stored_key(self) -> tuple[str, ...]:
        """Stored columns that a later row shares with the one that it replaces."""
        stored = [name for name in self.key if self.column(name).derived is None]
        return tuple(dict.fromkeys([*stored, *filter(None, [self.optional_key])]))

    def is_keyed(self, filled: Collection[str]) -> bool:
        """Return whether rows can have a key if only these columns are filled."""
        return not self.is_list and (self.optional_key is None or self.optional_key in filled)

    @property
    def may_lack_key(self) -> bool:
        """Whether rows can be without a key."""
        return self.is_list or self.optional_key is not None

    @property
    def derived_columns(self) -> tuple[Column, ...]:
        """Columns that are computed on read."""
        return tuple(column for column in self.columns if column.derived is not None)

    def needs_text(self, column: Column) -> bool:
        """Return whether a column is a text that a row must have, alone or as one of several."""
        return (column.kind is Kind.TEXT or column.kind.is_id) and (
            column.required or column.name in self.identifying
        )

    def column(self, name: str) -> Column:
        """Return the column with this name.

        Raises:
            KeyError: there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def all_rules(self) -> list[Rule]:
        """Return every rule that an accepted row meets; those of single columns come first."""
        return [rule for column in self.stored_columns for rule in column.rules()] + list(self.rules)
