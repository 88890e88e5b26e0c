"""Pareto/NBD: customers buy at a steady rate until they leave, which can happen at any time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import digamma, exprel, gammaln

from shopwright.models.btyd.model import Likelihood, PurchaseModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from shopwright.models.btyd.fitting import FitReport
    from shopwright.models.btyd.summary import Floats, PurchaseHistory

    _LogIntegrand = Callable[[Floats, Floats], Floats]

_ROWS = 4_096
"""Customers per batch: bounds the memory of the quadrature."""
_NEGLIGIBLE = 40.0
"""Drop of a log integrand beyond which the rest is invisible in double precision."""


def _nodes(count: int) -> tuple[Floats, Floats]:
    """Return Gauss-Legendre nodes and weights on [0, 1]."""
    node, weight = np.polynomial.legendre.leggauss(count)
    return (node + 1) / 2, weight / 2


@dataclass(frozen=True, slots=True)
class ParetoNbd(PurchaseModel):
    """A fitted Pareto/NBD model.

    The rate of purchases varies between customers as Gamma(r, alpha), the rate of leaving as Gamma(s, beta).

    Source: Schmittlein, Morrison and Colombo (1987), "Counting your customers: who are they and what will they
    do next?", Management Science 33(1), 1-24; notation of Fader and Hardie (2005), "A note on deriving the
    Pareto/NBD model and related expressions".
    """

    r: float
    """Shape of the purchase rate over customers."""
    alpha: float
    """Inverse scale of the purchase rate, in units of time."""
    s: float
    """Shape of the rate of leaving over customers."""
    beta: float
    """Inverse scale of the rate of leaving, in units of time."""
    report: FitReport

    NAME: ClassVar[str] = "pareto_nbd"
    PARAMETERS: ClassVar[tuple[str, ...]] = ("r", "alpha", "s", "beta")
    TIMES: ClassVar[tuple[str, ...]] = ("alpha", "beta")

    @staticmethod
    def likelihood(parameters: Floats, frequency: Floats, recency: Floats, age: Floats) -> Likelihood:
        """Return the likelihood of histories, with its exact gradient.

        ::

            L = Gamma(r+x) alpha^r beta^s / Gamma(r) * [ (alpha+T)^-(r+x) (beta+T)^-s
                + integral over u from t_x to T of s (alpha+u)^-(r+x) (beta+u)^-(s+1) ]

        The integral is over the time of leaving. Its closed form is a difference of two hypergeometric
        functions that cancel where t_x is near T (Fader and Hardie, equations 15 to 18); by quadrature there is
        nothing to cancel, and the gradient needs no further functions.
        """
        batches = [
            _likelihood(parameters, frequency[begin : begin + _ROWS], recency[begin : begin + _ROWS], rows)
            for begin in range(0, len(age), _ROWS)
            if len(rows := age[begin : begin + _ROWS])
        ]
        return Likelihood(
            np.concatenate([batch.value for batch in batches]),
            np.concatenate([batch.alive for batch in batches]),
            np.concatenate([batch.slope for batch in batches]),
        )

    def _alive_mean(self, history: PurchaseHistory, horizon: float) -> Floats:
        """Schmittlein, Morrison and Colombo (1987), equation 22, without its pole at s = 1."""
        rate = (self.r + history.frequency) / (self.alpha + history.age)
        grown = np.log1p(horizon / (self.beta + history.age))
        return np.asarray(rate * (self.beta + history.age) * grown * exprel((1 - self.s) * grown))

    def _alive_probabilities(self, history: PurchaseHistory, horizon: float, max_count: int) -> Floats:
        shape, alpha, beta = self.r + history.frequency, self.alpha + history.age, self.beta + history.age
        probabilities = np.empty((len(history), max_count + 1))
        for begin in range(0, len(history), _ROWS):
            rows = slice(begin, begin + _ROWS)
            probabilities[rows] = _count_probabilities(
                shape[rows], alpha[rows], self.s, beta[rows], horizon, max_count
            )
        return probabilities


def _likelihood(parameters: Floats, x: Floats, t_x: Floats, age: Floats) -> Likelihood:
    r, alpha, s, beta = parameters
    u, share, integral = _leaving_times(parameters, x, t_x, age)
    alive = -(r + x) * np.log(alpha + age) - s * np.log(beta + age)
    log_total = np.logaddexp(alive, integral)
    w, v = np.exp(alive - log_total), np.exp(integral - log_total)
    value = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta) + log_total

    def posterior_mean(at_end: Floats, at_leaving: Floats) -> Floats:
        return np.asarray(w * at_end + v * np.einsum("ij,ij->i", share, at_leaving))

    slope_r = (
        digamma(r + x) - digamma(r) + np.log(alpha) - posterior_mean(np.log(alpha + age), np.log(alpha + u))
    )
    slope_alpha = r / alpha - (r + x) * posterior_mean(1 / (alpha + age), 1 / (alpha + u))
    slope_s = np.log(beta) + v / s - posterior_mean(np.log(beta + age), np.log(beta + u))
    slope_beta = s / beta - posterior_mean(s / (beta + age), (s + 1) / (beta + u))
    slope = np.column_stack((slope_r, slope_alpha, slope_s, slope_beta)) * parameters
    return Likelihood(value, w, slope)


_LEAVING = _nodes(32)


def _leaving_times(parameters: Floats, x: Floats, t_x: Floats, age: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the times at which a customer who is gone may have left.

    The integral is over the logarithm of m + u, with m the smaller of alpha and beta: this removes the nearest
    singularity of both powers and makes the integrand log-concave.

    Returns:
        Times and their shares of the integral, shape (n, nodes), and the log of the integral, shape (n,):
        -inf where the last purchase was at the very end.
    """
    r, alpha, s, beta = parameters
    small = min(alpha, beta)

    def log_integrand(u: Floats, power: Floats) -> Floats:
        return np.asarray(
            np.log(s) - power * np.log(alpha + u) - (s + 1) * np.log(beta + u) + np.log(small + u)
        )

    node, weight = _LEAVING
    power = r + x
    length = _visible_length(parameters, x, t_x, np.log((small + age) / (small + t_x)), log_integrand)
    u = (small + t_x)[:, None] * np.exp(length[:, None] * node) - small
    height = log_integrand(u, power[:, None])
    top = height.max(axis=1, initial=-np.inf)
    share = weight * np.exp(height - top[:, None])
    total = share.sum(axis=1)
    with np.errstate(divide="ignore"):
        integral = top + np.log(total) + np.log(length)
    return u, share / total[:, None], integral


def _visible_length(
    parameters: Floats, x: Floats, t_x: Floats, full_length: Floats, log_integrand: _LogIntegrand
) -> Floats:
    """Cut the range of integration where the integrand becomes negligible, so that no nodes are wasted.

    Newton steps from the right never pass the root of a concave function, so any number of steps is safe.
    """
    r, alpha, s, beta = parameters
    small = min(alpha, beta)
    start = log_integrand(t_x, r + x) - _NEGLIGIBLE
    length = full_length
    for _ in range(4):
        grown = (small + t_x) * np.exp(length)
        u = grown - small
        excess = log_integrand(u, r + x) - start
        slope = 1 - grown * ((r + x) / (alpha + u) + (s + 1) / (beta + u))
        step = np.where((excess < 0) & (slope < 0), excess / np.minimum(slope, -1e-12), 0.0)
        length = np.maximum(length - step, 0.0)
    return length


_LIFETIMES = _nodes(48)
_TINY = 1e-300


def _count_probabilities(
    shape: Floats, alpha: Floats, s: float, beta: Floats, horizon: float, max_count: int
) -> Floats:
    """Return the probabilities of purchase counts of customers who are alive; shape (n, max_count + 1).

    Given the length of the remaining lifetime, the count is negative binomial. Lifetimes are integrated by
    Gauss-Legendre, with all lifetimes beyond the horizon as one more node. The weights of the lifetimes are
    scaled to add up to 1, so that the probabilities do as well.
    """
    lifetime, weight = _remaining_lifetimes(np.minimum(alpha, beta), s, beta, horizon)
    base = shape[:, None] * (np.log(alpha[:, None]) - np.log(alpha[:, None] + lifetime))
    base += np.log(np.maximum(weight, _TINY))
    growth = np.log(lifetime) - np.log(alpha[:, None] + lifetime)
    probabilities = np.empty((len(shape), max_count + 1))
    for count in range(max_count + 1):
        ways = gammaln(shape + count) - gammaln(shape) - gammaln(count + 1.0)
        probabilities[:, count] = np.exp(base + ways[:, None]).sum(axis=1)
        base += growth
    return probabilities


def _remaining_lifetimes(small: Floats, s: float, beta: Floats, horizon: float) -> tuple[Floats, Floats]:
    node, weight = _LIFETIMES
    longest = np.minimum(horizon, beta * np.expm1(min(_NEGLIGIBLE / s, 300.0)))
    length = np.log1p(longest / small)[:, None]
    lifetime = small[:, None] * np.expm1(length * node)
    density = weight * (small[:, None] + lifetime) * (1 + lifetime / beta[:, None]) ** -(s + 1)
    grown = s * np.log1p(horizon / beta)
    outlasts = np.exp(-grown)
    density *= (-np.expm1(-grown) / density.sum(axis=1))[:, None]
    beyond = np.full((len(beta), 1), horizon)
    return np.hstack((lifetime, beyond)), np.hstack((density, outlasts[:, None]))
