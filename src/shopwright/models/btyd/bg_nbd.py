"""BG/NBD: customers buy at a steady rate until they leave, which can happen after any repeat purchase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from shopwright.models.btyd.beta_geometric import BetaGeometric, beta_geometric_likelihood

if TYPE_CHECKING:
    from shopwright.models.btyd.fitting import FitReport
    from shopwright.models.btyd.model import Likelihood
    from shopwright.models.btyd.summary import Floats


@dataclass(frozen=True, slots=True)
class BgNbd(BetaGeometric):
    """A fitted BG/NBD model.

    A customer without a repeat purchase is always alive, however long ago the first purchase was, because the
    model has no occasion to leave before a repeat purchase. ``MbgNbd`` has one.

    Source: Fader, Hardie and Lee (2005), "'Counting your customers' the easy way: an alternative to the
    Pareto/NBD model", Marketing Science 24(2), 275-284.
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

    NAME: ClassVar[str] = "bg_nbd"
    FIRST_OCCASIONS: ClassVar[int] = 0

    @staticmethod
    def likelihood(parameters: Floats, frequency: Floats, recency: Floats, age: Floats) -> Likelihood:
        """Return the likelihood of histories, with its exact gradient."""
        return beta_geometric_likelihood(parameters, frequency, recency, age, occasions=frequency)
