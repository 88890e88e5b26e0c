"""Distributions of an effect divided by its standard error.

Each distribution gives a critical value and a p-value, both two-sided, so an interval excludes a value
exactly when the p-value against it falls below one less the level, whichever distribution an effect carries.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from scipy.special import ndtr, ndtri, stdtr, stdtrit


class Distribution(Protocol):
    """Distribution of a statistic under the hypothesis that it tests."""

    def critical(self, level: float) -> float:
        """Return half the width of an interval of this level, in standard errors."""
        ...

    def pvalue(self, statistic: float) -> float:
        """Return the probability of a statistic at least this far from 0 on either side."""
        ...


@dataclass(frozen=True, slots=True)
class Normal:
    """The standard normal distribution."""

    def critical(self, level: float) -> float:
        """Return half the width of an interval of this level, in standard errors."""
        return -float(ndtri(tail(level)))

    def pvalue(self, statistic: float) -> float:
        """Return the probability of a statistic at least this far from 0."""
        return 2 * float(ndtr(-abs(statistic)))


@dataclass(frozen=True, slots=True)
class StudentT:
    """Student's t distribution."""

    dof: float
    """Degrees of freedom, above 0; not whole where variances differ (Welch)."""

    def critical(self, level: float) -> float:
        """Return half the width of an interval of this level, in standard errors."""
        return -float(stdtrit(self.dof, tail(level)))

    def pvalue(self, statistic: float) -> float:
        """Return the probability of a statistic at least this far from 0."""
        return 2 * float(stdtr(self.dof, -abs(statistic)))


@dataclass(frozen=True, slots=True)
class NormalMixture:
    """Robbins' normal mixture: critical values that are valid at all looks at once.

    With ``i`` the information and ``a`` one less the level, an effect leaves ``standard_error * critical`` at
    any time with a chance of at most ``a``, where

        critical(a) = sqrt(2 (i + 1) / i * log(sqrt(i + 1) / a))

    The p-value is the smallest ``a`` that still excludes 0: ``sqrt(i + 1) exp(-i z^2 / (2 (i + 1)))``.

    Source: I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy, A. Ramdas, "Time-uniform central limit theory
    and asymptotic confidence sequences", Annals of Statistics 52(6), 2024 (arXiv 2103.06476), Theorem 2.2,
    with ``i = t rho^2``.
    """

    information: float
    """Units seen times the square of the tuning parameter rho; above 0."""

    def critical(self, level: float) -> float:
        """Return half the width of an interval of this level, in standard errors."""
        growth = self.information + 1
        log_odds = 0.5 * math.log(growth) - math.log(2 * tail(level))
        return math.sqrt(2 * growth / self.information * log_odds)

    def pvalue(self, statistic: float) -> float:
        """Return the always-valid p-value: an upper bound of the probability that the sequence ever gets this far from 0."""
        growth = self.information + 1
        exponent = 0.5 * math.log(growth) - self.information / (2 * growth) * statistic * statistic
        return math.exp(min(0.0, exponent))


def tail(level: float) -> float:
    """Return the probability outside an interval, on each side.

    Raises:
        ValueError: the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, such as 0.95; it is {level}")
    return (1 - level) / 2
