"""What a report is: a named table over gold, its columns, and what it may be narrowed to."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from shopwright.core.errors import ConfigurationError, near_match

Unit = Literal["share", "money", "count", "number", "seconds", "days", "text", "date", "time"]
"""What a column's values are: a share is from 0 to 1, money in the shop's currency, a time in UTC."""

FILTERS = ("first", "last", "device", "channel", "category", "experiment")
"""Names of all filters, as ``Filters``, the API and the command line know them."""

OF_ORDERS = ("orders", "order_items", "events")
"""Entities of reports on orders: in one shop the first two bring them, in another the last."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a report."""

    name: str
    meaning: str
    unit: Unit


@dataclass(frozen=True, slots=True)
class Filters:
    """What a report is narrowed to; nothing where not given."""

    first: date | None = None
    """First date, in the shop's zone."""
    last: date | None = None
    """Last date, itself included."""
    device: str | None = None
    channel: str | None = None
    category: str | None = None
    experiment: str | None = None
    """``NAME:VARIANT`` of an experiment whose units are users, or a group of the shop's own scheme."""

    def __post_init__(self) -> None:
        if self.first and self.last and self.first > self.last:
            raise ConfigurationError(f"the first date, {self.first}, is after the last, {self.last}")

    @property
    def given(self) -> dict[str, Any]:
        """The filters that narrow anything, by name."""
        return {name: value for name in FILTERS if (value := getattr(self, name)) is not None}

    def only(self, names: tuple[str, ...]) -> Filters:
        """These filters without those that are not named."""
        return Filters(**{name: value for name, value in self.given.items() if name in names})


@dataclass(frozen=True, slots=True)
class Scope:
    """What one table calls the things that are filtered by; empty where it does not know them."""

    day: str = ""
    device: str = ""
    channel: str = ""
    category: str = ""
    group: str = ""
    """The group of the shop's own scheme."""
    user: str = ""
    """The user, who may be a unit of an experiment."""
    otherwise: str = ""
    """What holds where no category is chosen: of tables that hold the whole beside its parts."""
    of_visit: bool = False
    """Whether device, channel and group are those of the visit that bought: orders that a shop states name none."""

    @property
    def filters(self) -> tuple[str, ...]:
        """The filters it knows."""
        known = (self.day, self.day, self.device, self.channel, self.category, self.user)
        return tuple(name for name, expression in zip(FILTERS, known, strict=True) if expression)

    def condition(self, filters: Filters) -> str:
        """A condition in SQL; the values are parameters of the filters' names."""
        given = filters.given
        parts = [f"{self.day} {sign} ${name}" for name, sign in _BOUNDS.items() if name in given]
        parts += [f"{getattr(self, name)} = ${name}" for name in _EQUAL if name in given]
        if "experiment" in given:
            parts.append(
                _UNITS.format(user=self.user) if ":" in given["experiment"] else f"{self.group} = $experiment"
            )
        if self.otherwise and "category" not in given:
            parts.append(self.otherwise)
        return " and ".join(parts) or "true"


_BOUNDS = {"first": ">=", "last": "<="}
_EQUAL = ("device", "channel", "category")
_UNITS = """{user} in (
        select unit_id from gold.fct_experiment_units
        where experiment = split_part($experiment, ':', 1) and variant = split_part($experiment, ':', 2)
    )"""


@dataclass(frozen=True, slots=True)
class Report:
    """A named table that people and the API read; defined once, so that its numbers are equal everywhere."""

    name: str
    title: str
    definition: str
    """What exactly is counted: bots, canceled orders and returns included."""
    needs: tuple[str, ...]
    """Gold tables that must hold rows."""
    columns: tuple[Column, ...]
    sql: str
    """The query; ``{scope}`` stands for the condition that the filters make of the scope of that name."""
    scopes: dict[str, Scope] = field(default_factory=dict)
    kind: str = ""
    """Condition on the first needed table that some row must fulfil, where rows alone are not enough."""
    lacks: str = ""
    """What a shop lacks in which no row fulfils it."""
    entities: tuple[str, ...] = ()
    """Entities of the lake whose newest moment is that of the data; all where not given."""

    @property
    def filters(self) -> tuple[str, ...]:
        """The filters it takes: those that each of its tables knows."""
        known = [set(scope.filters) for scope in self.scopes.values()]
        return tuple(name for name in FILTERS if known and all(name in each for each in known))

    def check(self, filters: Filters) -> None:
        """See that the report takes these filters.

        Raises:
            ConfigurationError: it does not take one of them.
        """
        for name in filters.given:
            if name not in self.filters:
                takes = f"takes {', '.join(self.filters)}" if self.filters else "takes none"
                raise ConfigurationError(f"report '{self.name}' cannot be filtered by {name}: it {takes}")

        if not self._takes_group and _is_group(filters):
            raise ConfigurationError(
                f"report '{self.name}' cannot be filtered by a group of the shop's own scheme: its orders name none"
            )

    def in_shop(self, *, states_orders: bool) -> Report:
        """It as it stands in a shop: whether orders are stated decides what they know and what brings them."""
        entities = self.entities
        if entities == OF_ORDERS:
            entities = OF_ORDERS[:2] if states_orders else OF_ORDERS[2:]
        scopes = {
            name: replace(scope, device="", channel="", group="")
            if states_orders and scope.of_visit
            else scope
            for name, scope in self.scopes.items()
        }
        return replace(self, scopes=scopes, entities=entities)

    def taken(self, filters: Filters) -> Filters:
        """Those of the filters that it takes."""
        found = filters.only(self.filters)
        return replace(found, experiment=None) if _is_group(found) and not self._takes_group else found

    @property
    def _takes_group(self) -> bool:
        return all(scope.group for scope in self.scopes.values())

    def described(self) -> dict[str, Any]:
        """What it is, for machines."""
        return {
            "name": self.name,
            "title": self.title,
            "definition": self.definition,
            "filters": list(self.filters),
            "columns": [asdict(column) for column in self.columns],
        }


def _is_group(filters: Filters) -> bool:
    return filters.experiment is not None and ":" not in filters.experiment


@dataclass(frozen=True, slots=True)
class Freshness:
    """How new the numbers are."""

    data_until: datetime | None
    """Newest moment in the data, UTC; None where its source states no times."""
    built_at: datetime | None
    """When the warehouse was built, UTC."""
    scored_through: date | None = None
    """Last day that a model's scores know, which a build does not move on; None where a report reads no scores."""


@dataclass(frozen=True, slots=True)
class Health:
    """Data tests of the last build on the tables that a report reads."""

    passed: int
    warned: int
    """Tests that found something doubtful but usable; failing ones would have kept the build from readers."""


@dataclass(frozen=True, slots=True)
class Table:
    """A report read from a shop."""

    report: Report
    filters: Filters
    rows: list[tuple[Any, ...]]
    """Values in the order of the report's columns; None where undefined."""
    currency: str
    freshness: Freshness
    health: Health

    def column(self, name: str) -> list[Any]:
        """The values of a column.

        Raises:
            ConfigurationError: there is no such column.
        """
        names = [column.name for column in self.report.columns]
        if name not in names:
            raise ConfigurationError(
                f"report '{self.report.name}' has no column '{name}'{near_match(name, names)}"
            )
        place = names.index(name)
        return [row[place] for row in self.rows]

    def records(self) -> list[dict[str, Any]]:
        """Its rows by column name, with money as numbers and times as ISO 8601 text: plain values for JSON."""
        names = [column.name for column in self.report.columns]
        return [dict(zip(names, map(_plain, row), strict=True)) for row in self.rows]

    def document(self) -> dict[str, Any]:
        """Everything, as plain values for JSON."""
        return {
            **self.report.described(),
            "filtered_by": {name: _plain(value) for name, value in self.filters.given.items()},
            "currency": self.currency,
            "data_until": _plain(self.freshness.data_until),
            "built_at": _plain(self.freshness.built_at),
            "scored_through": _plain(self.freshness.scored_through),
            "data_tests": asdict(self.health),
            "row_count": len(self.rows),
            "rows": self.records(),
        }


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    return value
