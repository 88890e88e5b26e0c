"""What BG/NBD and MBG/NBD share: shoppers who may leave for good right after a purchase.

While active, a customer buys at a rate that varies between customers as Gamma(r, alpha). After a purchase the
customer leaves with a chance that varies as Beta(a, b). The two models differ in one thing only: whether the
first purchase was already an occasion to leave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import betainc, betaln, digamma, gammaln, hyp2f1

from shopwright.models.btyd.model import Likelihood, PurchaseModel

if TYPE_CHECKING:
    from shopwright.models.btyd.summary import Floats, PurchaseHistory

_NEAR_ONE = 1e-4
_LONGEST_SERIES = 20_000


class BetaGeometric(PurchaseModel):
    """The shared part; ``FIRST_OCCASIONS`` is 1 where the first purchase was an occasion to leave, else 0."""

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

    def _alive_probabilities(self, history: PurchaseHistory, horizon: float, most: int) -> Floats:
        occasions = history.frequency + self.FIRST_OCCASIONS
        return count_probabilities(
            self.a, self.b + occasions, self.r + history.frequency, horizon / (self.alpha + history.age), most
        )


def beta_geometric_likelihood(
    parameters: Floats, x: Floats, t_x: Floats, age: Floats, *, occasions: Floats
) -> Likelihood:
    """The likelihood of both models.

    With m occasions to leave so far, of which none was used (alive) or the last one (gone)::

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
    both = np.logaddexp(alive, gone)
    value = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b) + both
    w = np.exp(alive - both)
    v = np.exp(gone - both)
    every = digamma(a + b) - digamma(a + b + occasions)
    slope_r = digamma(r + x) - digamma(r) + np.log(alpha) - w * np.log(alpha + age) - v * np.log(alpha + t_x)
    slope_alpha = r / alpha - (r + x) * (w / (alpha + age) + v / (alpha + t_x))
    slope_a = v / a + every
    slope_b = digamma(b + occasions) - digamma(b) - v / before + every
    slope = np.column_stack((slope_r, slope_alpha, slope_a, slope_b)) * parameters
    return Likelihood(value, w, slope)


def mean_count(a: float, b: Floats, r: Floats, reach: Floats) -> Floats:
    """Mean number of purchases of a living customer with Beta(a, b) chances to leave.

    Fader, Hardie and Lee (2005), equation 10, after Euler's transformation of the hypergeometric function::

        (a+b-1)/(a-1) * [1 - (1-z)^(a-1) 2F1(a+b-1-r, a-1; a+b-1; z)],   z = reach / (1 + reach)

    The paper's form multiplies a vanishing by an exploding number for frequent buyers; in this one the
    parameters stay as small as those of the model.

    Args:
        a: first parameter of the chance to leave.
        b: second parameter; shape (n,).
        r: shape of the purchase rate; shape (n,).
        reach: horizon divided by the (inverse) scale of the purchase rate; shape (n,).
    """
    if abs(a - 1) < _NEAR_ONE:  # the formula is 0/0 at 1, where the mean itself is smooth
        return _mean_by_series(a, b, r, reach)
    c = a + b - 1
    z = reach / (1 + reach)
    with np.errstate(all="ignore"):  # what overflows is computed below
        kept = np.exp(-(a - 1) * np.log1p(reach)) * hyp2f1(c - r, a - 1, c, z)
        found = np.asarray(c / (a - 1) * (1 - kept), dtype=np.float64)
        exact = np.isfinite(found) & (found > 0) & (found <= r * reach * (1 + 1e-12)) & (c > 0.01)
        exact &= np.abs(c / (a - 1)) * 1e-8 < found  # else the difference from 1 has lost its digits
    if not exact.all():
        found[~exact] = _mean_by_series(a, b[~exact], r[~exact], reach[~exact])
    return found


def _mean_by_series(a: float, b: Floats, r: Floats, reach: Floats) -> Floats:
    """Sum of the chances of more than 0, 1, 2, ... purchases: slower, and never unstable."""
    z = reach / (1 + reach)
    total = np.zeros(len(b))
    stays = np.ones(len(b))
    for made in range(_LONGEST_SERIES):
        more = stays * betainc(made + 1.0, r, z)
        total += more
        if (more <= 1e-15 * total).all():
            break
        stays *= (b + made) / (a + b + made)
    return total


def count_probabilities(a: float, b: Floats, r: Floats, reach: Floats, most: int) -> Floats:
    """Chances of 0, 1, ..., most purchases of a living customer; shape (n, most + 1).

    Fader, Hardie and Lee (2005), equation 8: either all y purchases are made and none was the last, or the
    y-th was the last and there would have been time for more.
    """
    count = np.arange(most + 1.0)
    # Chance that y occasions to leave pass unused, and that exactly the y-th is used.
    stays = np.exp(betaln(a, b[:, None] + count) - betaln(a, b)[:, None])
    log_z = (np.log(reach) - np.log1p(reach))[:, None]
    shape = r[:, None]
    ways = gammaln(shape + count) - gammaln(shape) - gammaln(count + 1)
    found = stays * np.exp(ways - shape * np.log1p(reach)[:, None] + count * log_z)
    leaves = stays[:, :-1] * a / (a + b[:, None] + count[:-1])
    found[:, 1:] += leaves * betainc(count[1:], shape, np.exp(log_z))
    return np.asarray(found, dtype=np.float64)
