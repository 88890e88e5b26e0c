"""Scores of predictions with intervals, for probabilities and for amounts, and the difference of two predictions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from shopwright.core.errors import ConfigurationError, DataError, near_match
from shopwright.evaluation.checks import check_numbers, check_outcome, check_probability
from shopwright.evaluation.measures import (
    AMOUNT,
    CLASSIFIER,
    Amounts,
    Outcomes,
    ece_noise_floor,
    equal_mass_bins,
    rare_class,
)
from shopwright.evaluation.resampling import Resampled, resample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from shopwright.evaluation.checks import Floats

    Indices = NDArray[np.intp]
    Groups = NDArray[Any] | None

Direction = Literal["higher", "lower", "ideal"]
DIRECTIONS: dict[str, Direction] = {
    "roc_auc": "higher",
    "pr_auc": "higher",
    "brier": "lower",
    "brier_skill": "higher",
    "log_loss": "lower",
    "ece": "lower",
    "lift_top_tenth": "higher",
    "mae": "lower",
    "rmse": "lower",
    "bias": "ideal",
    "gini": "higher",
    "correlation": "higher",
    "top_tenth_capture": "higher",
    "interval_coverage": "ideal",
}
"""Direction in which each score is better; ``ideal``: closer to its ideal value."""
DRAWS = 200
LEVEL = 0.95
ECE_BINS = 10
_OF_RARE_CLASS = ("pr_auc", "lift_top_tenth")
_ONE_CLASS = "only one of the two outcomes occurs, so there is nothing to distinguish"
_NO_ROWS = "there are no rows"
_NO_TOTAL = "the actual amounts add up to 0"
_NO_INTERVAL = "no interval: undefined in too many of the draws"


@dataclass(frozen=True, slots=True)
class Score:
    """One metric of a prediction, with its confidence interval."""

    name: str
    value: float | None
    lower: float | None
    upper: float | None
    direction: Direction
    reason: str | None = None
    """Reason, if there is no value."""
    ideal: float | None = None
    """Value of a perfect prediction, where that is not obvious: 0 for bias, the level for coverage, and for the calibration error
    what chance alone gives on these rows."""
    positive_class: int | None = None
    """The outcome that is scored, for scores of the rarer outcome."""
    note: str = ""
    """How the interval was computed, or why there is none."""

    def format(self) -> str:
        """Format the score, as ``0.71 (0.69 to 0.73)``."""
        return (
            format_interval(self.value, self.lower, self.upper)
            if self.value is not None
            else f"none: {self.reason}"
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """One score of two predictions on the same rows: the first minus the second."""

    name: str
    value: float | None
    lower: float | None
    upper: float | None
    direction: Literal["higher", "lower"]
    """Sign that means that the first is better. For a score with an ideal, the difference is of the distances from it."""
    first: float | None
    second: float | None
    reason: str | None = None
    note: str = ""

    @property
    def conclusion(self) -> Literal["better", "worse", "inconclusive"]:
        """What the interval says about the first; inconclusive if it contains 0 or there is none."""
        if self.lower is None or self.upper is None or self.lower <= 0 <= self.upper:
            return "inconclusive"
        return "better" if (self.lower > 0) == (self.direction == "higher") else "worse"

    def format(self) -> str:
        """Format the difference, as ``+0.03 (+0.01 to +0.05)``."""
        if self.value is None:
            return f"none: {self.reason}"
        return format_interval(self.value, self.lower, self.upper, sign="+")


def format_interval(value: float, lower: float | None, upper: float | None, *, sign: str = "") -> str:
    """Format a number with its interval, to three digits."""
    text = f"{value:{sign}.3g}"
    return text if lower is None or upper is None else f"{text} ({lower:{sign}.3g} to {upper:{sign}.3g})"


@dataclass(frozen=True, slots=True)
class _ClassifierRows:
    """Outcomes and probabilities, grouped once by distinct probability."""

    outcome: Floats
    probability: Floats
    base_rate: float
    names: tuple[str, ...]
    levels: Floats
    cell: Indices
    """Twice the row's level, plus its outcome, (n,)."""
    bin_of_level: Indices

    @classmethod
    def from_arrays(
        cls, outcome: Floats, probability: Floats, base_rate: float, names: Sequence[str]
    ) -> Self:
        levels, level = np.unique(probability, return_inverse=True)
        cell = 2 * level + outcome.astype(np.intp)
        bins = equal_mass_bins(np.bincount(level, minlength=len(levels)).astype(np.float64), ECE_BINS)
        return cls(outcome, probability, base_rate, tuple(names), levels, cell, bins)

    def __len__(self) -> int:
        return len(self.outcome)

    def take(self, rows: Indices) -> Self:
        return self.from_arrays(self.outcome[rows], self.probability[rows], self.base_rate, self.names)

    def outcomes(self, weights: Floats | None = None) -> Outcomes:
        counts = np.bincount(self.cell, weights=weights, minlength=2 * len(self.levels)).astype(np.float64)
        return Outcomes(self.levels, counts[1::2], counts[::2], self.bin_of_level, self.base_rate)

    def measure(self, weights: Floats | None) -> Floats:
        outcomes = self.outcomes(weights)
        return np.array([CLASSIFIER[name](outcomes) for name in self.names])


@dataclass(frozen=True, slots=True)
class _AmountRows:
    """Actual and predicted amounts, ranked once."""

    actual: Floats
    predicted: Floats
    inside: Floats | None
    names: tuple[str, ...]
    level_by_predicted: Indices
    level_by_actual: Indices

    @classmethod
    def from_arrays(
        cls, actual: Floats, predicted: Floats, inside: Floats | None, names: Sequence[str]
    ) -> Self:
        ranks = [np.unique(values, return_inverse=True)[1] for values in (predicted, actual)]
        return cls(actual, predicted, inside, tuple(names), *ranks)

    def __len__(self) -> int:
        return len(self.actual)

    def take(self, rows: Indices) -> Self:
        inside = None if self.inside is None else self.inside[rows]
        return self.from_arrays(self.actual[rows], self.predicted[rows], inside, self.names)

    def amounts(self, weights: Floats | None = None) -> Amounts:
        counted = np.ones(len(self)) if weights is None else weights
        ranks = (self.level_by_predicted, self.level_by_actual)
        return Amounts(self.actual, self.predicted, counted, *ranks, self.inside)

    def measure(self, weights: Floats | None) -> Floats:
        amounts = self.amounts(weights)
        return np.array([AMOUNT[name](amounts) for name in self.names])


@dataclass(frozen=True, slots=True)
class _Pair:
    """One score of two predictions: the difference, the first and the second."""

    first: _ClassifierRows | _AmountRows
    second: _ClassifierRows | _AmountRows
    ideal: float | None

    def __len__(self) -> int:
        return len(self.first)

    def take(self, rows: Indices) -> _Pair:
        return _Pair(self.first.take(rows), self.second.take(rows), self.ideal)

    def measure(self, weights: Floats | None) -> Floats:
        first, second = self.first.measure(weights)[0], self.second.measure(weights)[0]
        if self.ideal is None:
            return np.array([first - second, first, second])
        return np.array([abs(first - self.ideal) - abs(second - self.ideal), first, second])


def classification_scores(
    outcome: ArrayLike,
    probability: ArrayLike,
    *,
    base_rate: float,
    groups: Groups = None,
    rng: np.random.Generator,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> dict[str, Score]:
    """Score probabilities: ranking, calibration and skill compared with the constant.

    Args:
        outcome: (n,) 0 or 1.
        probability: (n,) of outcome 1, in 0 to 1.
        base_rate: rate of outcome 1 in the training data, 0 to 1; the constant that ``brier_skill`` compares with, and
            the reason why a class counts as the rarer one.
        groups: (n,) entity of each row; whole entities are resampled.
        rng: source of the draws.
        draws: of the bootstrap.
        level: of the intervals.

    Returns:
        ``roc_auc``, ``pr_auc`` and ``lift_top_tenth`` of the rarer class, ``brier``, ``brier_skill``, ``log_loss`` (natural
        logarithm) and ``ece`` (10 bins of about equal rows). The interval of ``ece`` leans upward, since resampling adds noise
        to every bin.

    Raises:
        DataError: an outcome other than 0 and 1, or a probability outside 0 to 1.

    Example:
        >>> scores = classification_scores(
        ...     [0, 1, 0, 1], [0.2, 0.7, 0.4, 0.3], base_rate=0.4, rng=np.random.default_rng(1)
        ... )
        >>> scores["roc_auc"].value, scores["pr_auc"].positive_class
        (0.75, 1)
    """
    rows = _classifier_rows(outcome, probability, base_rate, tuple(CLASSIFIER))
    resampled = resample(rows, groups=groups, rng=rng, draws=draws, level=level)
    outcomes = rows.outcomes()
    ideals = {"ece": _or_none(ece_noise_floor(outcomes))}
    classes = dict.fromkeys(_OF_RARE_CLASS, rare_class(base_rate))
    return {
        name: _score(
            name, resampled, index, _classifier_reason(name, outcomes), ideals.get(name), classes.get(name)
        )
        for index, name in enumerate(rows.names)
    }


def amount_scores(  # noqa: PLR0913 - two arrays, one interval and how to resample; all but the arrays have defaults
    actual: ArrayLike,
    predicted: ArrayLike,
    *,
    groups: Groups = None,
    rng: np.random.Generator,
    lower: ArrayLike | None = None,
    upper: ArrayLike | None = None,
    interval_level: float = 0.8,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> dict[str, Score]:
    """Score predicted amounts: error, total and ranking.

    Args:
        actual: (n,) what it was, in any unit.
        predicted: (n,) in the same unit.
        groups: (n,) entity of each row; whole entities are resampled.
        rng: source of the draws.
        lower: (n,) lower bounds of each row's prediction interval.
        upper: (n,) upper bounds.
        interval_level: the share of rows that the intervals promise to contain.
        draws: of the bootstrap.
        level: of the scores' intervals.

    Returns:
        ``mae``, ``rmse``, ``bias``, ``gini``, ``correlation``, ``top_tenth_capture`` and, where bounds are given,
        ``interval_coverage``. For counts, whose discrete intervals contain more than they promise, see ``coverage``.

    Raises:
        DataError: a value that is missing or infinite, or a lower bound above its upper one.
    """
    names = [name for name in AMOUNT if name != "interval_coverage" or lower is not None]
    actual_values = check_numbers(actual, "actual")
    predicted_values = check_numbers(predicted, "predicted", rows=len(actual_values))
    rows = _AmountRows.from_arrays(
        actual_values, predicted_values, _inside(actual_values, lower, upper), names
    )
    resampled = resample(rows, groups=groups, rng=rng, draws=draws, level=level)
    amounts = rows.amounts()
    ideals = {"bias": 0.0, "interval_coverage": interval_level}
    return {
        name: _score(name, resampled, index, _amount_reason(name, amounts), ideals.get(name))
        for index, name in enumerate(names)
    }


def paired_difference(  # noqa: PLR0913 - three arrays, what to compare and how to resample
    actual: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    score: str,
    base_rate: float | None = None,
    groups: Groups = None,
    rng: np.random.Generator,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> Difference:
    """Compare two predictions by one score, on the same rows and the same bootstrap draws.

    What makes a row hard is the same for both, so the interval of the difference is narrower than those of the two scores
    suggest.

    Args:
        actual: (n,) 0/1 outcomes for scores of probabilities, amounts for scores of amounts.
        first: (n,) predictions, usually of the challenger.
        second: (n,) predictions, usually of a baseline or the champion.
        score: a name of ``classification_scores`` or ``amount_scores`` (but not ``interval_coverage``).
        base_rate: rate of outcome 1 known from training; required for scores of probabilities.
        groups: (n,) entity of each row.
        rng: source of the draws.
        draws: of the bootstrap.
        level: of the interval.

    Raises:
        ConfigurationError: an unknown score, or a score of probabilities without base rate.
        DataError: as the functions for one prediction.
    """
    pair = _pair(actual, (first, second), score, base_rate)
    resampled = resample(pair, groups=groups, rng=rng, draws=draws, level=level)
    value, first_value, second_value = map(_or_none, resampled.value)
    lower, upper = _or_none(resampled.lower[0]), _or_none(resampled.upper[0])
    reason = None
    if value is None:
        reasons = [_reason(score, rows) for rows in (pair.first, pair.second)]
        reason = next((text for text in reasons if text), _NO_ROWS)
    return Difference(
        name=score,
        value=value,
        lower=lower,
        upper=upper,
        direction="higher" if DIRECTIONS[score] == "higher" else "lower",
        first=first_value,
        second=second_value,
        reason=reason,
        note=_note(resampled.note, value, lower),
    )


def _pair(
    actual: ArrayLike, predictions: tuple[ArrayLike, ArrayLike], score: str, base_rate: float | None
) -> _Pair:
    if score in CLASSIFIER:
        if base_rate is None:
            raise ConfigurationError(f"{score} needs the base rate known from training")
        challenger, reference = (
            _classifier_rows(actual, values, base_rate, (score,)) for values in predictions
        )
        return _Pair(challenger, reference, None)
    if score not in AMOUNT or score == "interval_coverage":
        names = [name for name in DIRECTIONS if name != "interval_coverage"]
        raise ConfigurationError(f"no score '{score}' of two predictions{near_match(score, names)}")
    amounts = check_numbers(actual, "actual")
    first, second = (
        _AmountRows.from_arrays(amounts, check_numbers(values, name, rows=len(amounts)), None, (score,))
        for values, name in zip(predictions, ("first", "second"), strict=True)
    )
    return _Pair(first, second, 0.0 if score == "bias" else None)


def _classifier_rows(
    outcome: ArrayLike, probability: ArrayLike, base_rate: float, names: tuple[str, ...]
) -> _ClassifierRows:
    if not 0 <= base_rate <= 1:
        raise DataError(f"the base rate is {base_rate:g}, expected 0 to 1")
    outcomes = check_outcome(outcome)
    return _ClassifierRows.from_arrays(
        outcomes, check_probability(probability, rows=len(outcomes)), base_rate, names
    )


def _inside(actual: Floats, lower: ArrayLike | None, upper: ArrayLike | None) -> Floats | None:
    if lower is None or upper is None:
        if lower is not upper:
            raise DataError("an interval needs both bounds")
        return None
    low = check_numbers(lower, "lower", rows=len(actual))
    high = check_numbers(upper, "upper", rows=len(actual))
    if (low > high).any():
        raise DataError(f"lower row {int(np.argmax(low > high))} is above its upper bound")
    return ((low <= actual) & (actual <= high)).astype(np.float64)


def _score(
    name: str,
    resampled: Resampled,
    index: int,
    reason: str | None,
    ideal: float | None = None,
    positive_class: int | None = None,
) -> Score:
    value, lower, upper = (
        _or_none(bounds[index]) for bounds in (resampled.value, resampled.lower, resampled.upper)
    )
    return Score(
        name=name,
        value=value,
        lower=lower,
        upper=upper,
        direction=DIRECTIONS[name],
        reason=reason if value is None else None,
        ideal=ideal,
        positive_class=positive_class,
        note=_note(resampled.note, value, lower),
    )


def _note(note: str, value: float | None, lower: float | None) -> str:
    if value is None:
        return ""
    return note if lower is not None or note.startswith("no interval") else _NO_INTERVAL


def _reason(name: str, rows: _ClassifierRows | _AmountRows) -> str | None:
    if isinstance(rows, _AmountRows):
        return _amount_reason(name, rows.amounts())
    return _classifier_reason(name, rows.outcomes())


def _classifier_reason(name: str, outcomes: Outcomes) -> str | None:
    """Return the reason why a score of probabilities is undefined; None if it is defined."""
    if not math.isnan(CLASSIFIER[name](outcomes)):
        return None
    if not outcomes.counts.sum():
        return _NO_ROWS
    if name == "brier_skill":
        return "the constant is right about every row, so nothing can be better"
    return _ONE_CLASS


def _amount_reason(name: str, amounts: Amounts) -> str | None:
    """Return the reason why a score of amounts is undefined; None if it is defined."""
    if not math.isnan(AMOUNT[name](amounts)):
        return None
    if not amounts.weights.sum():
        return _NO_ROWS
    if name == "correlation":
        which = "actual" if not amounts.varies(amounts.actual) else "predicted"
        return f"the {which} amounts are all the same"
    if name == "gini" and not amounts.varies(amounts.actual):
        return "the actual amounts are all the same"
    return _NO_TOTAL


def _or_none(value: float) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
