"""Calibration: whether a probability of 30% comes true three times in ten, and how to correct it if not."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from scipy.optimize import isotonic_regression, minimize
from scipy.stats import binomtest

from shopwright.core.errors import ConfigurationError, DataError
from shopwright.evaluation.checks import check_outcome, check_probability
from shopwright.evaluation.measures import EPSILON, dot, equal_mass_bins, sum_by_index
from shopwright.evaluation.resampling import factorize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from shopwright.evaluation.checks import Floats

Method = Literal["identity", "beta", "isotonic"]
METHODS: tuple[Method, ...] = get_args(Method)
"""From the simplest to the most flexible."""
MIN_ROWS_PER_CLASS = 20
"""With fewer rows of either outcome no calibration is fitted: it would fit noise."""
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows of about equal probability."""

    count: int
    min_probability: float
    max_probability: float
    predicted: float
    """Mean probability."""
    observed: float
    """Rate of the outcome."""
    observed_lower: float
    """Lower bound of Wilson's 95% interval."""
    observed_upper: float


@dataclass(frozen=True, slots=True)
class ReliabilityCurve:
    """Predicted and observed rates by bin, from the lowest probabilities to the highest."""

    bins: tuple[Bin, ...]
    expected_calibration_error: float | None
    noise_floor: float | None
    """The error that perfectly calibrated probabilities would show on these rows."""
    reason: str | None = None
    """Reason, if there are no bins."""


def reliability_curve(outcome: ArrayLike, probability: ArrayLike, *, bins: int = 10) -> ReliabilityCurve:
    """Group rows by probability into bins of about equal size, and compare predicted and observed rates.

    Rows with equal probabilities are always in the same bin, so there may be fewer bins than requested.

    Args:
        outcome: (n,) 0 or 1.
        probability: (n,) in 0 to 1.
        bins: maximum number of bins.

    Raises:
        DataError: an outcome other than 0 and 1, or a probability outside 0 to 1.

    Source: equal mass: K. Nguyen, B. O'Connor, EMNLP 2015, Section 3.1; intervals: E. B. Wilson, Journal of the American
    Statistical Association 22, 1927; by chance: see ``measures.ece_noise_floor``.
    """
    if bins < 1:
        raise ConfigurationError(f"bins is {bins}, expected 1 or more")
    outcomes = check_outcome(outcome)
    probabilities = check_probability(probability, rows=len(outcomes))
    if not len(outcomes):
        return ReliabilityCurve((), None, None, "there are no rows")
    _, level, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    bin_of_row = equal_mass_bins(counts.astype(np.float64), bins)[level]
    results = tuple(
        _bin(outcomes[bin_of_row == index], probabilities[bin_of_row == index])
        for index in np.unique(bin_of_row)
    )
    rows = len(outcomes)
    variance = np.bincount(bin_of_row, weights=probabilities * (1 - probabilities))
    return ReliabilityCurve(
        bins=results,
        expected_calibration_error=sum(
            index.count * abs(index.predicted - index.observed) for index in results
        )
        / rows,
        noise_floor=float(np.sqrt(2 / np.pi * variance).sum() / rows),
    )


def _bin(outcome: Floats, probabilities: Floats) -> Bin:
    count = len(outcome)
    # Exact at rates of 0 and 1, where the formula written out leaves a lower bound of 3e-17 above an observed 0.
    interval = binomtest(int(outcome.sum()), count).proportion_ci(confidence_level=0.95, method="wilson")
    return Bin(
        count=count,
        min_probability=float(probabilities.min()),
        max_probability=float(probabilities.max()),
        predicted=float(probabilities.mean()),
        observed=float(outcome.mean()),
        observed_lower=float(interval.low),
        observed_upper=float(interval.high),
    )


def expected_calibration_error(outcome: ArrayLike, probability: ArrayLike, *, bins: int = 10) -> float | None:
    """Compute the mean distance between predicted and observed rate over the reliability curve's bins; None without rows.

    On few rows it is above 0 even for a perfect model: compare it with the curve's ``noise_floor``.
    """
    return reliability_curve(outcome, probability, bins=bins).expected_calibration_error


@dataclass(frozen=True, slots=True)
class Calibrator:
    """A monotone function from a model's probabilities to calibrated ones."""

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
        """Choose between no calibration, a beta curve and isotonic regression, on rows that the model did not learn from.

        The methods are compared by cross-validation. The result is the simplest method whose
        log loss is within one standard error of the best one's, fitted again on all rows; so a well calibrated model
        is left alone. The beta curve includes Platt scaling (on log odds) as the case a = b.

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
        outcomes = check_outcome(outcome)
        probabilities = check_probability(probability, rows=len(outcomes))
        positives = int(outcomes.sum())
        if min(positives, len(outcomes) - positives) < MIN_ROWS_PER_CLASS:
            counts = f"{positives:,} rows with outcome 1 and {len(outcomes) - positives:,} with 0"
            return cls("identity", reason=f"{counts} are too few: {MIN_ROWS_PER_CLASS} of each are needed")
        fold = _folds(len(outcomes), groups, folds, rng)
        losses = {method: _validated(method, outcomes, probabilities, fold) for method in METHODS}
        means = {method: float(values.mean()) for method, values in losses.items()}
        best = min(METHODS, key=lambda method: means[method])
        simplest = next(method for method in METHODS if _as_good(losses[method], losses[best]))
        fitted = _fit(simplest, outcomes, probabilities)
        loss_text = ", ".join(f"{method} {means[method]:.4f}" for method in METHODS)
        reason = f"the simplest within one standard error of the best log loss: {loss_text}"
        return cls(
            simplest,
            fitted.coefficients,
            fitted.knots,
            {str(name): loss for name, loss in means.items()},
            reason,
        )

    def apply(self, probability: ArrayLike) -> Floats:
        """Return the calibrated probabilities, (n,), for a model's probabilities, (n,)."""
        values = np.asarray(probability, dtype=np.float64)
        probabilities = check_probability(values, rows=len(values))
        if self.coefficients is not None:
            return _beta(_log_odds(probabilities, self.coefficients))
        if self.knots is not None:
            return np.interp(probabilities, *self.knots)
        return probabilities

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that survive JSON unchanged."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Calibrator:
        """Restore the calibrator that ``to_dict`` wrote.

        Raises:
            DataError: it is not a stored calibrator.
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


def _checked(calibrator: Calibrator) -> Calibrator:
    if calibrator.method not in METHODS:
        raise ValueError(f"method {calibrator.method!r}")
    if (calibrator.coefficients is not None) != (calibrator.method == "beta"):
        raise ValueError(f"coefficients of {calibrator.method}")
    if (calibrator.knots is not None) != (calibrator.method == "isotonic"):
        raise ValueError(f"knots of {calibrator.method}")
    if calibrator.coefficients is not None and not (
        np.isfinite(calibrator.coefficients).all() and min(calibrator.coefficients[:2]) >= 0
    ):
        raise ValueError("coefficients that are not numbers or fall")
    if calibrator.knots is not None:
        before, after = (np.array(values) for values in calibrator.knots)
        inside = all(
            np.isfinite(values).all() and ((values >= 0) & (values <= 1)).all() for values in (before, after)
        )
        rising = (np.diff(before) > 0).all() and (np.diff(after) >= 0).all()
        if not (len(before) and len(before) == len(after) and inside and rising):
            raise ValueError("knots that do not rise from 0 to 1")
    return calibrator


def _folds(rows: int, groups: NDArray[Any] | None, folds: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Assign each row to a fold, of about equal size; rows of a group share one."""
    if folds < 2:
        raise ConfigurationError(f"folds is {folds}, expected 2 or more")
    if groups is None:
        return rng.permutation(np.arange(rows) % folds)
    if len(groups) != rows:
        raise DataError(f"groups has {len(groups):,} rows, expected {rows:,}")
    group = factorize(groups)
    return rng.permutation(np.arange(int(group.max()) + 1) % folds)[group]


def _validated(method: Method, outcome: Floats, probability: Floats, fold: NDArray[np.intp]) -> Floats:
    """Compute the log loss of each row, by the method fitted without the row's fold."""
    losses = np.empty(len(outcome))
    for number in np.unique(fold):
        holdout = fold == number
        fitted = _fit(method, outcome[~holdout], probability[~holdout])
        losses[holdout] = _loss(outcome[holdout], fitted.apply(probability[holdout]))
    return losses


def _as_good(losses: Floats, best: Floats) -> bool:
    worse = losses - best
    return bool(worse.mean() <= worse.std() / np.sqrt(len(worse)))


def _loss(outcome: Floats, probability: Floats) -> Floats:
    clipped = np.clip(probability, EPSILON, 1 - EPSILON)
    return np.where(outcome == 1, -np.log(clipped), -np.log1p(-clipped))


def _fit(method: Method, outcome: Floats, probability: Floats) -> Calibrator:
    if method == "identity" or not 0 < outcome.sum() < len(outcome):
        return Calibrator("identity")
    if method == "beta":
        return Calibrator("beta", coefficients=_fit_beta(outcome, probability))
    return Calibrator("isotonic", knots=_fit_isotonic(outcome, probability))


def _features(probability: Floats) -> Floats:
    clipped = np.clip(probability, EPSILON, 1 - EPSILON)
    return np.column_stack([np.log(clipped), -np.log1p(-clipped), np.ones_like(clipped)])


def _log_odds(probability: Floats, coefficients: tuple[float, float, float]) -> Floats:
    return np.asarray(np.einsum("ij,j->i", _features(probability), np.array(coefficients)))


def _beta(log_odds: Floats) -> Floats:
    # By tanh, which never overflows.
    return 0.5 * (1 + np.tanh(log_odds / 2))


def _fit_beta(outcome: Floats, probability: Floats) -> tuple[float, float, float]:
    """Fit by maximum likelihood, with a and b at least 0 so that the order of rows is preserved."""
    levels, level = np.unique(probability, return_inverse=True)
    counts = np.bincount(level).astype(np.float64)
    positives = sum_by_index(level, outcome)
    features, rows = _features(levels), len(outcome)

    def loss(coefficients: Floats) -> tuple[float, Floats]:
        log_odds = np.einsum("ij,j->i", features, coefficients)
        value = dot(counts, np.logaddexp(0, log_odds)) - dot(positives, log_odds)
        slope = np.einsum("ij,i->j", features, counts * _beta(log_odds) - positives)
        return float(value / rows), slope / rows

    start, bounds = np.array([1.0, 1.0, 0.0]), [(0, None), (0, None), (None, None)]
    solution = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-12, "maxiter": 200}
    )
    a, b, c = map(float, solution.x)
    return a, b, c


def _fit_isotonic(outcome: Floats, probability: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Pool adjacent violators into rising rates, and return the first and last probability of each block.

    A first block without any outcome (or a last one with nothing else) shows that it is rare, not impossible: its rate
    is half a row in its rows plus one (Krichevsky and Trofimov), unless the next block's rate is closer.
    """
    levels, level, counts = np.unique(probability, return_inverse=True, return_counts=True)
    rates = np.bincount(level, weights=outcome) / counts
    solution = isotonic_regression(rates, weights=counts)
    rate, starts = np.asarray(solution.x, dtype=np.float64), np.asarray(solution.blocks)
    sizes = np.add.reduceat(counts, starts[:-1])
    block = rate[starts[:-1]]
    min_rate = 0.5 / (sizes[0] + 1) if block[0] <= 0 else block[0]
    max_rate = 1 - 0.5 / (sizes[-1] + 1) if block[-1] >= 1 else block[-1]
    if len(block) > 1:
        min_rate, max_rate = min(min_rate, block[1]), max(max_rate, block[-2])
    clipped = np.clip(block, min_rate, max_rate)
    edges = np.column_stack([levels[starts[:-1]], levels[starts[1:] - 1]])
    before, first = np.unique(edges.ravel(), return_index=True)
    after = np.repeat(clipped, 2)[first]
    return tuple(before.tolist()), tuple(np.clip(after, 0, 1).tolist())
