"""Shopping times: the calendar of the simulated period, and its busy and quiet hours.

Times are integers throughout the package: milliseconds since 1970-01-01 UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shopwright.simulate.arrays import Floats, Ints

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

HOUR_WEIGHTS = (
    *(0.25, 0.16, 0.11, 0.09, 0.11, 0.20, 0.40, 0.65, 0.85, 1.00, 1.10, 1.15),
    *(1.20, 1.15, 1.10, 1.10, 1.15, 1.25, 1.40, 1.60, 1.70, 1.50, 1.00, 0.55),
)
"""Visits by hour of day, UTC, 0 first: a lunch hump and an evening peak."""
WEEKDAY_WEIGHTS = (1.00, 0.96, 0.95, 0.98, 1.05, 1.15, 1.20)
"""Visits by weekday, Monday first."""
MONTH_WEIGHTS = (0.92, 0.88, 0.95, 0.97, 0.98, 0.94, 0.90, 0.92, 1.00, 1.05, 1.30, 1.35)
"""Visits by month, January first."""


def to_ms(day: date) -> int:
    """Return midnight UTC at the start of a day."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * SECOND


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time within one month, from ``start`` up to but without ``end``."""

    start: int
    end: int
    month: int
    """Position of its month in the period, from 0."""


@dataclass(frozen=True)
class Period:
    """The simulated calendar months."""

    first_days: tuple[date, ...]
    """First day of every month, and of the month after the last."""

    @classmethod
    def from_start(cls, start: date, months: int) -> Period:
        """Return the period of so many calendar months."""
        counts = [start.year * 12 + start.month - 1 + month for month in range(months + 1)]
        return cls(tuple(date(count // 12, count % 12 + 1, 1) for count in counts))

    @property
    def start(self) -> int:
        """First millisecond."""
        return to_ms(self.first_days[0])

    @property
    def end(self) -> int:
        """First millisecond after."""
        return to_ms(self.first_days[-1])

    @property
    def years(self) -> float:
        """Length in years."""
        return (self.end - self.start) / (365.25 * DAY)

    def spans(self, count: int) -> Iterator[Span]:
        """Return about ``count`` stretches of whole days, none of which crosses a month."""
        step = max(DAY, (self.end - self.start) // max(count, 1) // DAY * DAY)
        for month, first in enumerate(self.first_days[:-1]):
            end = to_ms(self.first_days[month + 1])
            for start in range(to_ms(first), end, step):
                yield Span(start, min(start + step, end), month)


@dataclass(frozen=True)
class Season:
    """How much happens when, as a cumulative curve in units of one average day.

    Counts over a stretch follow from the curve's difference, moments from its inverse.
    """

    period: Period

    @cached_property
    def _hours(self) -> Floats:
        return np.arange(self.period.start, self.period.end + 1, HOUR, dtype=np.float64)

    @cached_property
    def _curve(self) -> Floats:
        hours = self._hours[:-1].astype(np.int64)
        days = hours // DAY
        month = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
        weights = (
            np.array(HOUR_WEIGHTS)[hours // HOUR % 24]
            * np.array(WEEKDAY_WEIGHTS)[(days + 3) % 7]  # 1970-01-01 was a Thursday
            * np.array(MONTH_WEIGHTS)[month]
        )
        return np.concatenate([[0.0], np.cumsum(weights / (weights.mean() * 24))])

    def level(self, at: Ints) -> Floats:
        """Return average days' worth of visits between the start of the period and each time."""
        levels: Floats = np.interp(at, self._hours, self._curve)
        return levels

    def time_at(self, level: Floats) -> Ints:
        """Return the time at which the curve reaches each level: the inverse of ``level``."""
        return np.interp(level, self._curve, self._hours).astype(np.int64)
