"""From purchases to what the models need of each customer: how many, how recent, how long, how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Places = NDArray[np.int64]

DAYS_PER_WEEK = 7.0


@dataclass(frozen=True, slots=True)
class PurchaseHistory:
    """What is known of customers at one moment. All arrays have shape (n_customers,).

    Raises:
        DataError: lengths differ, a number is out of range, or two numbers contradict each other.

    Example:
        >>> PurchaseHistory([2, 0], [5.0, 0.0], [9.0, 3.0], [12.5, float("nan")]).repeat_buyers
        1
    """

    frequency: Floats
    """Repeat purchases: days with a purchase, the first one not counted."""
    recency: Floats
    """From the first purchase to the last, in units; 0 without a repeat purchase."""
    age: Floats
    """From the first purchase to the moment of looking, in units."""
    value: Floats
    """Mean value of a repeat purchase; NaN without one."""
    unit_days: float = DAYS_PER_WEEK
    """Days in a unit of time."""

    def __post_init__(self) -> None:
        for name in ("frequency", "recency", "age", "value"):
            object.__setattr__(self, name, _numbers(getattr(self, name), name))
        if len({len(self.frequency), len(self.recency), len(self.age), len(self.value)}) != 1:
            raise DataError("frequency, recency, age and value must have one number a customer each")
        if not (np.isfinite(self.unit_days) and self.unit_days > 0):
            raise DataError(f"a unit of time lasts {self.unit_days} days; expected more than 0")
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
        """Customers with a repeat purchase."""
        return int((self.frequency > 0).sum())

    def only(self, kept: NDArray[np.bool_] | Places) -> PurchaseHistory:
        """The customers of a mask or of positions."""
        return PurchaseHistory(
            self.frequency[kept], self.recency[kept], self.age[kept], self.value[kept], self.unit_days
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """Customers and their histories, in the same order."""

    customer: NDArray[Any]
    """Each customer once, sorted; shape (n_customers,)."""
    history: PurchaseHistory


@dataclass(frozen=True, slots=True)
class Distinct:
    """Histories without repeats: models depend on three numbers that many customers share."""

    history: PurchaseHistory
    """Each frequency, recency and age once; values are not kept."""
    count: Floats
    """Customers with that history."""
    place: Places
    """Of each customer, the position of the own history; shape (n_customers,)."""


def summarise(
    customer: ArrayLike, day: ArrayLike, value: ArrayLike, *, end: Any, unit_days: float = DAYS_PER_WEEK
) -> Summary:
    """Summarise purchases up to a day.

    Purchases of one customer on one day are one purchase of their summed value, as in the literature: who pays
    twice in an hour has not come back.

    Args:
        customer: of each purchase; shape (n_purchases,), sortable.
        day: of each purchase; dates, or whole days since any moment.
        value: of each purchase, in one currency.
        end: last day that is looked at; ages run to it.
        unit_days: days in a unit of time: 7 for weeks.

    Raises:
        DataError: no purchases, lengths differ, a value is not finite, or a purchase is later than the end.
    """
    customers, days, values = np.asarray(customer), _days(day), _numbers(value, "value")
    if not len(customers) == len(days) == len(values) or not len(days):
        raise DataError("customer, day and value must have one entry a purchase, and at least one purchase")
    if not np.isfinite(values).all():
        raise DataError("the value of a purchase must be a finite number")
    last = int(_days([end])[0])
    if days.max() > last:
        raise DataError(f"{int((days > last).sum())} purchases are later than the end; leave them out first")
    names, number = np.unique(customers, return_inverse=True)
    who, when, worth = _per_day(number.ravel(), days, values)
    return Summary(names, _history(who, when, worth, last, unit_days))


def purchases_between(
    customer: ArrayLike, day: ArrayLike, *, of: NDArray[Any], after: Any, until: Any
) -> Floats:
    """Count days with a purchase after one day and up to another: what a forecast is compared with.

    Args:
        customer: of each purchase; shape (n_purchases,).
        day: of each purchase.
        of: the customers to count for, sorted and each once, as ``Summary.customer``; others are ignored.
        after: day after which counting starts.
        until: last day that counts.

    Returns:
        One count a customer of ``of``; 0 where there was no purchase.
    """
    customers, days = np.asarray(customer), _days(day)
    begin, last = _days([after, until])
    counted = (days > begin) & (days <= last) & np.isin(customers, of)
    number = np.searchsorted(of, customers[counted])
    who, _, _ = _per_day(number, days[counted], np.zeros(len(number)))
    return np.bincount(who, minlength=len(of)).astype(np.float64)


def distinct(history: PurchaseHistory) -> Distinct:
    """Group customers of equal frequency, recency and age."""
    keys = (history.frequency, history.recency, history.age)
    order = np.lexsort(keys[::-1])
    new = np.zeros(len(history), dtype=bool)
    for key in keys:
        sorted_key = key[order]
        new[1:] |= sorted_key[1:] != sorted_key[:-1]
    new[:1] = True
    place = np.empty(len(history), dtype=np.int64)
    place[order] = np.cumsum(new) - 1
    x, t_x, age = (key[order][new] for key in keys)
    found = PurchaseHistory(x, t_x, age, np.full(len(x), np.nan), history.unit_days)
    return Distinct(found, np.bincount(place, minlength=len(x)).astype(np.float64), place)


def by_distinct(history: PurchaseHistory, compute: Callable[[PurchaseHistory], Floats]) -> Floats:
    """Compute once for each distinct history and give every customer the own row."""
    groups = distinct(history)
    return compute(groups.history)[groups.place]


def _numbers(values: ArrayLike, name: str) -> Floats:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} must be numbers: {error}") from error
    if array.ndim != 1:
        raise DataError(f"{name} has shape {array.shape}, expected one number each")
    return array


def _days(values: Any) -> Places:
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        return array.astype(np.int64)
    try:
        found = array.astype("datetime64[D]")
    except (TypeError, ValueError) as error:
        raise DataError(f"days must be dates or whole numbers: {error}") from error
    if np.isnat(found).any():
        raise DataError("a purchase has no day")
    return found.astype(np.int64)


def _refuse(wrong: NDArray[np.bool_], reason: str, history: PurchaseHistory) -> None:
    if wrong.any():
        first = int(np.argmax(wrong))
        raise DataError(
            f"{int(wrong.sum())} customers: {reason}; the first is number {first} with frequency "
            f"{history.frequency[first]:g}, recency {history.recency[first]:g}, age {history.age[first]:g}, "
            f"value {history.value[first]:g}"
        )


def _per_day(customer: Places, day: Places, value: Floats) -> tuple[Places, Places, Floats]:
    order = np.lexsort((day, customer))
    who, when = customer[order], day[order]
    new = np.ones(len(who), dtype=bool)
    new[1:] = (who[1:] != who[:-1]) | (when[1:] != when[:-1])
    if not len(who):
        return who, when, value
    return who[new], when[new], np.add.reduceat(value[order], np.flatnonzero(new))


def _history(who: Places, when: Places, worth: Floats, last: int, unit_days: float) -> PurchaseHistory:
    first = np.flatnonzero(np.diff(who, prepend=-1))
    count = np.diff(np.append(first, len(who)))
    repeats = (count - 1).astype(np.float64)
    started, ended = when[first], when[first + count - 1]
    later = np.add.reduceat(worth, first) - worth[first]
    mean = np.divide(later, repeats, out=np.full(len(first), np.nan), where=repeats > 0)
    recency = (ended - started) / unit_days
    return PurchaseHistory(repeats, recency, (last - started) / unit_days, mean, unit_days)
