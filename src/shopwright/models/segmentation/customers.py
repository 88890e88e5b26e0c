"""Customers and their features as arrays, read from the warehouse."""

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

    from numpy.typing import NDArray

    from shopwright.core.engine import Connection

    Floats = NDArray[np.float64]
    Labels = NDArray[np.int64]

TABLE = "gold.feat_segmentation"


@dataclass(frozen=True, slots=True)
class ProfileFeature:
    """A column of ``feat_segmentation``; its unit and meaning are in the data dictionary."""

    name: str
    kind: Literal["amount", "share", "flag"]
    """Amounts are skewed: few customers have most of it. Shares and flags lie between 0 and 1."""
    labels: tuple[str, str]
    """Descriptions of customers with a low and with a high value."""


FEATURES = (
    ProfileFeature("recency_days", "amount", ("recently active", "long inactive")),
    ProfileFeature("frequency", "amount", ("few orders", "many orders")),
    ProfileFeature("monetary", "amount", ("low value", "high value")),
    ProfileFeature("is_one_time_buyer", "flag", ("bought again", "bought once")),
    ProfileFeature("mean_days_between_orders", "amount", ("short intervals", "long intervals")),
    ProfileFeature("mean_ticket", "amount", ("small orders", "large orders")),
    ProfileFeature("mean_distinct_items", "amount", ("narrow baskets", "wide baskets")),
    ProfileFeature("mean_quantity", "amount", ("few units", "many units")),
    ProfileFeature("spend_per_month", "amount", ("low spend", "high spend")),
    ProfileFeature("orders_per_month", "amount", ("rare orders", "frequent orders")),
    ProfileFeature("refund_rate", "share", ("few returns", "many returns")),
    ProfileFeature("tenure_days", "amount", ("new", "long-time")),
)

NAMES = tuple(feature.name for feature in FEATURES)


@dataclass(frozen=True, slots=True)
class Customers:
    """Customers in the order of their ids, so that results never depend on the order of rows."""

    ids: NDArray[np.str_]
    """(n,), ascending and unique."""
    values: Floats
    """(n, number of ``FEATURES``), in their order and units; NaN where missing."""

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Labels | NDArray[np.bool_]) -> Customers:
        """Return the customers of a mask or of ascending positions."""
        return Customers(ids=self.ids[rows], values=self.values[rows])

    def column(self, name: str) -> Floats:
        """Return one feature's values, (n,)."""
        return self.values[:, feature_index(name)]

    def columns(self, names: Sequence[str]) -> Floats:
        """Return several features' values, (n, number of names)."""
        return self.values[:, [feature_index(name) for name in names]]


def feature_index(name: str) -> int:
    """Return the position of a feature in ``FEATURES``.

    Raises:
        ConfigurationError: there is no such feature.
    """
    if name not in NAMES:
        raise ConfigurationError(f"Customers have no feature '{name}'{near_match(name, NAMES)}")
    return NAMES.index(name)


def find_features(names: Sequence[str]) -> tuple[ProfileFeature, ...]:
    """Return the features with these names."""
    return tuple(FEATURES[feature_index(name)] for name in names)


def make_customers(ids: Sequence[str] | NDArray[np.str_], values: Floats) -> Customers:
    """Check customers and sort them by id.

    Args:
        ids: (n,), unique.
        values: (n, number of ``FEATURES``), NaN where missing.

    Raises:
        DataError: an id is repeated, a value is infinite, or the shapes do not match.
    """
    texts, numbers = np.asarray(ids, dtype=np.str_), np.asarray(values, dtype=np.float64)
    if numbers.shape != (len(texts), len(FEATURES)):
        raise DataError(
            f"{len(texts)} customers have values of shape {numbers.shape}, expected (n, {len(FEATURES)})"
        )
    order = np.argsort(texts, kind="stable")
    texts, numbers = texts[order], numbers[order]
    duplicates = np.flatnonzero(texts[1:] == texts[:-1])
    if len(duplicates):
        raise DataError(f"Customer '{texts[duplicates[0]]}' is repeated, expected one row per customer")
    if np.isinf(numbers).any():
        row, column = np.argwhere(np.isinf(numbers))[0]
        raise DataError(f"Customer '{texts[row]}': {NAMES[column]} is infinite")
    return Customers(ids=texts, values=numbers)


def snapshot_dates(connection: Connection) -> tuple[date, date | None]:
    """Return today's snapshot, and the latest one at least a month before it; None where the shop is younger.

    Raises:
        DataError: there are no customers.
    """
    rows = connection.execute(f"select distinct snapshot_date, is_current from {TABLE}").fetchall()
    today = next((day for day, is_current in rows if is_current), None)
    if today is None:
        raise DataError(f"{TABLE} has no customers today")
    month = today.year * 12 + today.month - 2
    length = monthrange(month // 12, month % 12 + 1)[1]
    until = date(month // 12, month % 12 + 1, min(today.day, length))
    return today, max((day for day, _ in rows if day <= until), default=None)


def read_customers(
    connection: Connection,
    *,
    snapshot_date: date | None = None,
    customer: str | None = None,
    table: str = TABLE,
) -> Customers:
    """Read the customers of a snapshot.

    Args:
        connection: to a warehouse.
        snapshot_date: date of the snapshot; today's if None.
        customer: id of the only customer to read; all if None.
        table: the feature table.
    """
    columns = ", ".join(
        f"cast(cast({quote_name(feature.name)} as integer) as double)"
        if feature.kind == "flag"
        else f"cast({quote_name(feature.name)} as double)"
        for feature in FEATURES
    )
    conditions = ["is_current" if snapshot_date is None else "snapshot_date = ?"]
    conditions += [] if customer is None else ["customer_id = ?"]
    condition, parameters = (
        " and ".join(conditions),
        [feature for feature in (snapshot_date, customer) if feature is not None],
    )
    cursor = connection.execute(f"select customer_id, {columns} from {table} where {condition}", parameters)
    ids, *values = cursor.fetchnumpy().values()
    numbers = [np.ma.filled(np.ma.asarray(feature, dtype=np.float64), np.nan) for feature in values]
    return make_customers(np.ma.getdata(ids).astype(np.str_), np.column_stack(numbers))


def draw(customers: Customers, max_customers: int, *, seed: int) -> Customers:
    """Return at most ``max_customers``, drawn at random."""
    if len(customers) <= max_customers:
        return customers
    return customers.take(
        np.sort(np.random.default_rng([seed, 4]).permutation(len(customers))[:max_customers])
    )


def split(customers: Customers, *, held_out: float, seed: int) -> tuple[Labels, Labels]:
    """Split customers at random into a training and a test set.

    Returns:
        Positions of both, ascending; each has at least one customer.
    """
    shuffled = np.random.default_rng([seed, 1]).permutation(len(customers))
    count = min(max(1, round(len(customers) * held_out)), len(customers) - 1)
    return np.sort(shuffled[count:]), np.sort(shuffled[:count])
