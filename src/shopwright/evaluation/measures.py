"""The arithmetic of the scores: from weighted rows, or from how often each outcome occurred, to one number.

Undefined is NaN in here, so that a thousand draws stay arrays; ``scores`` turns it into None and a reason. Ties never
depend on the order of rows: rows with the same prediction are one step of every curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from shopwright.evaluation.checks import Floats

    Indices = NDArray[np.intp]

TOP_SHARE = 0.1
"""The top tenth."""
SMALLEST = float(np.finfo(np.float64).eps)
"""Probabilities are kept this far from 0 and 1 in the log loss, as scikit-learn does: one certain error is not infinite."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How often each outcome occurred at each distinct probability, which every score of a classifier follows from."""

    probability: Floats
    """Distinct values, ascending."""
    ones: Floats
    zeros: Floats
    bin_of_level: Indices
    base_rate: float

    @property
    def counts(self) -> Floats:
        """Rows at each probability."""
        return self.ones + self.zeros

    @property
    def both_occur(self) -> bool:
        """Whether there is something to tell apart."""
        return bool(self.ones.sum() > 0 and self.zeros.sum() > 0)

    def rare_first(self) -> tuple[Floats, Floats]:
        """Rows of the rarer class and all rows, by probability of that class, descending."""
        if rare_class(self.base_rate) == 1:
            return self.ones[::-1], self.counts[::-1]
        return self.zeros, self.counts


def dot(one: Floats, two: Floats) -> float:
    """Sum of products.

    Not by ``@``, which hands large vectors to BLAS threads: beside other work they wait for one another longer than they
    compute, and the sum's last digits depend on their number.
    """
    return float(np.einsum("i,i->", one, two))


def sums(place: Indices, values: Floats) -> Floats:
    """Sum of the values at each place."""
    return np.bincount(place, weights=values).astype(np.float64, copy=False)


def rare_class(base_rate: float) -> int:
    """The rarer outcome; 1 where both are equally frequent."""
    return 0 if base_rate > 0.5 else 1


def equal_mass_bins(counts: Floats, bins: int) -> Indices:
    """Bin of each level (ascending), with about equal rows in each; a level is never split.

    A level belongs to the bin that the middle of its rows falls into, so some bins may be empty.
    """
    total = counts.sum()
    if not total:
        return np.zeros(len(counts), dtype=np.intp)
    middle = (np.cumsum(counts) - counts / 2) / total
    return np.asarray(np.minimum((middle * bins).astype(np.intp), bins - 1))


def roc_auc(found: Outcomes) -> float:
    """Chance that a row with outcome 1 has the higher probability than one with outcome 0; ties count half.

    Source: J. A. Hanley, B. J. McNeil, Radiology 143, 1982.
    """
    if not found.both_occur:
        return np.nan
    zeros_below = np.cumsum(found.zeros) - found.zeros / 2
    return float(dot(found.ones, zeros_below) / (found.ones.sum() * found.zeros.sum()))


def pr_auc(found: Outcomes) -> float:
    """Average precision of the rarer class: precision at each threshold, weighted by the recall it adds."""
    if not found.both_occur:
        return np.nan
    rare, counts = found.rare_first()
    chosen = np.cumsum(counts)
    precision = np.cumsum(rare) / np.where(chosen > 0, chosen, 1)
    return float(dot(rare, precision) / rare.sum())


def brier(found: Outcomes) -> float:
    """Mean squared distance of probability and outcome."""
    return _mean_loss(found, (1 - found.probability) ** 2, found.probability**2)


def brier_skill(found: Outcomes) -> float:
    """One minus the Brier score over that of the constant base rate: 1 is perfect, 0 no better than the constant."""
    constant = np.full_like(found.probability, found.base_rate)
    reference = _mean_loss(found, (1 - constant) ** 2, constant**2)
    return 1 - brier(found) / reference if reference > 0 else np.nan


def log_loss(found: Outcomes) -> float:
    """Mean of minus the natural logarithm of the probability of what happened."""
    kept = np.clip(found.probability, SMALLEST, 1 - SMALLEST)
    return _mean_loss(found, -np.log(kept), -np.log1p(-kept))


def _mean_loss(found: Outcomes, loss_of_one: Floats, loss_of_zero: Floats) -> float:
    total = found.counts.sum()
    if not total:
        return np.nan
    return float((dot(found.ones, loss_of_one) + dot(found.zeros, loss_of_zero)) / total)


def ece(found: Outcomes) -> float:
    """Expected calibration error: mean distance of predicted and observed rate over bins of about equal rows.

    Source: M. P. Naeini, G. Cooper, M. Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI
    2015; bins of equal mass: K. Nguyen, B. O'Connor, EMNLP 2015, Section 3.1.
    """
    total = found.counts.sum()
    if not total:
        return np.nan
    surplus = np.bincount(found.bin_of_level, weights=found.ones - found.counts * found.probability)
    return float(np.abs(surplus).sum() / total)


def ece_by_chance(found: Outcomes) -> float:
    """The error that perfectly calibrated probabilities show on so many rows, by chance alone.

    In each bin the surplus of ones is nearly normal with variance sum p (1 - p), and its mean absolute value is the
    standard deviation times sqrt(2 / pi). Idea: J. Bröcker, L. A. Smith, Weather and Forecasting 22, 2007.
    """
    total = found.counts.sum()
    if not total:
        return np.nan
    spread = found.counts * found.probability * (1 - found.probability)
    variance = np.bincount(found.bin_of_level, weights=spread)
    return float(np.sqrt(2 / np.pi * variance).sum() / total)


def lift_top_tenth(found: Outcomes) -> float:
    """Rate of the rarer class among the tenth with its highest probabilities, over its rate among all."""
    if not found.both_occur:
        return np.nan
    return captured(*found.rare_first()) / TOP_SHARE


def captured(amounts: Floats, counts: Floats) -> float:
    """Share of the amounts in the top tenth of rows.

    Where the cut goes through rows with equal predictions, they count with the part of them that belongs to the tenth: what
    any fair choice among them gives on average.

    Args:
        amounts: sum at each level, best level first.
        counts: rows at each level.
    """
    left = TOP_SHARE * counts.sum() - (np.cumsum(counts) - counts)
    part = np.clip(left / np.where(counts > 0, counts, 1), 0, 1)
    return float(dot(part, amounts) / amounts.sum())


CLASSIFIER: dict[str, Callable[[Outcomes], float]] = {
    each.__name__: each for each in (roc_auc, pr_auc, brier, brier_skill, log_loss, ece, lift_top_tenth)
}


@dataclass(frozen=True, slots=True)
class Amounts:
    """Actual and predicted amounts, each row counted ``weights`` times."""

    actual: Floats
    predicted: Floats
    weights: Floats
    level_by_predicted: Indices
    level_by_actual: Indices
    inside: Floats | None
    """Share of each row's actual value that its interval holds: 0 or 1."""

    def mean(self, values: Floats) -> float:
        """Weighted mean; NaN without rows."""
        total = self.weights.sum()
        return float(dot(self.weights, values) / total) if total else np.nan

    def by_level(self, level: Indices) -> tuple[Floats, Floats]:
        """Actual amounts and rows at each level, highest first."""
        counts = sums(level, self.weights)
        return sums(level, self.weights * self.actual)[::-1], counts[::-1]

    def varies(self, values: Floats) -> bool:
        """Whether the rows that count differ in it."""
        counted = values[self.weights > 0]
        return bool(len(counted) and counted.max() > counted.min())


def mae(found: Amounts) -> float:
    """Mean absolute error, in the unit of the amounts."""
    return found.mean(np.abs(found.predicted - found.actual))


def rmse(found: Amounts) -> float:
    """Root of the mean squared error, in the unit of the amounts."""
    return float(np.sqrt(found.mean((found.predicted - found.actual) ** 2)))


def bias(found: Amounts) -> float:
    """Predicted over actual total, less one: 0.1 is ten percent too much."""
    total = dot(found.weights, found.actual)
    return float(dot(found.weights, found.predicted) / total - 1) if total > 0 else np.nan


def gini(found: Amounts) -> float:
    """How well the amounts are ranked: 1 as a perfect ranking, 0 as chance, below 0 worse than chance.

    Twice the area between the curve of captured amounts and the diagonal, over the same area of the ranking by the actual
    amounts. For a 0/1 amount it is 2 AUC - 1.

    Source: E. W. Frees, G. Meyers, A. D. Cummings, "Insurance Ratemaking and a Gini Index", Journal of Risk and Insurance
    81, 2014, Section 2, normalised by the best possible ranking.
    """
    if not (dot(found.weights, found.actual) > 0 and found.varies(found.actual)):
        return np.nan
    ranked, best = (_concentration(*found.by_level(level)) for level in _levels(found))
    return ranked / best


def _levels(found: Amounts) -> tuple[Indices, Indices]:
    return found.level_by_predicted, found.level_by_actual


def _concentration(amounts: Floats, counts: Floats) -> float:
    reached = np.cumsum(amounts)
    area = dot(counts, reached - amounts / 2) / (counts.sum() * amounts.sum())
    return float(2 * area - 1)


def correlation(found: Amounts) -> float:
    """Pearson's correlation of actual and predicted."""
    if not (found.varies(found.actual) and found.varies(found.predicted)):
        return np.nan
    one = found.actual - found.mean(found.actual)
    two = found.predicted - found.mean(found.predicted)
    # Roots before the product: the product of two variances leaves the range of numbers sooner.
    return found.mean(one * two) / float(np.sqrt(found.mean(one**2)) * np.sqrt(found.mean(two**2)))


def top_tenth_capture(found: Amounts) -> float:
    """Share of the actual total that belongs to the tenth with the highest predictions."""
    if not dot(found.weights, found.actual) > 0:
        return np.nan
    return captured(*found.by_level(found.level_by_predicted))


def interval_coverage(found: Amounts) -> float:
    """Share of rows whose actual value lies in its interval, bounds included."""
    return np.nan if found.inside is None else found.mean(found.inside)


AMOUNT: dict[str, Callable[[Amounts], float]] = {
    each.__name__: each for each in (mae, rmse, bias, gini, correlation, top_tenth_capture, interval_coverage)
}
