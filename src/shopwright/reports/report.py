"""What a report is: a named table over gold, its columns, and the filters it accepts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Literal

from shopwright.core.errors import ConfigurationError, near_match

if TYPE_CHECKING:
    from collections.abc import Sequence

Unit = Literal["share", "money", "count", "number", "seconds", "days", "text", "date", "time"]
"""Unit of a column's values: a share is from 0 to 1, money in the shop's currency, a time in UTC."""

Statement = Literal["", "orders", "carts", "purchases"]
"""What only some shops state: orders of their own, with discounts, returns and cancellations; sessions with a cart or a
purchase."""

FILTERS = ("first", "last", "device", "channel", "category", "experiment")
"""Names of all filters in ``Filters``, the API and the command line."""

ORDER_ENTITIES = ("orders", "order_items", "events")
"""Entities behind reports on orders: the first two in a shop that states its orders, else the last one."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a report."""

    name: str
    meaning: str
    unit: Unit
    label: str = ""
    """Heading on pages, where it is not the name itself."""
    stated_by: Statement = ""
    """What the shop must state at all for the column to be known: without it, the column is undefined, not 0."""

    @property
    def heading(self) -> str:
        """The column's heading on pages; what its ending says about the unit is left out.

        Example:
            >>> [
            ...     Column(name, "", "share").heading
            ...     for name in ("view_to_cart_rate", "order_count", "median_duration_seconds")
            ... ]
            ['View to cart rate', 'Orders', 'Median duration']
        """
        if self.label:
            return self.label
        name = self.name.removesuffix("_seconds")
        if name.count("_") > 1:
            name = name.removesuffix("_amount")
        if name.endswith("_count"):
            name = f"{name.removesuffix('_count')}s"
        return name.replace("_", " ").capitalize()


@dataclass(frozen=True, slots=True)
class Filters:
    """Restrictions on what a report counts; None does not restrict."""

    first: date | None = None
    """First date, in the shop's time zone."""
    last: date | None = None
    """Last date, inclusive."""
    device: str | None = None
    channel: str | None = None
    category: str | None = None
    experiment: str | None = None
    """``NAME:VARIANT`` of an experiment whose units are users, or a group of the shop's own scheme."""

    def __post_init__(self) -> None:
        if self.first and self.last and self.first > self.last:
            raise ConfigurationError(f"the first date, {self.first}, is after the last, {self.last}")

    @property
    def active(self) -> dict[str, Any]:
        """Values of the filters that restrict anything, by name."""
        return {name: value for name in FILTERS if (value := getattr(self, name)) is not None}

    def select(self, names: Sequence[str]) -> Filters:
        """Return these filters without those that are not named."""
        return Filters(**{name: value for name, value in self.active.items() if name in names})


@dataclass(frozen=True, slots=True)
class FilterColumns:
    """SQL expressions that the filters apply to in one table; an empty one means that the table cannot be filtered by it."""

    day: str = ""
    device: str = ""
    channel: str = ""
    category: str = ""
    group: str = ""
    """Group of the shop's own experiment scheme."""
    user: str = ""
    """User, who may be a unit of an experiment."""
    default_condition: str = ""
    """Condition where no category is selected, for tables that hold the total beside its categories."""
    is_of_session: bool = False
    """Whether device, channel and group are those of the session that bought: orders that a shop states have none."""

    @property
    def filters(self) -> tuple[str, ...]:
        """Names of the filters that it supports."""
        expressions = (self.day, self.day, self.device, self.channel, self.category, self.user)
        return tuple(name for name, expression in zip(FILTERS, expressions, strict=True) if expression)

    def condition(self, filters: Filters) -> str:
        """Return the filters as a SQL condition whose parameters have the names of the filters."""
        active = filters.active
        conditions = [
            f"{self.day} {operator} ${name}" for name, operator in _BOUNDS.items() if name in active
        ]
        conditions += [f"{getattr(self, name)} = ${name}" for name in _EQUALITIES if name in active]
        if "experiment" in active:
            conditions.append(
                _EXPERIMENT_UNITS.format(user=self.user)
                if ":" in active["experiment"]
                else f"{self.group} = $experiment"
            )
        if self.default_condition and "category" not in active:
            conditions.append(self.default_condition)
        return " and ".join(conditions) or "true"


_BOUNDS = {"first": ">=", "last": "<="}
_EQUALITIES = ("device", "channel", "category")
_EXPERIMENT_UNITS = """{user} in (
        select unit_id from gold.fct_experiment_units
        where experiment = split_part($experiment, ':', 1) and variant = split_part($experiment, ':', 2)
    )"""


@dataclass(frozen=True, slots=True)
class Report:
    """A named table for the app, the API and the command line; defined once, so that its numbers are equal everywhere."""

    name: str
    title: str
    definition: str
    """What exactly is counted: bots, canceled orders and returns included."""
    requires: tuple[str, ...]
    """Gold tables that must hold rows."""
    columns: tuple[Column, ...]
    sql: str
    """Query whose output columns have the names of ``columns``, in the same order; ``{name}`` stands for the condition
    that the filters make of the filter columns of that name."""
    filter_columns: dict[str, FilterColumns] = field(default_factory=dict)
    row_condition: str = ""
    """Condition that some row of the first required table must meet, where any row is not enough."""
    no_rows_reason: str = ""
    """Why a shop has no such row."""
    entities: tuple[str, ...] = ()
    """Entities of the lake whose newest timestamp is that of the report's data; empty for all."""

    @property
    def filters(self) -> tuple[str, ...]:
        """Names of the filters that it accepts: those that each of its tables supports."""
        supported = [set(columns.filters) for columns in self.filter_columns.values()]
        return tuple(name for name in FILTERS if supported and all(name in names for names in supported))

    def check_filters(self, filters: Filters) -> None:
        """Check that the report accepts these filters.

        Raises:
            ConfigurationError: it does not accept one of them.
        """
        for name in filters.active:
            if name not in self.filters:
                accepted = f"it accepts {', '.join(self.filters)}" if self.filters else "it has no filters"
                raise ConfigurationError(f"report '{self.name}' cannot be filtered by {name}: {accepted}")

        if not self._accepts_group and _is_group(filters):
            raise ConfigurationError(
                f"report '{self.name}' cannot be filtered by a group of the shop's own scheme: its orders have none"
            )

    def check_column_names(self, names: Sequence[str]) -> None:
        """Check the output columns of the query, as the cursor describes them.

        Raises:
            ValueError: a name differs from the declared one, or there are more or fewer of them: the report is wrong.
        """
        declared = [column.name for column in self.columns]
        for index, (expected, actual) in enumerate(zip_longest(declared, names)):
            if expected != actual:
                raise ValueError(
                    f"report '{self.name}', column {index + 1}: declared as '{expected}', but its SQL returns '{actual}'"
                )

    def for_shop(self, *, states_orders: bool) -> Report:
        """Return the report as a shop can answer it: stated orders have no session, derived ones come from events."""
        entities = self.entities
        if entities == ORDER_ENTITIES:
            entities = ORDER_ENTITIES[:2] if states_orders else ORDER_ENTITIES[2:]
        filter_columns = {
            name: replace(columns, device="", channel="", group="")
            if states_orders and columns.is_of_session
            else columns
            for name, columns in self.filter_columns.items()
        }
        return replace(self, filter_columns=filter_columns, entities=entities)

    def applicable_filters(self, filters: Filters) -> Filters:
        """Return the filters without those that the report does not accept."""
        applicable = filters.select(self.filters)
        if _is_group(applicable) and not self._accepts_group:
            return replace(applicable, experiment=None)
        return applicable

    @property
    def _accepts_group(self) -> bool:
        return all(columns.group for columns in self.filter_columns.values())

    def to_dict(self) -> dict[str, Any]:
        """Return its description as plain values for JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "definition": self.definition,
            "filters": list(self.filters),
            "columns": [
                {"name": column.name, "meaning": column.meaning, "unit": column.unit}
                for column in self.columns
            ],
        }


def _is_group(filters: Filters) -> bool:
    return filters.experiment is not None and ":" not in filters.experiment


@dataclass(frozen=True, slots=True)
class Freshness:
    """Age of the numbers in a report."""

    data_until: datetime | None
    """Newest timestamp in the data, UTC; None where its source has no timestamps."""
    built_at: datetime | None
    """Time of the last build, UTC."""
    scored_through: date | None = None
    """Last day of data behind a model's scores, which a build does not advance; None where a report reads no scores."""


@dataclass(frozen=True, slots=True)
class DataTestCounts:
    """Results of the last build's data tests on the tables that a report reads."""

    passed: int
    warned: int
    """Tests that found something doubtful but usable; a failing test prevents publication."""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a report in a shop."""

    report: Report
    filters: Filters
    rows: list[tuple[Any, ...]]
    """Values in the order of the report's columns; None where undefined."""
    currency: str
    freshness: Freshness
    data_tests: DataTestCounts

    def column(self, name: str) -> list[Any]:
        """Return the values of a column.

        Raises:
            ConfigurationError: unknown column.
        """
        index = self._index(name)
        return [row[index] for row in self.rows]

    def heading(self, name: str) -> str:
        """Return the heading of a column.

        Raises:
            ConfigurationError: unknown column.
        """
        return self.report.columns[self._index(name)].heading

    def unit(self, name: str) -> Unit:
        """Return the unit of a column.

        Raises:
            ConfigurationError: unknown column.
        """
        return self.report.columns[self._index(name)].unit

    def _index(self, name: str) -> int:
        names = [column.name for column in self.report.columns]
        if name not in names:
            raise ConfigurationError(
                f"report '{self.report.name}' has no column '{name}'{near_match(name, names)}"
            )
        return names.index(name)

    def records(self) -> list[dict[str, Any]]:
        """Return the rows by column name as plain values for JSON: money as numbers, times as ISO 8601 text."""
        names = [column.name for column in self.report.columns]
        return [dict(zip(names, map(_to_json, row), strict=True)) for row in self.rows]

    def to_dict(self) -> dict[str, Any]:
        """Return description, filters, freshness and rows as plain values for JSON."""
        return {
            **self.report.to_dict(),
            "filtered_by": {name: _to_json(value) for name, value in self.filters.active.items()},
            "currency": self.currency,
            "data_until": _to_json(self.freshness.data_until),
            "built_at": _to_json(self.freshness.built_at),
            "scored_through": _to_json(self.freshness.scored_through),
            "data_tests": asdict(self.data_tests),
            "row_count": len(self.rows),
            "rows": self.records(),
        }


def _to_json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    return value
