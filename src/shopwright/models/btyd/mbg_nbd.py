"""MBG/NBD: like BG/NBD, but customers can already leave after their first purchase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from shopwright.models.btyd.beta_geometric import BetaGeometric, beta_geometric_likelihood

if TYPE_CHECKING:
    from shopwright.models.btyd.fitting import FitReport
    from shopwright.models.btyd.model import Likelihood
    from shopwright.models.btyd.summary import Floats


@dataclass(frozen=True, slots=True)
class MbgNbd(BetaGeometric):
    """A fitted MBG/NBD model, which lets customers leave after their very first purchase.

    Source: Batislam, Denizel and Filiztekin (2007), "Empirical validation and comparison of models for customer
    base analysis", International Journal of Research in Marketing 24(3), 201-209.
    """

    r: float
    """Shape of the purchase rate over customers."""
    alpha: float
    """Inverse scale of the purchase rate, in units of time."""
    a: float
    """First parameter of the probability of leaving after a purchase."""
    b: float
    """Second parameter of the probability of leaving after a purchase."""
    report: FitReport

    NAME: ClassVar[str] = "mbg_nbd"
    FIRST_OCCASIONS: ClassVar[int] = 1

    @staticmethod
    def likelihood(parameters: Floats, frequency: Floats, recency: Floats, age: Floats) -> Likelihood:
        """Return the likelihood of histories, with its exact gradient."""
        return beta_geometric_likelihood(parameters, frequency, recency, age, occasions=frequency + 1)
