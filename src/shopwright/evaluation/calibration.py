"""Whether a probability of 30 % means that it happens three times in ten, and how to make it so."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from scipy.optimize import isotonic_regression, minimize
from scipy.stats import binomtest

from shopwright.core.errors import ConfigurationError, DataError
from shopwright.evaluation.checks import as_outcome, as_probability
from shopwright.evaluation.measures import SMALLEST, dot, equal_mass_bins, sums
from shopwright.evaluation.resampling import codes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from shopwright.evaluation.checks import Floats

Method = Literal["identity", "beta", "isotonic"]
METHODS: tuple[Method, ...] = get_args(Method)
"""From the simplest to the most flexible."""
LEAST_OF_EACH = 20
"""With fewer rows of either outcome nothing is fitted: it would follow chance."""
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows of about equal probability."""

    count: int
    lowest: float
    highest: float
    predicted: float
    """Mean probability."""
    observed: float
    """Rate of the outcome."""
    observed_lower: float
    """Of Wilson's 95 % interval."""
    observed_upper: float


@dataclass(frozen=True, slots=True)
class ReliabilityCurve:
    """Predicted beside observed rates, from the least likely rows to the most likely."""

    bins: tuple[Bin, ...]
    expected_calibration_error: float | None
    by_chance: float | None
    """The error that perfectly calibrated probabilities would show on these rows."""
    reason: str | None = None
    """Why there is nothing."""


def reliability_curve(outcome: ArrayLike, probability: ArrayLike, *, bins: int = 10) -> ReliabilityCurve:
    """Group rows by probability into bins of about equal size and compare rates.

    Rows with equal probability are always in one bin, so there may be fewer bins than asked for.

    Args:
        outcome: (n,) 0 or 1.
        probability: (n,) in 0 to 1.
        bins: at most so many.

    Raises:
        DataError: an outcome other than 0 and 1, or a probability outside 0 to 1.

    Source: equal mass: K. Nguyen, B. O'Connor, EMNLP 2015, Section 3.1; intervals: E. B. Wilson, Journal of the American
    Statistical Association 22, 1927; by chance: see ``measures.ece_by_chance``.
    """
    if bins < 1:
        raise ConfigurationError(f"bins is {bins}, expected 1 or more")
    happened = as_outcome(outcome)
    chance = as_probability(probability, rows=len(happened))
    if not len(happened):
        return ReliabilityCurve((), None, None, "there are no rows")
    _, level, counts = np.unique(chance, return_inverse=True, return_counts=True)
    place = equal_mass_bins(counts.astype(np.float64), bins)[level]
    found = tuple(_bin(happened[place == each], chance[place == each]) for each in np.unique(place))
    rows = len(happened)
    variance = np.bincount(place, weights=chance * (1 - chance))
    return ReliabilityCurve(
        bins=found,
        expected_calibration_error=sum(each.count * abs(each.predicted - each.observed) for each in found)
        / rows,
        by_chance=float(np.sqrt(2 / np.pi * variance).sum() / rows),
    )


def _bin(outcome: Floats, probability: Floats) -> Bin:
    count = len(outcome)
    # Exact at rates of 0 and 1, where the formula written out leaves a lower bound of 3e-17 above an observed 0.
    interval = binomtest(int(outcome.sum()), count).proportion_ci(confidence_level=0.95, method="wilson")
    return Bin(
        count=count,
        lowest=float(probability.min()),
        highest=float(probability.max()),
        predicted=float(probability.mean()),
        observed=float(outcome.mean()),
        observed_lower=float(interval.low),
        observed_upper=float(interval.high),
    )


def expected_calibration_error(outcome: ArrayLike, probability: ArrayLike, *, bins: int = 10) -> float | None:
    """Mean distance of predicted and observed rate over the bins of the reliability curve; None without rows.

    On few rows it is above 0 for a perfect model too: compare with the curve's ``by_chance``.
    """
    return reliability_curve(outcome, probability, bins=bins).expected_calibration_error


@dataclass(frozen=True, slots=True)
class Calibrator:
    """A rising function from a model's probability to one that means what it says."""

    method: Method
    coefficients: tuple[float, float, float] | None = None
    """Of ``beta``: a, b, c in log-odds = a ln(p) - b ln(1 - p) + c, a and b 0 or more."""
    knots: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    """Of ``isotonic``: probabilities before, rising, and after; in between it is linear, beyond the ends constant."""
    losses: dict[str, float] = field(default_factory=dict)
    """Cross-validated log loss of each method."""
    reason: str = ""
    """Why this method."""

    @classmethod
    def fit(
        cls,
        outcome: ArrayLike,
        probability: ArrayLike,
        *,
        groups: NDArray[Any] | None = None,
        rng: np.random.Generator,
        folds: int = FOLDS,
    ) -> Calibrator:
        """Choose between nothing, a beta curve and a monotone step curve, on rows that the model has not learned from.

        Each method is fitted on four fifths of the rows and scored on the rest, in turn. The simplest method is taken whose
        log loss is within one standard error of the best one's, and fitted again on all rows; so a well calibrated model
        is left alone. The beta curve holds Platt's (on log-odds) as the case a = b.

        Args:
            outcome: (n,) 0 or 1, of validation rows.
            probability: (n,) the model's, in 0 to 1.
            groups: (n,) entity of each row, kept together in the folds.
            rng: draws the folds.
            folds: 2 or more.

        Source: M. Kull, T. Silva Filho, P. Flach, "Beta calibration", AISTATS 2017, equation 1; J. Platt, 1999; B. Zadrozny, C.
        Elkan, KDD 2002 (isotonic); one standard error: L. Breiman et al., "Classification and Regression Trees", 1984,
        Section 3.4.3.
        """
        happened = as_outcome(outcome)
        chance = as_probability(probability, rows=len(happened))
        ones = int(happened.sum())
        if min(ones, len(happened) - ones) < LEAST_OF_EACH:
            counts = f"{ones:,} rows with outcome 1 and {len(happened) - ones:,} with 0"
            return cls("identity", reason=f"{counts} are too few: {LEAST_OF_EACH} of each are needed")
        fold = _folds(len(happened), groups, folds, rng)
        losses = {method: _validated(method, happened, chance, fold) for method in METHODS}
        means = {method: float(values.mean()) for method, values in losses.items()}
        best = min(METHODS, key=lambda method: means[method])
        chosen = next(method for method in METHODS if _as_good(losses[method], losses[best]))
        fitted = _fit(chosen, happened, chance)
        told = ", ".join(f"{method} {means[method]:.4f}" for method in METHODS)
        reason = f"the simplest within one standard error of the best log loss: {told}"
        return cls(
            chosen,
            fitted.coefficients,
            fitted.knots,
            {str(name): loss for name, loss in means.items()},
            reason,
        )

    def apply(self, probability: ArrayLike) -> Floats:
        """The calibrated probabilities, (n,)."""
        values = np.asarray(probability, dtype=np.float64)
        chance = as_probability(values, rows=len(values))
        if self.coefficients is not None:
            return _beta(_log_odds(chance, self.coefficients))
        if self.knots is not None:
            return np.interp(chance, *self.knots)
        return chance

    def to_dict(self) -> dict[str, Any]:
        """Plain values that survive JSON unchanged."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Calibrator:
        """The calibrator that ``to_dict`` wrote.

        Raises:
            DataError: it is none.
        """
        try:
            return _checked(
                cls(
                    method=stored["method"],
                    coefficients=_coefficients(stored["coefficients"]),
                    knots=_knots(stored["knots"]),
                    losses={str(name): float(loss) for name, loss in stored["losses"].items()},
                    reason=str(stored["reason"]),
                )
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"no stored calibrator: {error!r}") from error


def _coefficients(stored: Any) -> tuple[float, float, float] | None:
    if stored is None:
        return None
    a, b, c = map(float, stored)
    return a, b, c


def _knots(stored: Any) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    if stored is None:
        return None
    before, after = stored
    return tuple(map(float, before)), tuple(map(float, after))


def _checked(found: Calibrator) -> Calibrator:
    if found.method not in METHODS:
        raise ValueError(f"method {found.method!r}")
    if (found.coefficients is not None) != (found.method == "beta"):
        raise ValueError(f"coefficients of {found.method}")
    if (found.knots is not None) != (found.method == "isotonic"):
        raise ValueError(f"knots of {found.method}")
    if found.coefficients is not None and not (
        np.isfinite(found.coefficients).all() and min(found.coefficients[:2]) >= 0
    ):
        raise ValueError("coefficients that are not numbers or fall")
    if found.knots is not None:
        before, after = (np.array(each) for each in found.knots)
        inside = all(
            np.isfinite(each).all() and ((each >= 0) & (each <= 1)).all() for each in (before, after)
        )
        rising = (np.diff(before) > 0).all() and (np.diff(after) >= 0).all()
        if not (len(before) and len(before) == len(after) and inside and rising):
            raise ValueError("knots that do not rise from 0 to 1")
    return found


def _folds(rows: int, groups: NDArray[Any] | None, folds: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Fold of each row, of about equal size; rows of a group are in one."""
    if folds < 2:
        raise ConfigurationError(f"folds is {folds}, expected 2 or more")
    if groups is None:
        return rng.permutation(np.arange(rows) % folds)
    if len(groups) != rows:
        raise DataError(f"groups has {len(groups):,} rows, expected {rows:,}")
    group = codes(groups)
    return rng.permutation(np.arange(int(group.max()) + 1) % folds)[group]


def _validated(method: Method, outcome: Floats, probability: Floats, fold: NDArray[np.intp]) -> Floats:
    """Log loss of each row by the method fitted without its fold."""
    losses = np.empty(len(outcome))
    for each in np.unique(fold):
        held = fold == each
        fitted = _fit(method, outcome[~held], probability[~held])
        losses[held] = _loss(outcome[held], fitted.apply(probability[held]))
    return losses


def _as_good(losses: Floats, best: Floats) -> bool:
    worse = losses - best
    return bool(worse.mean() <= worse.std() / np.sqrt(len(worse)))


def _loss(outcome: Floats, probability: Floats) -> Floats:
    kept = np.clip(probability, SMALLEST, 1 - SMALLEST)
    return np.where(outcome == 1, -np.log(kept), -np.log1p(-kept))


def _fit(method: Method, outcome: Floats, probability: Floats) -> Calibrator:
    if method == "identity" or not 0 < outcome.sum() < len(outcome):
        return Calibrator("identity")
    if method == "beta":
        return Calibrator("beta", coefficients=_fit_beta(outcome, probability))
    return Calibrator("isotonic", knots=_fit_isotonic(outcome, probability))


def _features(probability: Floats) -> Floats:
    kept = np.clip(probability, SMALLEST, 1 - SMALLEST)
    return np.column_stack([np.log(kept), -np.log1p(-kept), np.ones_like(kept)])


def _log_odds(probability: Floats, coefficients: tuple[float, float, float]) -> Floats:
    return np.asarray(np.einsum("ij,j->i", _features(probability), np.array(coefficients)))


def _beta(log_odds: Floats) -> Floats:
    # By tanh, which never overflows.
    return 0.5 * (1 + np.tanh(log_odds / 2))


def _fit_beta(outcome: Floats, probability: Floats) -> tuple[float, float, float]:
    """Maximum likelihood, a and b bounded below by 0 so that the order of rows is kept."""
    levels, level = np.unique(probability, return_inverse=True)
    counts = np.bincount(level).astype(np.float64)
    ones = sums(level, outcome)
    features, rows = _features(levels), len(outcome)

    def loss(coefficients: Floats) -> tuple[float, Floats]:
        log_odds = np.einsum("ij,j->i", features, coefficients)
        value = dot(counts, np.logaddexp(0, log_odds)) - dot(ones, log_odds)
        slope = np.einsum("ij,i->j", features, counts * _beta(log_odds) - ones)
        return float(value / rows), slope / rows

    start, bounds = np.array([1.0, 1.0, 0.0]), [(0, None), (0, None), (None, None)]
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-12, "maxiter": 200}
    )
    a, b, c = map(float, found.x)
    return a, b, c


def _fit_isotonic(outcome: Floats, probability: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Rising rates by pooling adjacent violators, as the first and last probability of each block.

    A block at either end in which nothing (or everything) happened says that it is rare, not that it is impossible: its rate
    is half a row in its rows and one (Krichevsky and Trofimov), unless the next block's rate is nearer.
    """
    levels, level, counts = np.unique(probability, return_inverse=True, return_counts=True)
    rates = np.bincount(level, weights=outcome) / counts
    found = isotonic_regression(rates, weights=counts)
    rate, starts = np.asarray(found.x, dtype=np.float64), np.asarray(found.blocks)
    sizes = np.add.reduceat(counts, starts[:-1])
    block = rate[starts[:-1]]
    lowest = 0.5 / (sizes[0] + 1) if block[0] <= 0 else block[0]
    highest = 1 - 0.5 / (sizes[-1] + 1) if block[-1] >= 1 else block[-1]
    if len(block) > 1:
        lowest, highest = min(lowest, block[1]), max(highest, block[-2])
    kept = np.clip(block, lowest, highest)
    edges = np.column_stack([levels[starts[:-1]], levels[starts[1:] - 1]])
    before, first = np.unique(edges.ravel(), return_index=True)
    after = np.repeat(kept, 2)[first]
    return tuple(before.tolist()), tuple(np.clip(after, 0, 1).tolist())
