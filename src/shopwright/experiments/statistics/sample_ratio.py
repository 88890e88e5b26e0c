"""Sample ratio: whether the variants have the units that their weights promise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln, logsumexp
from scipy.stats import chisquare

if TYPE_CHECKING:
    from collections.abc import Sequence

THRESHOLD = 0.01
"""Sequential p-value below which a sample ratio counts as mismatched: the share of valid experiments that are ever called so."""

CONCENTRATIONS = (2, 30, 500, 8000)
"""Units that each prior of the sequential test is worth; all count alike. With few units, shares of 1:1 differ from the planned
ones by up to 0.3 (standard deviation), as where a variant gets next to nobody; with many, by 0.006."""


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Observed and expected units by variant, with a test of their difference."""

    observed: tuple[int, ...]
    expected: tuple[float, ...]
    statistic: float | None
    dof: int
    pvalue: float | None
    """Of the chi-square test, which holds for one look, planned beforehand."""
    sequential_pvalue: float | None
    """Holds however often one looks."""
    threshold: float
    reason: str | None = None
    """Why there is no test; None with one."""

    @property
    def is_mismatch(self) -> bool:
        """Whether chance does not explain the split; False without a test."""
        return self.sequential_pvalue is not None and self.sequential_pvalue < self.threshold


def sample_ratio(
    observed: Sequence[int], *, weights: Sequence[float], threshold: float = THRESHOLD
) -> SampleRatio:
    """Test for a sample ratio mismatch: a chi-square test of fit, and a sequential test that may be repeated at every look.

    Args:
        observed: units by variant.
        weights: planned shares by variant, on any scale; each above 0.
        threshold: sequential p-value below which the split is flagged. Well below 0.05, because a mismatch makes all
            results invalid.

    Raises:
        ValueError: not one weight above 0 for each of two variants or more, or a negative count.

    Source: A. Fabijan and others, "Diagnosing Sample Ratio Mismatch in Online Controlled Experiments", KDD 2019; the
    sequential test: M. Lindon and A. Malek, "Anytime-Valid Inference for Multinomial Count Data", NeurIPS 2022, the Bayes
    factor of a mixture of Dirichlet priors around the planned shares.

    Example:
        >>> split = sample_ratio([44_700, 45_489], weights=[1, 1])
        >>> round(split.statistic, 4), round(split.pvalue, 5)
        (6.9024, 0.00861)
        >>> round(split.sequential_pvalue, 3), split.is_mismatch
        (0.408, False)
    """
    if len(observed) != len(weights) or len(observed) < 2:
        raise ValueError(f"two variants or more, each with a weight: {list(observed)} and {list(weights)}")
    if min(weights) <= 0 or min(observed) < 0:
        raise ValueError(f"weights lie above 0 and counts at 0 or more: {list(weights)} and {list(observed)}")
    units, dof = sum(observed), len(observed) - 1
    expected = tuple(units * weight / sum(weights) for weight in weights)
    if not units:
        return SampleRatio(tuple(observed), expected, None, dof, None, None, threshold, "no units")
    test = chisquare(observed, expected)
    return SampleRatio(
        tuple(observed),
        expected,
        float(test.statistic),
        dof,
        float(test.pvalue),
        _sequential_pvalue(observed, weights),
        threshold,
    )


def _sequential_pvalue(observed: Sequence[int], weights: Sequence[float]) -> float:
    """Return the inverse of the mean Bayes factor of other shares than the planned ones, at most 1."""
    counts = np.asarray(observed, dtype=np.float64)
    shares = np.asarray(weights, dtype=np.float64) / sum(weights)
    planned = float(counts @ np.log(shares))
    log_factors = [
        _log_beta(prior + counts) - _log_beta(prior) - planned
        for prior in (concentration * shares for concentration in CONCENTRATIONS)
    ]
    return float(np.exp(min(0.0, math.log(len(log_factors)) - float(logsumexp(log_factors)))))


def _log_beta(parameters: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """Return the logarithm of the multivariate beta function."""
    return float(np.sum(gammaln(parameters)) - gammaln(np.sum(parameters)))
