"""Additive aggregates of one variant, and the statistics computed from them.

The warehouse sums once over all units; everything else is arithmetic on those sums, and adding the sums of
slices is the same as summing over the whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from shopwright.core.errors import near_match

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import ArrayLike, NDArray

ROUNDING = 4 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class Quantity:
    """Metric by its columns: a mean per unit, or a ratio of two sums.

    Example:
        >>> str(Quantity("revenue")), str(Quantity("orders", "sessions"))
        ('revenue per unit', 'orders per sessions')
    """

    numerator: str
    denominator: str | None = None
    """Column to divide by; the number of units where it is None."""

    def __str__(self) -> str:
        return f"{self.numerator} per {self.denominator or 'unit'}"


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Counts, sums and sums of products of a variant's per-unit columns; ``+`` joins two sets of units.

    Sizes: values are 0 or between 1e-60 and 1e60; what overflows beyond is reported as undefined where it is
    noticed.

    Precision: sums in double precision carry a relative error of about ``eps * sqrt(count)`` (eps is
    2.2e-16), so a variance is known to about ``eps * sqrt(count) * (1 + (mean / deviation)^2)`` of itself: to
    a part in four million, at worst, for a million units whose mean is a thousand times their deviation. What
    is smaller than that error counts as no variance. Columns that sit still further from 0 (times of day
    since 1970) are to be counted from a nearer origin before they are summed; metrics of a shop never are
    that far.
    """

    count: int
    """Units."""
    names: tuple[str, ...]
    """Columns, in the order of the arrays."""
    sums: NDArray[np.float64]
    """Shape (columns,)."""
    products: NDArray[np.float64]
    """Sums of the products of two columns over units, shape (columns, columns), symmetric; nan where the pair
    was not requested."""

    def __post_init__(self) -> None:
        size = len(self.names)
        if self.sums.shape != (size,) or self.products.shape != (size, size):
            raise ValueError(
                f"{size} columns need sums of shape ({size},) and products of shape ({size}, {size}); "
                f"they are {self.sums.shape} and {self.products.shape}"
            )
        if self.count < 0 or len(set(self.names)) < size:
            raise ValueError(
                f"moments need a count of 0 or more and distinct names: {self.count}, {self.names}"
            )

    @classmethod
    def from_sums(
        cls, count: int, sums: Mapping[str, float], products: Mapping[tuple[str, str], float]
    ) -> Moments:
        """Return the aggregates in one row of the warehouse.

        Args:
            count: units.
            sums: sum of each column.
            products: sum of the product of each pair that is needed, in either order, squares included.

        Raises:
            LookupError: a pair names a column that has no sum.
        """
        names = tuple(sums)
        table = np.full((len(names), len(names)), np.nan)
        for (left, right), value in products.items():
            row, column = position(names, left), position(names, right)
            table[row, column] = table[column, row] = value
        return cls(count, names, np.array(list(sums.values()), dtype=np.float64), table)

    @classmethod
    def empty(cls, names: Iterable[str]) -> Moments:
        """Return the sums over no units, all 0."""
        columns = tuple(names)
        return cls(0, columns, np.zeros(len(columns)), np.zeros((len(columns), len(columns))))

    @classmethod
    def from_arrays(cls, columns: Mapping[str, ArrayLike]) -> Moments:
        """Sum arrays with one value per unit, all of the same length."""
        values = np.array([np.asarray(column, dtype=np.float64) for column in columns.values()])
        return cls(values.shape[1], tuple(columns), values.sum(axis=1), values @ values.T)

    def __add__(self, other: Moments) -> Moments:
        """Return the sums over the units of both, which must be different units.

        Raises:
            ValueError: the columns differ.
        """
        if self.names != other.names:
            raise ValueError(f"moments of different columns do not add up: {self.names} and {other.names}")
        return Moments(
            self.count + other.count, self.names, self.sums + other.sums, self.products + other.products
        )

    def sum(self, name: str) -> float:
        """Return the sum of a column over units."""
        return float(self.sums[position(self.names, name)])

    def product(self, left: str, right: str) -> float:
        """Return the sum over units of the product of two columns.

        Raises:
            LookupError: no such column, or the pair was not requested.
        """
        value = float(self.products[position(self.names, left), position(self.names, right)])
        if math.isnan(value):
            raise LookupError(f"the products of '{left}' and '{right}' were not summed; add the pair")
        return value

    def mean(self, name: str) -> float | None:
        """Return the mean per unit; None without units."""
        return self.sum(name) / self.count if self.count else None

    def variance(self, name: str) -> float | None:
        """Return the sample variance over units (divisor ``count - 1``); None for fewer than two units."""
        return self.variance_along({name: 1.0})

    def covariance(self, left: str, right: str) -> float | None:
        """Return the sample covariance over units (divisor ``count - 1``); None for fewer than two units."""
        if self.count < 2:
            return None
        center = self.sum(left) * self.sum(right) / self.count
        return (self.product(left, right) - center) / (self.count - 1)

    def variance_along(self, weights: Mapping[str, float]) -> float | None:
        """Return the sample variance of a weighted sum of columns.

        Exactly 0 where it is within the error of rounding, not finite where the weights are too large to
        compute with.
        """
        value = self.covariance_along(weights, weights)
        if value is None:
            return None
        scale = sum(
            abs(left_weight * right_weight * self.product(left, right))
            for left, left_weight in weights.items()
            for right, right_weight in weights.items()
        )
        error = ROUNDING * math.sqrt(self.count) * scale / (self.count - 1)
        return 0.0 if value <= error else value

    def covariance_along(self, left: Mapping[str, float], right: Mapping[str, float]) -> float | None:
        """Return the sample covariance of two weighted sums of columns; None for fewer than two units."""
        if self.count < 2:
            return None
        return sum(
            left_weight * right_weight * (self.covariance(first, second) or 0.0)
            for first, left_weight in left.items()
            for second, right_weight in right.items()
        )

    def unknown(self, quantity: Quantity) -> str | None:
        """Return the first column of a metric that is not known for all units; its sum is nan."""
        names = filter(None, (quantity.numerator, quantity.denominator))
        return next((name for name in names if math.isnan(self.sum(name))), None)

    def value(self, quantity: Quantity) -> float | None:
        """Return the metric: a mean, or a ratio of sums; None without units, or where the denominator sums to 0."""
        divisor = self.count if quantity.denominator is None else self.sum(quantity.denominator)
        return self.sum(quantity.numerator) / divisor if divisor else None

    def linear(self, quantity: Quantity) -> dict[str, float] | None:
        """Return column weights whose weighted sum varies, unit by unit, as the metric does, to first order.

        A ratio R = N / D of means is replaced by (n_i - R d_i) / mean(d), which has R's variance per unit.

        Source: A. Deng, U. Knoblich, J. Lu, "Applying the Delta Method in Metric Analytics", KDD 2018,
        Section 3.
        """
        if quantity.denominator is None:
            return {quantity.numerator: 1.0} if self.count else None
        ratio, mean = self.value(quantity), self.mean(quantity.denominator)
        if ratio is None or not mean:
            return None
        if quantity.numerator == quantity.denominator:
            return {quantity.numerator: 0.0}
        return {quantity.numerator: 1 / mean, quantity.denominator: -ratio / mean}


def total(groups: Iterable[Moments]) -> Moments:
    """Return the sums over the units of several groups.

    Raises:
        TypeError: there are no groups.
    """
    return reduce(add, groups)


def position(names: tuple[str, ...], name: str) -> int:
    """Return the index of a column.

    Raises:
        LookupError: no column has this name.
    """
    try:
        return names.index(name)
    except ValueError:
        raise LookupError(f"no column '{name}' among {', '.join(names)}{near_match(name, names)}") from None
