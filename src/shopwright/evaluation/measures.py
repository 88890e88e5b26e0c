"""Arithmetic of the scores: from weighted rows, or from counts of each outcome, to one number.

Undefined is NaN in this module, so that a thousand draws stay arrays; ``scores`` turns it into None and a reason. Ties never
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
"""Share of the rows that the top tenth has."""
EPSILON = float(np.finfo(np.float64).eps)
"""Probabilities are kept this far from 0 and 1 in the log loss, as scikit-learn does: one certain error is not infinite."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Counts of each outcome at each distinct probability; every score of a classifier follows from them."""

    probability: Floats
    """Distinct values, ascending, (levels,)."""
    positives: Floats
    negatives: Floats
    bin_of_level: Indices
    base_rate: float

    @property
    def counts(self) -> Floats:
        """Rows at each probability."""
        return self.positives + self.negatives

    @property
    def both_occur(self) -> bool:
        """Whether both outcomes occur, so that there is something to distinguish."""
        return bool(self.positives.sum() > 0 and self.negatives.sum() > 0)

    def rare_first(self) -> tuple[Floats, Floats]:
        """Return rows of the rarer class and all rows, by probability of that class, descending."""
        if rare_class(self.base_rate) == 1:
            return self.positives[::-1], self.counts[::-1]
        return self.negatives, self.counts


def dot(left: Floats, right: Floats) -> float:
    """Sum the products of two arrays.

    Not by ``@``, which hands large vectors to BLAS threads: next to other work they wait for one another longer than they
    compute, and the sum's last digits depend on their number.
    """
    return float(np.einsum("i,i->", left, right))


def sum_by_index(index: Indices, values: Floats) -> Floats:
    """Sum the values that share an index."""
    return np.bincount(index, weights=values).astype(np.float64, copy=False)


def rare_class(base_rate: float) -> int:
    """Return the rarer outcome; 1 if both are equally frequent."""
    return 0 if base_rate > 0.5 else 1


def equal_mass_bins(counts: Floats, bins: int) -> Indices:
    """Assign each level (ascending) to a bin, with about equal rows in each; a level is never split.

    A level belongs to the bin that the middle of its rows falls into, so some bins may be empty.
    """
    total = counts.sum()
    if not total:
        return np.zeros(len(counts), dtype=np.intp)
    middle = (np.cumsum(counts) - counts / 2) / total
    return np.asarray(np.minimum((middle * bins).astype(np.intp), bins - 1))


def roc_auc(outcomes: Outcomes) -> float:
    """Compute the chance that a row with outcome 1 has a higher probability than one with outcome 0; ties count half.

    Source: J. A. Hanley, B. J. McNeil, Radiology 143, 1982.
    """
    if not outcomes.both_occur:
        return np.nan
    negatives_below = np.cumsum(outcomes.negatives) - outcomes.negatives / 2
    return float(
        dot(outcomes.positives, negatives_below) / (outcomes.positives.sum() * outcomes.negatives.sum())
    )


def pr_auc(outcomes: Outcomes) -> float:
    """Compute the average precision of the rarer class: precision at each threshold, weighted by the recall it adds."""
    if not outcomes.both_occur:
        return np.nan
    rare, counts = outcomes.rare_first()
    predicted = np.cumsum(counts)
    precision = np.cumsum(rare) / np.where(predicted > 0, predicted, 1)
    return float(dot(rare, precision) / rare.sum())


def brier(outcomes: Outcomes) -> float:
    """Compute the mean squared distance between probability and outcome."""
    return _mean_loss(outcomes, (1 - outcomes.probability) ** 2, outcomes.probability**2)


def brier_skill(outcomes: Outcomes) -> float:
    """Compute 1 - Brier score / Brier score of the constant base rate: 1 is perfect, 0 no better than the constant."""
    constant = np.full_like(outcomes.probability, outcomes.base_rate)
    reference = _mean_loss(outcomes, (1 - constant) ** 2, constant**2)
    return 1 - brier(outcomes) / reference if reference > 0 else np.nan


def log_loss(outcomes: Outcomes) -> float:
    """Compute the mean negative log likelihood of the outcomes, in nats."""
    clipped = np.clip(outcomes.probability, EPSILON, 1 - EPSILON)
    return _mean_loss(outcomes, -np.log(clipped), -np.log1p(-clipped))


def _mean_loss(outcomes: Outcomes, positive_loss: Floats, negative_loss: Floats) -> float:
    total = outcomes.counts.sum()
    if not total:
        return np.nan
    return float((dot(outcomes.positives, positive_loss) + dot(outcomes.negatives, negative_loss)) / total)


def ece(outcomes: Outcomes) -> float:
    """Compute the expected calibration error: mean distance of predicted and observed rate over bins of about equal rows.

    Source: M. P. Naeini, G. Cooper, M. Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI
    2015; bins of equal mass: K. Nguyen, B. O'Connor, EMNLP 2015, Section 3.1.
    """
    total = outcomes.counts.sum()
    if not total:
        return np.nan
    surplus = np.bincount(
        outcomes.bin_of_level, weights=outcomes.positives - outcomes.counts * outcomes.probability
    )
    return float(np.abs(surplus).sum() / total)


def ece_noise_floor(outcomes: Outcomes) -> float:
    """Compute the calibration error that perfectly calibrated probabilities would show on these rows by chance.

    In each bin the surplus of ones is nearly normal with variance sum p (1 - p), and its mean absolute value is the
    standard deviation times sqrt(2 / pi). Idea: J. Bröcker, L. A. Smith, Weather and Forecasting 22, 2007.
    """
    total = outcomes.counts.sum()
    if not total:
        return np.nan
    spread = outcomes.counts * outcomes.probability * (1 - outcomes.probability)
    variance = np.bincount(outcomes.bin_of_level, weights=spread)
    return float(np.sqrt(2 / np.pi * variance).sum() / total)


def lift_top_tenth(outcomes: Outcomes) -> float:
    """Compute the rate of the rarer class among the tenth with its highest probabilities, over its rate among all."""
    if not outcomes.both_occur:
        return np.nan
    return share_in_top_tenth(*outcomes.rare_first()) / TOP_SHARE


def share_in_top_tenth(amounts: Floats, counts: Floats) -> float:
    """Compute the share of the amounts in the top tenth of rows.

    If the cut goes through rows with equal predictions, they count in proportion to the part that belongs to the tenth: what
    a random choice among them gives on average.

    Args:
        amounts: sum at each level, best level first.
        counts: rows at each level.
    """
    left = TOP_SHARE * counts.sum() - (np.cumsum(counts) - counts)
    part = np.clip(left / np.where(counts > 0, counts, 1), 0, 1)
    return float(dot(part, amounts) / amounts.sum())


CLASSIFIER: dict[str, Callable[[Outcomes], float]] = {
    metric.__name__: metric for metric in (roc_auc, pr_auc, brier, brier_skill, log_loss, ece, lift_top_tenth)
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
        """Compute the weighted mean; NaN without rows."""
        total = self.weights.sum()
        return float(dot(self.weights, values) / total) if total else np.nan

    def by_level(self, level: Indices) -> tuple[Floats, Floats]:
        """Sum actual amounts and rows at each level, highest first."""
        counts = sum_by_index(level, self.weights)
        return sum_by_index(level, self.weights * self.actual)[::-1], counts[::-1]

    def varies(self, values: Floats) -> bool:
        """Return whether the rows with weight differ in these values."""
        counted = values[self.weights > 0]
        return bool(len(counted) and counted.max() > counted.min())


def mae(amounts: Amounts) -> float:
    """Compute the mean absolute error, in the unit of the amounts."""
    return amounts.mean(np.abs(amounts.predicted - amounts.actual))


def rmse(amounts: Amounts) -> float:
    """Compute the root of the mean squared error, in the unit of the amounts."""
    return float(np.sqrt(amounts.mean((amounts.predicted - amounts.actual) ** 2)))


def bias(amounts: Amounts) -> float:
    """Compute predicted over actual total, minus one: 0.1 means ten percent too much."""
    total = dot(amounts.weights, amounts.actual)
    return float(dot(amounts.weights, amounts.predicted) / total - 1) if total > 0 else np.nan


def gini(amounts: Amounts) -> float:
    """Compute how well the amounts are ranked: 1 for a perfect ranking, 0 for a random one, below 0 for worse.

    Twice the area between the concentration curve and the diagonal, over the same area for the ranking by the actual
    amounts. For a 0/1 amount it is 2 AUC - 1.

    Source: E. W. Frees, G. Meyers, A. D. Cummings, "Insurance Ratemaking and a Gini Index", Journal of Risk and Insurance
    81, 2014, Section 2, normalised by the best possible ranking.
    """
    if not (dot(amounts.weights, amounts.actual) > 0 and amounts.varies(amounts.actual)):
        return np.nan
    ranked, best = (_concentration(*amounts.by_level(level)) for level in _levels(amounts))
    return ranked / best


def _levels(amounts: Amounts) -> tuple[Indices, Indices]:
    return amounts.level_by_predicted, amounts.level_by_actual


def _concentration(amounts: Floats, counts: Floats) -> float:
    cumulative = np.cumsum(amounts)
    area = dot(counts, cumulative - amounts / 2) / (counts.sum() * amounts.sum())
    return float(2 * area - 1)


def correlation(amounts: Amounts) -> float:
    """Compute Pearson's correlation of actual and predicted."""
    if not (amounts.varies(amounts.actual) and amounts.varies(amounts.predicted)):
        return np.nan
    actual = amounts.actual - amounts.mean(amounts.actual)
    predicted = amounts.predicted - amounts.mean(amounts.predicted)
    # Roots before the product: the product of two variances leaves the range of numbers sooner.
    return amounts.mean(actual * predicted) / float(
        np.sqrt(amounts.mean(actual**2)) * np.sqrt(amounts.mean(predicted**2))
    )


def top_tenth_capture(amounts: Amounts) -> float:
    """Compute the share of the actual total that belongs to the tenth with the highest predictions."""
    if not dot(amounts.weights, amounts.actual) > 0:
        return np.nan
    return share_in_top_tenth(*amounts.by_level(amounts.level_by_predicted))


def interval_coverage(amounts: Amounts) -> float:
    """Compute the share of rows whose actual value lies in its interval, bounds included."""
    return np.nan if amounts.inside is None else amounts.mean(amounts.inside)


AMOUNT: dict[str, Callable[[Amounts], float]] = {
    metric.__name__: metric
    for metric in (mae, rmse, bias, gini, correlation, top_tenth_capture, interval_coverage)
}
