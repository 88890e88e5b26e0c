"""Types of customers that a shop can be made of, for those who want to see whether they are found again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.simulate.arrays import draw_choices

if TYPE_CHECKING:
    from shopwright.simulate.arrays import Floats, Ints


@dataclass(frozen=True, slots=True)
class BuyerType:
    """How somebody buys."""

    name: str
    share: float
    """Share of all registered users, from 0 to 1."""
    visits: float = 1.0
    """Visits a day, as a multiple of the average."""
    variety: float = 1.0
    """How much users of the type differ from each other in visits, price level and sensitivity, as a multiple."""
    known_share: float = 0.4
    """Share who had registered before the period."""
    lifetime: float = 1.0
    """Time until one leaves, as a multiple of the average."""
    units: int = 1
    """How many times as many pieces of each product."""
    returns: float = 1.0
    """Chance that something of an order comes back, as a multiple of everybody's."""


UNIFORM = (BuyerType("anybody", 1.0),)
"""Users differ only by degree."""
PLANTED = (
    BuyerType("passer-by", 0.80, visits=0.02, variety=0.1),
    BuyerType("regular", 0.09, visits=10.0, variety=0.1, known_share=1.0, lifetime=20.0),
    BuyerType("stockpiler", 0.06, visits=3.0, variety=0.1, known_share=1.0, lifetime=20.0, units=30),
    BuyerType("returner", 0.05, visits=10.0, variety=0.1, known_share=1.0, lifetime=20.0, returns=16.0),
)
"""Users are of types that buy differently."""


@dataclass(frozen=True)
class Buyers:
    """Which type each user is of; bots too have one, and do not keep to it."""

    types: tuple[BuyerType, ...]
    of_user: Ints
    """Position in ``types``, (users,)."""

    @classmethod
    def draw(cls, size: int, rng: np.random.Generator, *, planted: bool) -> Buyers:
        """Draw out types."""
        types = PLANTED if planted else UNIFORM
        return cls(types, draw_choices(tuple(buyer_type.share for buyer_type in types), size, rng))

    def trait(self, name: str) -> Floats:
        """Return a trait of each user's type, (users,)."""
        values: Floats = np.array([getattr(buyer_type, name) for buyer_type in self.types])[self.of_user]
        return values

    def describe(self) -> list[dict[str, Any]]:
        """Return the types, as plain values."""
        return [asdict(buyer_type) for buyer_type in self.types]
