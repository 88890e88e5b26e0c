"""What is known of each customer, as arrays."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

import numpy as np

from shopwright.core.errors import ConfigurationError, DataError, near_match
from shopwright.core.sql import quote_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Labels = NDArray[np.int64]

TABLE = "gold.feat_segmentation"


@dataclass(frozen=True, slots=True)
class ProfileFeature:
    """A column of ``feat_segmentation``; its unit and meaning stand in the data dictionary."""

    name: str
    kind: Literal["amount", "share", "flag"]
    """Amounts are skewed: few customers have most. Shares and flags lie between 0 and 1."""
    words: tuple[str, str]
    """How a customer is called who has little, and much of it."""


FEATURES = (
    ProfileFeature("recency_days", "amount", ("active lately", "long not seen")),
    ProfileFeature("frequency", "amount", ("few orders", "many orders")),
    ProfileFeature("monetary", "amount", ("low value", "high value")),
    ProfileFeature("is_one_time_buyer", "flag", ("came back", "bought once")),
    ProfileFeature("mean_days_between_orders", "amount", ("short pauses", "long pauses")),
    ProfileFeature("mean_ticket", "amount", ("small orders", "large orders")),
    ProfileFeature("mean_distinct_items", "amount", ("narrow baskets", "wide baskets")),
    ProfileFeature("mean_quantity", "amount", ("few units", "many units")),
    ProfileFeature("spend_per_month", "amount", ("low spend", "high spend")),
    ProfileFeature("orders_per_month", "amount", ("rare orders", "frequent orders")),
    ProfileFeature("refund_rate", "share", ("hardly returns", "returns much")),
    ProfileFeature("tenure_days", "amount", ("new", "long known")),
)

NAMES = tuple(feature.name for feature in FEATURES)


@dataclass(frozen=True, slots=True)
class Customers:
    """Customers in the order of their ids, so that no result depends on the order of rows."""

    ids: NDArray[np.str_]
    """(n,), ascending, each once."""
    values: Floats
    """(n, number of ``FEATURES``), in their order and units; NaN where there is no value."""

    def __len__(self) -> int:
        return len(self.ids)

    def only(self, kept: Labels | NDArray[np.bool_]) -> Customers:
        """The customers of a mask or of ascending positions."""
        return Customers(ids=self.ids[kept], values=self.values[kept])

    def column(self, name: str) -> Floats:
        """One feature's values, (n,)."""
        return self.values[:, place_of(name)]

    def columns(self, names: Sequence[str]) -> Floats:
        """Some features' values, (n, number of names)."""
        return self.values[:, [place_of(name) for name in names]]


def place_of(name: str) -> int:
    """Where a feature stands in ``FEATURES``.

    Raises:
        ConfigurationError: there is no such feature.
    """
    if name not in NAMES:
        raise ConfigurationError(f"no feature '{name}' of customers{near_match(name, NAMES)}")
    return NAMES.index(name)


def features_of(names: Sequence[str]) -> tuple[ProfileFeature, ...]:
    """The features of some names."""
    return tuple(FEATURES[place_of(name)] for name in names)


def as_customers(ids: Sequence[str] | NDArray[np.str_], values: Floats) -> Customers:
    """Check customers and sort them by id.

    Args:
        ids: (n,), each once.
        values: (n, number of ``FEATURES``), NaN where there is no value.

    Raises:
        DataError: an id comes twice, a value is infinite, or the shapes do not fit.
    """
    texts, numbers = np.asarray(ids, dtype=np.str_), np.asarray(values, dtype=np.float64)
    if numbers.shape != (len(texts), len(FEATURES)):
        raise DataError(
            f"{len(texts)} customers have values of shape {numbers.shape}, not (n, {len(FEATURES)})"
        )
    order = np.argsort(texts, kind="stable")
    texts, numbers = texts[order], numbers[order]
    twice = np.flatnonzero(texts[1:] == texts[:-1])
    if len(twice):
        raise DataError(f"customer '{texts[twice[0]]}' comes twice; give one row a customer")
    if np.isinf(numbers).any():
        row, place = np.argwhere(np.isinf(numbers))[0]
        raise DataError(f"customer '{texts[row]}': {NAMES[place]} is infinite")
    return Customers(ids=texts, values=numbers)


def snapshot_dates(connection: duckdb.DuckDBPyConnection) -> tuple[date, date | None]:
    """The snapshot of today, and the latest one at least a month before it; None where the shop is younger.

    Raises:
        DataError: there are no customers.
    """
    found = connection.execute(f"select distinct snapshot_date, is_current from {TABLE}").fetchall()
    today = next((day for day, is_current in found if is_current), None)
    if today is None:
        raise DataError(f"{TABLE} has no customers of today")
    month = today.year * 12 + today.month - 2
    length = monthrange(month // 12, month % 12 + 1)[1]
    until = date(month // 12, month % 12 + 1, min(today.day, length))
    return today, max((day for day, _ in found if day <= until), default=None)


def read_customers(
    connection: duckdb.DuckDBPyConnection,
    *,
    snapshot_date: date | None = None,
    customer: str | None = None,
    table: str = TABLE,
) -> Customers:
    """Read the customers of one snapshot date, or one of them; without a date, those of today."""
    columns = ", ".join(
        f"cast(cast({quote_name(each.name)} as integer) as double)"
        if each.kind == "flag"
        else f"cast({quote_name(each.name)} as double)"
        for each in FEATURES
    )
    conditions = ["is_current" if snapshot_date is None else "snapshot_date = ?"]
    conditions += [] if customer is None else ["customer_id = ?"]
    condition, given = (
        " and ".join(conditions),
        [each for each in (snapshot_date, customer) if each is not None],
    )
    found = connection.execute(f"select customer_id, {columns} from {table} where {condition}", given)
    ids, *values = found.fetchnumpy().values()
    numbers = [np.ma.filled(np.ma.asarray(each, dtype=np.float64), np.nan) for each in values]
    return as_customers(np.ma.getdata(ids).astype(np.str_), np.column_stack(numbers))


def draw(customers: Customers, most: int, *, seed: int) -> Customers:
    """At most so many customers, drawn at random."""
    if len(customers) <= most:
        return customers
    return customers.only(np.sort(np.random.default_rng([seed, 4]).permutation(len(customers))[:most]))


def split(customers: Customers, *, held_out: float, seed: int) -> tuple[Labels, Labels]:
    """Draw customers to learn from and customers to measure on.

    Returns:
        Positions of both, ascending; at least one customer each.
    """
    shuffled = np.random.default_rng([seed, 1]).permutation(len(customers))
    count = min(max(1, round(len(customers) * held_out)), len(customers) - 1)
    return np.sort(shuffled[count:]), np.sort(shuffled[:count])
