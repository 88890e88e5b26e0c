"""Additive aggregates of one variant, and what can be computed from them.

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
    """A metric by its columns: a mean per unit, or a ratio of two sums.

    Example:
        >>> str(Quantity("revenue")), str(Quantity("orders", "sessions"))
        ('revenue per unit', 'orders per sessions')
    """

    numerator: str
    denominator: str | None = None
    """Column summed below the line; units are counted where it is not given."""

    def __str__(self) -> str:
        return f"{self.numerator} per {self.denominator or 'unit'}"


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Counts, sums and sums of products of one variant's per-unit columns; ``+`` joins two sets of units.

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
    was not asked for."""

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
        """Take over one row of aggregates.

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
    def of_nothing(cls, names: Iterable[str]) -> Moments:
        """Sums over no units, all of them 0."""
        columns = tuple(names)
        return cls(0, columns, np.zeros(len(columns)), np.zeros((len(columns), len(columns))))

    @classmethod
    def from_arrays(cls, columns: Mapping[str, ArrayLike]) -> Moments:
        """Sum arrays of one value a unit, all of one length."""
        values = np.array([np.asarray(column, dtype=np.float64) for column in columns.values()])
        return cls(values.shape[1], tuple(columns), values.sum(axis=1), values @ values.T)

    def __add__(self, other: Moments) -> Moments:
        """Moments of the units of both, which must be different units.

        Raises:
            ValueError: the columns differ.
        """
        if self.names != other.names:
            raise ValueError(f"moments of different columns do not add up: {self.names} and {other.names}")
        return Moments(
            self.count + other.count, self.names, self.sums + other.sums, self.products + other.products
        )

    def sum(self, name: str) -> float:
        """Sum of a column over units."""
        return float(self.sums[position(self.names, name)])

    def product(self, left: str, right: str) -> float:
        """Sum over units of the product of two columns.

        Raises:
            LookupError: no such column, or the warehouse was not asked for this pair.
        """
        value = float(self.products[position(self.names, left), position(self.names, right)])
        if math.isnan(value):
            raise LookupError(f"the products of '{left}' and '{right}' were not summed; add the pair")
        return value

    def mean(self, name: str) -> float | None:
        """Mean per unit; None without units."""
        return self.sum(name) / self.count if self.count else None

    def variance(self, name: str) -> float | None:
        """Sample variance over units, with ``count - 1`` below the line; None for fewer than two units."""
        return self.variance_along({name: 1.0})

    def covariance(self, left: str, right: str) -> float | None:
        """Sample covariance over units, with ``count - 1`` below the line; None for fewer than two units."""
        if self.count < 2:
            return None
        centre = self.sum(left) * self.sum(right) / self.count
        return (self.product(left, right) - centre) / (self.count - 1)

    def variance_along(self, weights: Mapping[str, float]) -> float | None:
        """Sample variance of a weighted sum of columns.

        Exactly 0 where it is within the error of rounding, not finite where the weights are too large to
        compute with.
        """
        value = self.covariance_along(weights, weights)
        if value is None:
            return None
        scale = sum(
            abs(one * two * self.product(left, right))
            for left, one in weights.items()
            for right, two in weights.items()
        )
        error = ROUNDING * math.sqrt(self.count) * scale / (self.count - 1)
        return 0.0 if value <= error else value

    def covariance_along(self, left: Mapping[str, float], right: Mapping[str, float]) -> float | None:
        """Sample covariance of two weighted sums of columns; None for fewer than two units."""
        if self.count < 2:
            return None
        return sum(
            one * two * (self.covariance(first, second) or 0.0)
            for first, one in left.items()
            for second, two in right.items()
        )

    def value(self, quantity: Quantity) -> float | None:
        """The metric: a mean, or a ratio of sums; None without units, or where the denominator sums to 0."""
        below = self.count if quantity.denominator is None else self.sum(quantity.denominator)
        return self.sum(quantity.numerator) / below if below else None

    def linear(self, quantity: Quantity) -> dict[str, float] | None:
        """Weights of the columns whose sum moves, unit by unit, as the metric does, to first order.

        A ratio R = N / D of means is replaced by (n_i - R d_i) / mean(d), which has R's variance per unit.

        Source: A. Deng, U. Knoblich, J. Lu, "Applying the Delta Method in Metric Analytics", KDD 2018,
        Section 3.
        """
        if quantity.denominator is None:
            return {quantity.numerator: 1.0} if self.count else None
        ratio, below = self.value(quantity), self.mean(quantity.denominator)
        if ratio is None or not below:
            return None
        if quantity.numerator == quantity.denominator:
            return {quantity.numerator: 0.0}
        return {quantity.numerator: 1 / below, quantity.denominator: -ratio / below}


def total(parts: Iterable[Moments]) -> Moments:
    """Moments of all units of several parts.

    Raises:
        TypeError: there are no parts.
    """
    return reduce(add, parts)


def position(names: tuple[str, ...], name: str) -> int:
    """Place of a column.

    Raises:
        LookupError: there is none of this name.
    """
    try:
        return names.index(name)
    except ValueError:
        raise LookupError(f"no column '{name}' among {', '.join(names)}{near_match(name, names)}") from None
