"""The shared part of BG/NBD and MBG/NBD: customers may leave for good right after a purchase.

While active, a customer buys at a rate that varies between customers as Gamma(r, alpha). After a purchase the
customer leaves with a probability that varies as Beta(a, b). The models differ only in whether the customer could
already leave after the first purchase.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import betainc, betaln, digamma, gammaln, hyp2f1

from shopwright.models.btyd.model import Likelihood, PurchaseModel

if TYPE_CHECKING:
    from shopwright.models.btyd.summary import Floats, PurchaseHistory

_NEAR_ONE = 1e-4
"""Distance of a from 1 within which the closed form is 0/0 and the series is used."""
_MAX_SERIES_TERMS = 20_000
"""Limit of the series of the mean; it converges long before for all but absurd parameters."""


class BetaGeometric(PurchaseModel):
    """Base of both models; ``FIRST_OCCASIONS`` is 1 where customers can leave after the first purchase, else 0."""

    __slots__ = ()
    PARAMETERS: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    TIMES: ClassVar[tuple[str, ...]] = ("alpha",)
    FIRST_OCCASIONS: ClassVar[int]
    r: float
    alpha: float
    a: float
    b: float

    def _alive_mean(self, history: PurchaseHistory, horizon: float) -> Floats:
        occasions = history.frequency + self.FIRST_OCCASIONS
        return mean_count(
            self.a, self.b + occasions, self.r + history.frequency, horizon / (self.alpha + history.age)
        )

    def _alive_probabilities(self, history: PurchaseHistory, horizon: float, max_count: int) -> Floats:
        occasions = history.frequency + self.FIRST_OCCASIONS
        return count_probabilities(
            self.a,
            self.b + occasions,
            self.r + history.frequency,
            horizon / (self.alpha + history.age),
            max_count,
        )


def beta_geometric_likelihood(
    parameters: Floats, x: Floats, t_x: Floats, age: Floats, *, occasions: Floats
) -> Likelihood:
    """Return the likelihood of histories under either model, with its gradient.

    With m occasions to leave so far, of which none was used (alive) or the last one was (gone)::

        L = Gamma(r+x) alpha^r / (Gamma(r) B(a, b)) *
            [ B(a, b+m) (alpha+T)^-(r+x)  +  (m > 0) B(a+1, b+m-1) (alpha+t_x)^-(r+x) ]

    Source: Fader, Hardie and Lee (2005), "Counting your customers the easy way", Marketing Science 24(2),
    equation 6 (m = x); Batislam, Denizel and Filiztekin (2007), "Empirical validation and comparison of models
    for customer base analysis", International Journal of Research in Marketing 24(3), section 3 (m = x + 1).
    """
    r, alpha, a, b = parameters
    may_be_gone = occasions > 0
    before = np.maximum(b + occasions - 1, np.where(may_be_gone, 0.0, 1.0))
    alive = betaln(a, b + occasions) - (r + x) * np.log(alpha + age)
    left = np.log(a) - np.log(before) + betaln(a, b + occasions) - (r + x) * np.log(alpha + t_x)
    gone = np.where(may_be_gone, left, -np.inf)
    log_total = np.logaddexp(alive, gone)
    value = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b) + log_total
    w = np.exp(alive - log_total)
    v = np.exp(gone - log_total)
    shared_slope = digamma(a + b) - digamma(a + b + occasions)
    slope_r = digamma(r + x) - digamma(r) + np.log(alpha) - w * np.log(alpha + age) - v * np.log(alpha + t_x)
    slope_alpha = r / alpha - (r + x) * (w / (alpha + age) + v / (alpha + t_x))
    slope_a = v / a + shared_slope
    slope_b = digamma(b + occasions) - digamma(b) - v / before + shared_slope
    slope = np.column_stack((slope_r, slope_alpha, slope_a, slope_b)) * parameters
    return Likelihood(value, w, slope)


def mean_count(a: float, b: Floats, r: Floats, reach: Floats) -> Floats:
    """Return the mean number of purchases of a customer who is alive and leaves with Beta(a, b) probability.

    Fader, Hardie and Lee (2005), equation 10, after Euler's transformation of the hypergeometric function::

        (a+b-1)/(a-1) * [1 - (1-z)^(a-1) 2F1(a+b-1-r, a-1; a+b-1; z)],   z = reach / (1 + reach)

    For frequent buyers the paper's form multiplies a vanishing number by an exploding one. In this form the
    parameters stay as small as the model's own.

    Args:
        a: first parameter of the probability of leaving.
        b: second parameter; shape (n,), one number a customer.
        r: shape of the purchase rate; shape (n,).
        reach: horizon divided by the inverse scale of the purchase rate, without a unit; shape (n,).

    Returns:
        Shape (n,), 0 or more.
    """
    if abs(a - 1) < _NEAR_ONE:  # the formula is 0/0 at 1, where the mean itself is smooth
        return _mean_by_series(a, b, r, reach)
    c = a + b - 1
    z = reach / (1 + reach)
    with np.errstate(all="ignore"):  # rows that overflow are computed by the series below
        decay = np.exp(-(a - 1) * np.log1p(reach)) * hyp2f1(c - r, a - 1, c, z)
        mean = np.asarray(c / (a - 1) * (1 - decay), dtype=np.float64)
        exact = np.isfinite(mean) & (mean > 0) & (mean <= r * reach * (1 + 1e-12)) & (c > 0.01)
        exact &= np.abs(c / (a - 1)) * 1e-8 < mean  # else the difference from 1 has lost its digits
    if not exact.all():
        mean[~exact] = _mean_by_series(a, b[~exact], r[~exact], reach[~exact])
    return mean


def _mean_by_series(a: float, b: Floats, r: Floats, reach: Floats) -> Floats:
    """Sum the probabilities of more than 0, 1, 2, ... purchases: slower, but always stable."""
    z = reach / (1 + reach)
    total = np.zeros(len(b))
    stays = np.ones(len(b))
    for count in range(_MAX_SERIES_TERMS):
        term = stays * betainc(count + 1.0, r, z)
        total += term
        if (term <= 1e-15 * total).all():
            break
        stays *= (b + count) / (a + b + count)
    return total


def count_probabilities(a: float, b: Floats, r: Floats, reach: Floats, max_count: int) -> Floats:
    """Return the probabilities of 0, 1, ..., ``max_count`` purchases of a customer who is alive; shape (n, max_count + 1).

    Fader, Hardie and Lee (2005), equation 8: either all y purchases are made and none was the last, or the
    y-th was the last and there would have been time for more.
    """
    count = np.arange(max_count + 1.0)
    # Probability that the customer stays on y occasions to leave, and that they leave on exactly the y-th.
    stays = np.exp(betaln(a, b[:, None] + count) - betaln(a, b)[:, None])
    log_z = (np.log(reach) - np.log1p(reach))[:, None]
    shape = r[:, None]
    ways = gammaln(shape + count) - gammaln(shape) - gammaln(count + 1)
    probabilities = stays * np.exp(ways - shape * np.log1p(reach)[:, None] + count * log_z)
    leaves = stays[:, :-1] * a / (a + b[:, None] + count[:-1])
    probabilities[:, 1:] += leaves * betainc(count[1:], shape, np.exp(log_z))
    return np.asarray(probabilities, dtype=np.float64)
