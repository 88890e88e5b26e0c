"""Who sells on the marketplace, how well, and which products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopwright.simulate.arrays import Floats, Ints, spread_ids
from shopwright.simulate.seasonality import DAY
from shopwright.simulate.users import CITIES

if TYPE_CHECKING:
    from shopwright.simulate.catalog import Catalog
    from shopwright.simulate.config import SimulationConfig
    from shopwright.simulate.seasonality import Period

ZIPF_EXPONENT = 1.0
"""The seller of rank r has a share in proportion to 1 / r to this power."""
MAIN_SELLER_SHARE = 0.85
"""Share of a product's lines that its main seller sells; the others go to sellers by their size."""
TYPICAL_HANDLING, HANDLING_SPREAD = 1.8, 0.6
"""Median days of handling over sellers, and standard deviation of the log."""
LATE_SHAPE, CANCELLATION_SHAPE = (1.4, 22.0), (1.0, 70.0)
"""Beta distributions of the sellers' chances to send late and to cancel."""
TYPICAL_GRAMS, GRAMS_SPREAD = 700, 1.0


@dataclass(frozen=True)
class Sellers:
    """Sellers, biggest first; arrays have one entry a seller unless they say otherwise."""

    number: Ints
    """The digits of the seller's id, six of them."""
    city: Ints
    since: Ints
    """When the seller joined, in milliseconds."""
    handling_days: Floats
    """Median days from approval to shipping."""
    late_rate: Floats
    """Chance that a line is sent days too late."""
    cancellation_rate: Floats
    """Chance that a line cannot be sent, which cancels its order."""
    limits: Floats
    """Upper end of each seller's share of the market, from above 0 up to 1."""
    main_of: Ints
    """Main seller of each product."""
    grams: Ints
    """Weight of each product."""

    @property
    def size(self) -> int:
        """Number of sellers."""
        return len(self.number)

    def pick(self, size: int, rng: np.random.Generator) -> Ints:
        """Draw sellers by their share of the market."""
        return np.searchsorted(self.limits[:-1], rng.random(size), side="right")

    def draw_for(self, product: Ints, rng: np.random.Generator) -> Ints:
        """Draw who sells each product this time."""
        is_main = rng.random(len(product)) < MAIN_SELLER_SHARE
        return np.where(is_main, self.main_of[product], self.pick(len(product), rng))

    def id_of(self, seller: int) -> str:
        """Return the seller's id as exports write it."""
        return f"s{self.number[seller]}"


def draw_sellers(
    config: SimulationConfig, period: Period, catalog: Catalog, rng: np.random.Generator
) -> Sellers:
    """Draw the sellers, and who sells which product."""
    size = config.seller_count
    weights = 1 / np.arange(1, size + 1) ** ZIPF_EXPONENT
    limits = np.cumsum(weights) / weights.sum()
    grams = np.exp(rng.normal(np.log(TYPICAL_GRAMS), GRAMS_SPREAD, catalog.size))
    return Sellers(
        number=rng.permutation(spread_ids(100_000, 999_999, size, rng)),
        city=rng.integers(0, len(CITIES), size),
        since=period.start - rng.integers(DAY, 900 * DAY, size),
        handling_days=np.exp(rng.normal(np.log(TYPICAL_HANDLING), HANDLING_SPREAD, size)).round(3),
        late_rate=rng.beta(*LATE_SHAPE, size).round(4),
        cancellation_rate=rng.beta(*CANCELLATION_SHAPE, size).round(4),
        limits=limits,
        main_of=np.searchsorted(limits[:-1], rng.random(catalog.size), side="right"),
        grams=np.clip(grams, 20, 60_000).astype(np.int64),
    )
