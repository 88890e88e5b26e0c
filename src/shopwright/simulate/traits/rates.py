"""Daily rates of exchange: published on working days, so a rate counts over the weekend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopwright.simulate.seasonality import DAY
from shopwright.simulate.traits.records import CURRENCIES

if TYPE_CHECKING:
    from shopwright.simulate.arrays import Ints
    from shopwright.simulate.seasonality import Period

RATE_SCALE = 10_000
"""Rates are whole ten-thousandths."""
FIRST_RATES = {"USD": 9_200, "GBP": 11_700}
"""Units of the shop's currency for one unit, at the beginning."""
RATE_SPREAD = 0.004
"""Standard deviation of the change of the log rate from one day to the next."""
DAYS_BEFORE = 7


@dataclass(frozen=True)
class Rates:
    """Rates of each foreign currency on each working day."""

    days: Ints
    """Days since 1970, ascending."""
    by_currency: Ints
    """Rates by position in ``CURRENCIES`` and day; the shop's own is ``RATE_SCALE``."""

    @classmethod
    def draw(cls, period: Period, rng: np.random.Generator) -> Rates:
        """Draw the rates of the period, which begin some days before."""
        days = np.arange(period.start // DAY - DAYS_BEFORE, period.end // DAY)
        days = days[(days + 3) % 7 < 5]  # 1970-01-01 was a Thursday
        rates = [np.full(len(days), RATE_SCALE)]
        for name in CURRENCIES[1:]:
            walk = np.exp(np.cumsum(rng.normal(0, RATE_SPREAD, len(days))))
            rates.append((FIRST_RATES[name] * walk).astype(np.int64))
        return cls(days, np.stack(rates))

    def rate_at(self, currency: Ints, at: Ints) -> Ints:
        """Return the rate of the day of each moment, or of the last working day before."""
        position = np.searchsorted(self.days, at // DAY, side="right") - 1
        rates: Ints = self.by_currency[currency, position]
        return rates

    def rows(self) -> dict[str, Ints]:
        """Return one row per foreign currency and day: position of the currency, day and rate."""
        currency, position = np.divmod(np.arange((len(CURRENCIES) - 1) * len(self.days)), len(self.days))
        return {
            "currency": currency + 1,
            "day": self.days[position],
            "rate": self.by_currency[currency + 1, position],
        }
