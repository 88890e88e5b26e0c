"""Purchase histories: each customer's frequency, recency, age and value, computed from their purchases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Indices = NDArray[np.int64]

DAYS_PER_WEEK = 7.0


@dataclass(frozen=True, slots=True)
class PurchaseHistory:
    """Purchase histories of customers at one point in time. All arrays have shape (n_customers,).

    Raises:
        DataError: lengths differ, a number is out of range, or two numbers contradict each other.

    Example:
        >>> PurchaseHistory([2, 0], [5.0, 0.0], [9.0, 3.0], [12.5, float("nan")]).repeat_buyers
        1
    """

    frequency: Floats
    """Repeat purchases: days with a purchase, not counting the first."""
    recency: Floats
    """From the first purchase to the last, in units; 0 without a repeat purchase."""
    age: Floats
    """From the first purchase to the end of the observation, in units (T in the papers)."""
    value: Floats
    """Mean value of a repeat purchase; NaN without one."""
    unit_days: float = DAYS_PER_WEEK
    """Days in a unit of time."""

    def __post_init__(self) -> None:
        for name in ("frequency", "recency", "age", "value"):
            object.__setattr__(self, name, _numbers(getattr(self, name), name))
        if len({len(self.frequency), len(self.recency), len(self.age), len(self.value)}) != 1:
            raise DataError("frequency, recency, age and value must each have one number per customer")
        if not (np.isfinite(self.unit_days) and self.unit_days > 0):
            raise DataError(f"unit_days is {self.unit_days}, expected more than 0")
        self._check_ranges()

    def _check_ranges(self) -> None:
        x, t_x, age = self.frequency, self.recency, self.age
        finite = np.isfinite(x) & np.isfinite(t_x) & np.isfinite(age)
        _refuse(~finite, "frequency, recency and age must be finite", self)
        _refuse((x < 0) | (x != np.floor(x)), "frequency must be a whole number of 0 or more", self)
        _refuse((t_x < 0) | (t_x > age), "recency must lie between 0 and the age", self)
        _refuse((x > 0) != (t_x > 0), "recency is above 0 exactly where there is a repeat purchase", self)
        _refuse(np.isinf(self.value), "value must be finite, or NaN where there is none", self)

    def __len__(self) -> int:
        return len(self.frequency)

    @property
    def repeat_buyers(self) -> int:
        """Number of customers with a repeat purchase."""
        return int((self.frequency > 0).sum())

    def take(self, rows: NDArray[np.bool_] | Indices) -> PurchaseHistory:
        """Return the customers of a mask or of positions."""
        return PurchaseHistory(
            self.frequency[rows], self.recency[rows], self.age[rows], self.value[rows], self.unit_days
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """Customers and their histories, in the same order."""

    customer: NDArray[Any]
    """Each customer once, sorted; shape (n_customers,)."""
    history: PurchaseHistory


@dataclass(frozen=True, slots=True)
class DistinctHistories:
    """Distinct histories: models depend on three numbers that many customers share, so each is computed once."""

    history: PurchaseHistory
    """Each frequency, recency and age once; values are dropped."""
    count: Floats
    """Customers with that history."""
    index: Indices
    """Position of each customer's history; shape (n_customers,)."""


def summarise(
    customer: ArrayLike, day: ArrayLike, value: ArrayLike, *, end: Any, unit_days: float = DAYS_PER_WEEK
) -> Summary:
    """Summarise purchases up to a day.

    Purchases of one customer on one day are one purchase of their total value, as in the literature: a customer who
    pays twice in an hour has not come back.

    Args:
        customer: of each purchase; shape (n_purchases,), sortable.
        day: of each purchase; dates, or whole days since any moment.
        value: of each purchase, in one currency.
        end: last day of the observation; ages run to it.
        unit_days: days in a unit of time: 7 for weeks.

    Raises:
        DataError: no purchases, lengths differ, a value is not finite, or a purchase is later than the end.
    """
    customers, days, values = np.asarray(customer), _days(day), _numbers(value, "value")
    if not len(customers) == len(days) == len(values) or not len(days):
        raise DataError(
            "customer, day and value must each have one entry per purchase, and there must be a purchase"
        )
    if not np.isfinite(values).all():
        raise DataError("The value of a purchase must be a finite number")
    last = int(_days([end])[0])
    if days.max() > last:
        raise DataError(f"{int((days > last).sum())} purchases are later than the end. Remove them first")
    names, number = np.unique(customers, return_inverse=True)
    numbers, purchase_days, day_values = _per_day(number.ravel(), days, values)
    return Summary(names, _history(numbers, purchase_days, day_values, last, unit_days))


def purchases_between(
    customer: ArrayLike, day: ArrayLike, *, customers: NDArray[Any], after: Any, until: Any
) -> Floats:
    """Count days with a purchase in a period, the outcome that a forecast is compared with.

    Args:
        customer: of each purchase; shape (n_purchases,).
        day: of each purchase.
        customers: the customers to count for, sorted and unique, as in ``Summary.customer``; others are ignored.
        after: day after which counting starts.
        until: last day that counts.

    Returns:
        One count per customer, (len(customers),); 0 without a purchase.
    """
    buyers, days = np.asarray(customer), _days(day)
    begin, last = _days([after, until])
    counted = (days > begin) & (days <= last) & np.isin(buyers, customers)
    number = np.searchsorted(customers, buyers[counted])
    numbers, _, _ = _per_day(number, days[counted], np.zeros(len(number)))
    return np.bincount(numbers, minlength=len(customers)).astype(np.float64)


def group_histories(history: PurchaseHistory) -> DistinctHistories:
    """Group customers of equal frequency, recency and age."""
    keys = (history.frequency, history.recency, history.age)
    order = np.lexsort(keys[::-1])
    is_first = np.zeros(len(history), dtype=bool)
    for key in keys:
        sorted_key = key[order]
        is_first[1:] |= sorted_key[1:] != sorted_key[:-1]
    is_first[:1] = True
    index = np.empty(len(history), dtype=np.int64)
    index[order] = np.cumsum(is_first) - 1
    x, t_x, age = (key[order][is_first] for key in keys)
    histories = PurchaseHistory(x, t_x, age, np.full(len(x), np.nan), history.unit_days)
    return DistinctHistories(histories, np.bincount(index, minlength=len(x)).astype(np.float64), index)


def map_distinct(history: PurchaseHistory, compute: Callable[[PurchaseHistory], Floats]) -> Floats:
    """Compute once for each distinct history and return one row per customer."""
    groups = group_histories(history)
    return compute(groups.history)[groups.index]


def _numbers(values: ArrayLike, name: str) -> Floats:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} must be numbers: {error}") from error
    if array.ndim != 1:
        raise DataError(f"{name} has shape {array.shape}, expected one dimension")
    return array


def _days(values: Any) -> Indices:
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        return array.astype(np.int64)
    try:
        days = array.astype("datetime64[D]")
    except (TypeError, ValueError) as error:
        raise DataError(f"Days must be dates or whole numbers: {error}") from error
    if np.isnat(days).any():
        raise DataError("A purchase has no day")
    return days.astype(np.int64)


def _refuse(wrong: NDArray[np.bool_], reason: str, history: PurchaseHistory) -> None:
    if wrong.any():
        first = int(np.argmax(wrong))
        raise DataError(
            f"{int(wrong.sum())} customers: {reason}. The first is at position {first}, with frequency "
            f"{history.frequency[first]:g}, recency {history.recency[first]:g}, age {history.age[first]:g}, "
            f"value {history.value[first]:g}"
        )


def _per_day(customer: Indices, day: Indices, value: Floats) -> tuple[Indices, Indices, Floats]:
    order = np.lexsort((day, customer))
    customers, days = customer[order], day[order]
    is_first = np.ones(len(customers), dtype=bool)
    is_first[1:] = (customers[1:] != customers[:-1]) | (days[1:] != days[:-1])
    if not len(customers):
        return customers, days, value
    return customers[is_first], days[is_first], np.add.reduceat(value[order], np.flatnonzero(is_first))


def _history(customer: Indices, day: Indices, value: Floats, last: int, unit_days: float) -> PurchaseHistory:
    first = np.flatnonzero(np.diff(customer, prepend=-1))
    count = np.diff(np.append(first, len(customer)))
    repeats = (count - 1).astype(np.float64)
    started, ended = day[first], day[first + count - 1]
    later = np.add.reduceat(value, first) - value[first]
    mean = np.divide(later, repeats, out=np.full(len(first), np.nan), where=repeats > 0)
    recency = (ended - started) / unit_days
    return PurchaseHistory(repeats, recency, (last - started) / unit_days, mean, unit_days)
