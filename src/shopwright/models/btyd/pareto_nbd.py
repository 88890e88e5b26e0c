"""Pareto/NBD: purchases at a steady rate until the customer leaves, which can happen at any moment."""

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
_NEGLIGIBLE = 40.0
"""Drop of a log integrand beyond which the rest does not show in double precision."""


def _nodes(count: int) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and weights on [0, 1]."""
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
        """The likelihood of histories, with its exact gradient.

        ::

            L = Gamma(r+x) alpha^r beta^s / Gamma(r) * [ (alpha+T)^-(r+x) (beta+T)^-s
                + integral over u from t_x to T of s (alpha+u)^-(r+x) (beta+u)^-(s+1) ]

        The integral is over the moment of leaving. Its closed form is a difference of two hypergeometric
        functions that cancel where t_x is near T (Fader and Hardie, equations 15 to 18); by quadrature there is
        nothing to cancel, and the gradient needs no further functions.
        """
        parts = [
            _likelihood(parameters, frequency[begin : begin + _ROWS], recency[begin : begin + _ROWS], rows)
            for begin in range(0, len(age), _ROWS)
            if len(rows := age[begin : begin + _ROWS])
        ]
        return Likelihood(
            np.concatenate([part.value for part in parts]),
            np.concatenate([part.alive for part in parts]),
            np.concatenate([part.slope for part in parts]),
        )

    def _alive_mean(self, history: PurchaseHistory, horizon: float) -> Floats:
        """Schmittlein, Morrison and Colombo (1987), equation 22, without its pole at s = 1."""
        rate = (self.r + history.frequency) / (self.alpha + history.age)
        grown = np.log1p(horizon / (self.beta + history.age))
        return np.asarray(rate * (self.beta + history.age) * grown * exprel((1 - self.s) * grown))

    def _alive_probabilities(self, history: PurchaseHistory, horizon: float, most: int) -> Floats:
        shape, alpha, beta = self.r + history.frequency, self.alpha + history.age, self.beta + history.age
        found = np.empty((len(history), most + 1))
        for begin in range(0, len(history), _ROWS):
            rows = slice(begin, begin + _ROWS)
            found[rows] = _count_probabilities(shape[rows], alpha[rows], self.s, beta[rows], horizon, most)
        return found


def _likelihood(parameters: Floats, x: Floats, t_x: Floats, age: Floats) -> Likelihood:
    r, alpha, s, beta = parameters
    u, share, integral = _moments_of_leaving(parameters, x, t_x, age)
    alive = -(r + x) * np.log(alpha + age) - s * np.log(beta + age)
    both = np.logaddexp(alive, integral)
    w, v = np.exp(alive - both), np.exp(integral - both)
    value = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta) + both

    def mixed(at_end: Floats, at_leaving: Floats) -> Floats:
        return np.asarray(w * at_end + v * np.einsum("ij,ij->i", share, at_leaving))

    slope_r = digamma(r + x) - digamma(r) + np.log(alpha) - mixed(np.log(alpha + age), np.log(alpha + u))
    slope_alpha = r / alpha - (r + x) * mixed(1 / (alpha + age), 1 / (alpha + u))
    slope_s = np.log(beta) + v / s - mixed(np.log(beta + age), np.log(beta + u))
    slope_beta = s / beta - mixed(s / (beta + age), (s + 1) / (beta + u))
    slope = np.column_stack((slope_r, slope_alpha, slope_s, slope_beta)) * parameters
    return Likelihood(value, w, slope)


_LEAVING = _nodes(32)


def _moments_of_leaving(
    parameters: Floats, x: Floats, t_x: Floats, age: Floats
) -> tuple[Floats, Floats, Floats]:
    """Moments at which a gone customer may have left.

    Integrated over the logarithm of m + u with m the smaller of alpha and beta, which takes both powers' nearest
    singularity out of the way; there the integrand is log-concave.

    Returns:
        Moments and their shares of the integral, shape (n, nodes), and the log of the integral, shape (n,):
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
    length = _visible(parameters, x, t_x, np.log((small + age) / (small + t_x)), log_integrand)
    u = (small + t_x)[:, None] * np.exp(length[:, None] * node) - small
    height = log_integrand(u, power[:, None])
    top = height.max(axis=1, initial=-np.inf)
    share = weight * np.exp(height - top[:, None])
    total = share.sum(axis=1)
    with np.errstate(divide="ignore"):
        integral = top + np.log(total) + np.log(length)
    return u, share / total[:, None], integral


def _visible(
    parameters: Floats, x: Floats, t_x: Floats, whole: Floats, log_integrand: _LogIntegrand
) -> Floats:
    """Cut the range of integration where nothing can be seen any more, so that nodes are not wasted.

    Newton steps from the right on a concave function never pass its root, so any number of them is safe.
    """
    r, alpha, s, beta = parameters
    small = min(alpha, beta)
    start = log_integrand(t_x, r + x) - _NEGLIGIBLE
    length = whole
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
    shape: Floats, alpha: Floats, s: float, beta: Floats, horizon: float, most: int
) -> Floats:
    """Chances of purchase counts of a living customer; shape (n, most + 1).

    Given the length of the further life there are as many purchases as in a negative binomial; the lengths are
    integrated by Gauss-Legendre, with those that outlast the horizon as one further node. The weights of the
    lengths are made to add up to 1, so the chances do as well.
    """
    lifetime, weight = _further_lives(np.minimum(alpha, beta), s, beta, horizon)
    base = shape[:, None] * (np.log(alpha[:, None]) - np.log(alpha[:, None] + lifetime))
    base += np.log(np.maximum(weight, _TINY))
    growth = np.log(lifetime) - np.log(alpha[:, None] + lifetime)
    found = np.empty((len(shape), most + 1))
    for count in range(most + 1):
        ways = gammaln(shape + count) - gammaln(shape) - gammaln(count + 1.0)
        found[:, count] = np.exp(base + ways[:, None]).sum(axis=1)
        base += growth
    return found


def _further_lives(small: Floats, s: float, beta: Floats, horizon: float) -> tuple[Floats, Floats]:
    node, weight = _LIFETIMES
    seen = np.minimum(horizon, beta * np.expm1(min(_NEGLIGIBLE / s, 300.0)))
    length = np.log1p(seen / small)[:, None]
    lived = small[:, None] * np.expm1(length * node)
    density = weight * (small[:, None] + lived) * (1 + lived / beta[:, None]) ** -(s + 1)
    grown = s * np.log1p(horizon / beta)
    outlasts = np.exp(-grown)
    density *= (-np.expm1(-grown) / density.sum(axis=1))[:, None]
    whole = np.full((len(beta), 1), horizon)
    return np.hstack((lived, whole)), np.hstack((density, outlasts[:, None]))
