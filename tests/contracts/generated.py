"""Rows drawn from the contract itself: each column absent, unset, at a limit, just beyond it, or ordinary."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, localcontext
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shopwright.contracts import BY_NAME, Column, Entity
from shopwright.contracts.events import MAX_TIMESTAMP, MIN_TIMESTAMP
from shopwright.contracts.schema import Kind
from shopwright.core.currencies import magnitude

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")

MARK = "mark"
"""A field of each row that no entity has: its value names the row, wherever it goes."""

COUNTS = {
    "orders": 90,
    "order_items": 180,
    "payments": 80,
    "refunds": 60,
    "reviews": 40,
    "events": 260,
    "customers": 40,
    "consents": 30,
    "products": 40,
    "exchange_rates": 50,
    "exposures": 40,
    "categories": 10,
    "sellers": 12,
    "places": 15,
    "competitor_prices": 15,
}
"""Rows of each entity in one shop."""

NAMES = {
    "order_id": ("o", 60),
    "customer_id": ("c", 12),
    "user_id": ("c", 12),
    "unit_id": ("c", 12),
    "person_id": ("c", 12),
    "visitor_id": ("v", 8),
    "product_id": ("p", 9),
    "seller_id": ("s", 4),
    "category": ("k", 4),
    "zip_prefix": ("z", 5),
    "source_event_id": ("e", 300),
    "review_id": ("r", 30),
    "refund_id": ("f", 20),
    "experiment": ("x", 1),
    "variant": ("control", 2),
}
"""Beginning and number of the values of columns that rows of several entities, or several rows, share."""

TEXTS = (
    "Müller & Söhne",
    'the "best" \\ one',
    "it's; --",
    "🎁\u202e",
    "(all)",
    "(unknown)",
    "x" * 300,
    "0",
    "-",
)
IDS = ("a-1", "00012", "Ünï", "12345678901234567890", "a b:c")
STATUSES = ("paid", "Delivered", "canceled", "refunded", "voided", "gift card", "something else")
MOMENTS = tuple(
    datetime(2024, 2, 27, 23, 50) + timedelta(minutes=minutes)  # noqa: DTZ001  # naive UTC, as everywhere
    for minutes in (0, 1, 5, 29, 60, 600, 1_440, 2_000, 3_000, 4_321, 300_000, 525_600)
)
"""Times near one another, so that events meet in sessions and orders find rates."""

PLACES = ("absent", "unset", "minimum", "maximum", *["ordinary"] * 5)
"""Where in its range a value lies; most are ordinary, so that a row is not all limits."""
LOWEST, HIGHEST = (*PLACES, *["minimum"] * 20), (*PLACES, *["maximum"] * 20)
"""The same for a row of which almost all values are at their limits, as only they multiply and add up to what overflows."""

ORDINARY: dict[Kind, tuple[str, ...]] = {
    Kind.TEXT: TEXTS,
    **dict.fromkeys((Kind.ID, Kind.PERSON_ID, Kind.ORDER_ID), IDS),
    Kind.TIMESTAMP: tuple(
        text for moment in MOMENTS for text in (moment.isoformat(sep=" ") + "Z", moment.date().isoformat())
    ),
    Kind.MONEY: ("0", "0.01", "9.90", "19.9999", "1250"),
    Kind.PRICE: ("0.000000000001", "0.123456789012345678", "1", "7.25"),
    Kind.QUANTITY: ("1", "2", "-1", "0.000001", "0", "1.5"),
    Kind.CURRENCY: ("GBP", "jpy", "IRR", "USD"),
    Kind.NUMBER: ("0", "-12.5", "48.137154"),
    Kind.INTEGER: ("1", "2", "3", "4"),
    Kind.BOOLEAN: ("true", "false"),
}
"""Values between the limits, by kind."""

ROWS_OF_EXAMPLE = 20
"""Rows that are drawn at once; Hypothesis makes many an example a variation of the one before."""

SMALLEST = {Kind.MONEY: Decimal("0.0001"), Kind.PRICE: Decimal("1e-18"), Kind.QUANTITY: Decimal("0.000001")}


@dataclass(frozen=True, slots=True)
class ShopSettings:
    """Settings that the limits of a shop's rows depend on."""

    currency: str
    timezone: str = "UTC"

    @property
    def earliest(self) -> datetime:
        """The first moment that the contract accepts, naive UTC."""
        start = datetime.combine(date(1970, 1, 1), time(), ZoneInfo(self.timezone))
        return max(start.astimezone(UTC).replace(tzinfo=None), datetime.fromisoformat(MIN_TIMESTAMP))

    @property
    def latest(self) -> datetime:
        """The last one."""
        day = datetime.fromisoformat(MAX_TIMESTAMP).date()
        end = datetime.combine(day, time(23, 59, 59), ZoneInfo(self.timezone))
        return end.astimezone(UTC).replace(tzinfo=None)

    def scale(self, values: Mapping[str, Any]) -> int:
        """Return what limits of amounts are multiplied by in a row."""
        return magnitude(str(values.get("currency") or self.currency).strip().upper())


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """One row as a source writes it, and what the rules of single columns say of it."""

    entity: str
    values: dict[str, Any]
    """Texts by column; None where the source writes null."""
    faults: frozenset[str] = frozenset()
    """Rules that the row breaks because of one value alone."""

    @property
    def mark(self) -> str:
        """Name of the row."""
        return str(self.values[MARK])


@st.composite
def rows_of(draw: st.DrawFn, entity: Entity, shop: ShopSettings) -> DrawnRow:
    """Draw a row of an entity: some have a value that its column does not accept, some are at all limits at once."""
    columns = [column for column in entity.stored_columns if column.kind is not Kind.JSON]
    columns.sort(key=lambda column: column.kind is not Kind.CURRENCY)  # the limits of amounts follow it
    spoilt = draw(_one_of(columns)) if draw(_one_of((False, False, False, True))) else None
    places = draw(_one_of((PLACES, PLACES, PLACES, LOWEST, HIGHEST)))
    values: dict[str, Any] = {}
    faults: frozenset[str] = frozenset()
    for column in columns:
        refused = _refused(entity, column, shop, values) if column is spoilt else ()
        if refused:
            value, faults = draw(_one_of(refused))
        else:
            possible = [place for place in places if not (column.required and place in ("absent", "unset"))]
            place = draw(_one_of(possible))
            value = draw(_one_of(_values_at(place, entity, column, shop, values)))
        if value is not _ABSENT:
            values[column.name] = value
    return DrawnRow(entity.name, values, faults)


def draw_many(strategy: st.SearchStrategy[T], count: int) -> list[T]:
    """Return many values of a strategy: a shop has hundreds of rows, and one example never holds that much.

    The first example is the simplest one, of equal values, and left out.
    """
    drawn: list[list[T]] = []

    @settings(
        max_examples=-(-count // ROWS_OF_EXAMPLE) + 1,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(strategy, min_size=ROWS_OF_EXAMPLE, max_size=ROWS_OF_EXAMPLE))
    def collect(example: list[T]) -> None:
        drawn.append(example)

    collect()
    return [value for example in drawn[1:] for value in example][:count]


def draw_shop(shop: ShopSettings, *, counts: Mapping[str, int] = COUNTS) -> dict[str, list[DrawnRow]]:
    """Return rows by entity, each with a name of its own."""
    return {
        name: [
            replace(row, values={**row.values, MARK: f"{name}-{number}"})
            for number, row in enumerate(draw_many(rows_of(BY_NAME[name], shop), count), start=1)
        ]
        for name, count in counts.items()
    }


_ABSENT = object()


def _one_of(values: Sequence[T]) -> st.SearchStrategy[T]:
    return _sampled(tuple(values))


@cache
def _sampled(values: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    # most of the time of a draw would go into making strategies
    return st.sampled_from(values)


def _values_at(
    place: str, entity: Entity, column: Column, shop: ShopSettings, values: Mapping[str, Any]
) -> Sequence[Any]:
    """Return the values at a place of a column's range; columns without limits have ordinary ones there."""
    if place == "absent":
        return (_ABSENT,)
    if place == "unset":
        return (None, "", "0000-00-00") if column.kind is Kind.TIMESTAMP else (None, "")
    limits = _limits(column, shop, values)
    is_ahead = place == "maximum" and column.name == entity.time_column
    if place == "ordinary" or limits is None or is_ahead:
        return _ordinary(entity, column, shop)
    return (_format(limits[place == "maximum"]),)


def _limits(
    column: Column, shop: ShopSettings, values: Mapping[str, Any]
) -> tuple[datetime, datetime] | tuple[Decimal, Decimal] | None:
    if column.kind is Kind.TIMESTAMP:
        return shop.earliest, shop.latest
    if column.kind is Kind.INTEGER:
        return Decimal(column.minimum or -(2**63)), Decimal(column.maximum or 2**63 - 1)
    if column.minimum is None or column.maximum is None:
        return None
    scale = shop.scale(values) if column.unit == "`currency`" else 1
    return Decimal(column.minimum) * scale, Decimal(column.maximum) * scale


def _refused(
    entity: Entity, column: Column, shop: ShopSettings, values: Mapping[str, Any]
) -> list[tuple[Any, frozenset[str]]]:
    """Return values that rules of their column refuse, with the names of the rules."""
    name = column.name
    wrong: list[tuple[Any, frozenset[str]]] = []
    if column.required and not _is_filled_in(column, values):
        wrong += [(value, frozenset({f"{name}_missing"})) for value in (_ABSENT, None, "")]
    if (column.allowed and column.fallback is None) or column.kind is Kind.CURRENCY:
        wrong.append(("other", frozenset({f"{name}_unknown"})))
    if not column.kind.is_text:
        wrong.append(("1_0", frozenset({f"{name}_unreadable"})))
    limits = _limits(column, shop, values)
    return wrong + (_beyond(entity, column, *limits) if limits else [])


def _is_filled_in(column: Column, values: Mapping[str, Any]) -> bool:
    """Return whether a value that a source leaves out is filled in: a line of no goods is one piece."""
    return column.name == "quantity" and values.get("kind") not in (None, "sale", "return", "gift_card")


def _beyond(entity: Entity, column: Column, low: Any, high: Any) -> list[tuple[Any, frozenset[str]]]:
    """Return the values just beyond the limits, with the rules that refuse them."""
    with localcontext(prec=60):
        if column.kind is Kind.TIMESTAMP:  # the second before the first one means that a time is not set
            lower, higher = _format(low - timedelta(seconds=2)), _format(high + timedelta(seconds=1))
        else:
            step = SMALLEST.get(column.kind, Decimal(1))
            lower, higher = _format(low - step), _format(high + step)
    outside = frozenset({f"{column.name}_out_of_range"})
    unreadable = frozenset({f"{column.name}_unreadable"})
    if column.name == entity.time_column:
        ahead = frozenset({f"{column.name}_in_future"})
        return [(lower, outside), (_format(high), ahead), (higher, outside | ahead)]
    if column.kind is Kind.INTEGER:
        return [
            (value, outside if limit else unreadable)
            for value, limit in ((lower, column.minimum), (higher, column.maximum))
        ]
    return [(lower, outside), (higher, outside)]


def _format(value: datetime | Decimal) -> str:
    return value.isoformat(sep=" ") + "Z" if isinstance(value, datetime) else f"{value:f}"


def _ordinary(entity: Entity, column: Column, shop: ShopSettings) -> Sequence[Any]:
    if column.name in NAMES:
        beginning, count = NAMES[column.name]
        return [f"{beginning}{number}" for number in range(1, count + 1)]
    if column.allowed:
        return column.allowed
    if column.name in ("status", "method"):
        return STATUSES
    if column.kind is Kind.CURRENCY and entity.name != "exchange_rates":
        return (*ORDINARY[Kind.CURRENCY], shop.currency)
    return ORDINARY[column.kind]
