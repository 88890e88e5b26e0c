"""Bayesian view of a relative effect: chance to win, expected loss, credible interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy.special import ndtr

from shopwright.experiments.statistics.distributions import Normal
from shopwright.experiments.statistics.estimate import LEVEL, Interval

if TYPE_CHECKING:
    from shopwright.experiments.statistics.estimate import Estimate


@dataclass(frozen=True, slots=True)
class NormalPrior:
    """Prior of a relative effect: 0.05 is 5%.

    Raises:
        ValueError: the standard deviation is not above 0.
    """

    standard_deviation: float
    mean: float = 0.0

    def __post_init__(self) -> None:
        if not self.standard_deviation > 0:
            raise ValueError(f"a prior needs a standard deviation above 0, not {self.standard_deviation}")


@dataclass(frozen=True, slots=True)
class Posterior:
    """Posterior of the relative effect; None where it is undefined."""

    mean: float | None
    standard_deviation: float | None
    interval: Interval | None
    """Holds the effect with a probability of its level, equal tails."""
    chance_to_win: float | None
    """Probability that the treatment is better."""
    expected_loss: float | None
    """Relative worsening to expect from shipping, counting a better treatment as no loss; 0.01 is 1%."""
    prior: NormalPrior | None
    reason: str | None = None


def posterior(
    estimate: Estimate,
    *,
    prior: NormalPrior | None = None,
    is_higher_better: bool = True,
    level: float = LEVEL,
) -> Posterior:
    """Combine a prior on the relative effect with a normal likelihood.

    Args:
        estimate: any with a relative difference; take a fixed-horizon or always-valid one, only value and
            standard error are used.
        prior: flat (improper) if not given, and the interval is then that of the likelihood.
        is_higher_better: the metric's direction.
        level: of the credible interval.

    Source: conjugate normal update, A. Gelman and others, "Bayesian Data Analysis", 3rd edition, equations
    2.11 and 2.12; expected loss: C. Stucchio, "Bayesian A/B Testing at VWO", 2015, here in closed form,
    E[max(0, -d)] = s phi(m / s) - m Phi(-m / s).

    Example:
        >>> from shopwright.experiments.statistics import Proportion, two_proportions
        >>> belief = posterior(two_proportions(Proportion(49, 100), Proportion(51, 100)))
        >>> round(belief.mean, 5), round(belief.chance_to_win, 5)
        (0.04082, 0.60918)
    """
    effect = estimate.relative
    if effect is None or not effect.standard_error:
        reason = estimate.relative_reason or "no standard error"
        return Posterior(None, None, None, None, None, prior, reason)
    mean, deviation = _update(effect.value, effect.standard_error, prior)
    half = Normal().critical(level) * deviation
    gain = mean if is_higher_better else -mean
    return Posterior(
        mean=mean,
        standard_deviation=deviation,
        interval=Interval(mean - half, mean + half, level),
        chance_to_win=float(ndtr(gain / deviation)),
        expected_loss=_expected_loss(gain, deviation),
        prior=prior,
    )


def _update(value: float, error: float, prior: NormalPrior | None) -> tuple[float, float]:
    """Return mean and standard deviation, prior and data weighted by their precision."""
    if prior is None:
        return value, error
    weight = 1 / (1 + (error / prior.standard_deviation) ** 2)
    return weight * value + (1 - weight) * prior.mean, math.sqrt(weight) * error


def _expected_loss(gain: float, deviation: float) -> float:
    ratio = gain / deviation
    density = math.exp(-ratio * ratio / 2) / math.sqrt(2 * math.pi)
    return max(0.0, deviation * density - gain * float(ndtr(-ratio)))
