"""Traits of an ordinary shop's clicks: log-ins in mid-visit, reloaded purchase pages, events sent again.

A trait changes what the export says of the events, never what happened: the same shop is behind it with and without the trait.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from shopwright.simulate.arrays import concat
from shopwright.simulate.dirt import Rows, concat_rows
from shopwright.simulate.events import KIND, Events
from shopwright.simulate.seasonality import DAY, MINUTE, SECOND, to_ms

if TYPE_CHECKING:
    from shopwright.simulate.arrays import Flags, Ints
    from shopwright.simulate.shop import Shop

SECOND_DEVICE_SHARE, SECOND_DEVICE_VISITS = 0.2, 0.4
"""Share of users with two devices, and the share of their visits on the second."""
SHARED_DEVICE_SHARE = 0.06
"""Share of users who use somebody else's device."""
HABITS = ("remembered", "in mid-visit", "late", "never")
HABIT_WEIGHTS = (0.3, 0.4, 0.2, 0.1)
"""When users log in: they always are, in some visits, only from a later day on, or only where they buy."""
LOG_IN_SHARE, LOG_OUT_SHARE = 0.6, 0.03
"""Share of visits with a log-in, of users who log in at times, and of those in which the user logs out again."""
MAX_LOG_IN_DELAY, LOG_OUT_AFTER = 8 * MINUTE, 5 * MINUTE
RELOAD_SHARES = {MINUTE: 0.06, DAY: 0.03}
"""Share of orders whose last page is loaded again after so long."""
RELOAD_SPREAD = 20 * SECOND
RESEND_SHARE = 0.01
"""Share of events with a price that were first sent with another one."""
WRONG_CLOCK_SHARE, ANONYMOUS_SHARE, MAX_CLOCK_ERROR = 0.33, 0.25, 90 * SECOND
"""Of those, the shares that were first sent with another time and before the user was known."""
OVERLAP = 2 * DAY
"""How much of a month the file of the next month has again."""
_PURCHASE = KIND["purchase"]


@dataclass(frozen=True)
class TrackedEvents(Events):
    """Events with what the tracker knew of the shopper."""

    visitor: Ints
    """Number of the device."""
    is_known: Flags
    """Whether the event states the user."""
    is_repeat: Flags
    """Whether it is a purchase that was sent before, as another event."""

    @classmethod
    def from_events(cls, events: Events) -> TrackedEvents:
        """Return the events of shoppers who are always known, each on a device of their own."""
        columns = {name: getattr(events, name) for name in Events.__dataclass_fields__}
        no_flags = np.zeros(events.size, dtype=bool)
        return cls(**columns, visitor=events.user.astype(np.int64), is_known=~no_flags, is_repeat=no_flags)


class ClickTrait:
    """What one trait does to the events of one month after another."""

    def __init__(self, shop: Shop, rng: np.random.Generator) -> None:
        self._shop, self._rng = shop, rng
        self._month_ends = [to_ms(day) for day in shop.period.first_days[1:]]

    def change_events(self, month: int, events: TrackedEvents) -> TrackedEvents:
        """Return the events of a month as the tracker has them, by time."""
        del month
        return events

    def change_rows(self, month: int, rows: Rows) -> Rows:
        """Return the rows of a month's file, in the order in which they arrived."""
        del month
        return rows

    def _is_last(self, month: int) -> bool:
        return month == len(self._month_ends) - 1


class LogIns(ClickTrait):
    """Visitors who become known: in mid-visit, months later or never, on shared devices, and on two of their own."""

    def __init__(self, shop: Shop, rng: np.random.Generator) -> None:
        super().__init__(shop, rng)
        users = shop.users
        size = users.size
        self._device = np.arange(size)
        humans = rng.permutation(np.flatnonzero(~users.is_bot))
        count = int(len(humans) * SHARED_DEVICE_SHARE)
        self._device[humans[:count]] = humans[count : 2 * count]
        has_second = (rng.random(size) < SECOND_DEVICE_SHARE) & ~users.is_bot
        self._second_device = np.where(has_second, size + np.arange(size), self._device)
        self._habit = np.where(users.is_bot, 0, rng.choice(len(HABITS), size, p=HABIT_WEIGHTS))
        period = shop.period
        length = period.end - period.start
        self._known_from = period.start + (rng.uniform(0.4, 0.9, size) * length).astype(np.int64)

    def change_events(self, month: int, events: TrackedEvents) -> TrackedEvents:
        """Say on which device each visit is, and from when on in it the user is known."""
        del month
        sessions, position = np.unique(events.session, return_inverse=True)
        user = np.zeros(len(sessions), dtype=np.int64)
        user[position] = events.user
        device = np.where(
            self._rng.random(len(sessions)) < SECOND_DEVICE_VISITS,
            self._second_device[user],
            self._device[user],
        )
        log_in_at, log_out_at = self._log_ins(user, _first_times(events.at, position, len(sessions)))
        bought = events.kind == _PURCHASE
        np.minimum.at(log_in_at, position[bought], events.at[bought])
        is_known = (events.at >= log_in_at[position]) & (events.at < log_out_at[position])
        return replace(events, visitor=device[position], is_known=is_known | bought)

    def _log_ins(self, user: Ints, start: Ints) -> tuple[Ints, Ints]:
        """Draw when the user of each visit logs in and out; both far away where it does not happen."""
        size, never = len(user), self._shop.period.end + DAY
        habit = self._habit[user]
        at = start + self._rng.integers(0, MAX_LOG_IN_DELAY, size)
        is_late = habit == HABITS.index("late")
        logs_in = self._rng.random(size) < LOG_IN_SHARE
        logs_in = np.where(is_late, start >= self._known_from[user], logs_in)
        logs_in = np.where(habit == HABITS.index("never"), False, logs_in)
        at = np.where(habit == HABITS.index("remembered"), 0, np.where(logs_in, at, never))
        logs_out = self._rng.random(size) < LOG_OUT_SHARE
        return at, np.where(logs_out & (at > 0), at + LOG_OUT_AFTER, never + DAY)


class Reloads(ClickTrait):
    """Thank-you pages that are loaded again and report the purchase again, as new events."""

    def __init__(self, shop: Shop, rng: np.random.Generator) -> None:
        super().__init__(shop, rng)
        self._delayed: list[TrackedEvents] = []

    def change_events(self, month: int, events: TrackedEvents) -> TrackedEvents:
        """Add the purchases that are reported again; those of the next month wait for it."""
        purchases = events.take(events.kind == _PURCHASE)
        sessions, position = np.unique(purchases.session, return_inverse=True)
        repeats = list(self._delayed)
        for delay, share in RELOAD_SHARES.items():
            is_reloaded = self._rng.random(len(sessions)) < share
            after = delay + self._rng.integers(0, RELOAD_SPREAD, len(sessions))
            rows = is_reloaded[position]
            reloaded = purchases.take(rows)
            repeats.append(
                replace(
                    reloaded,
                    at=reloaded.at + after[position[rows]],
                    is_repeat=np.ones(int(rows.sum()), dtype=bool),
                )
            )
        all_repeats = concat(repeats)
        is_later = all_repeats.at >= self._month_ends[month]
        self._delayed = [all_repeats.take(is_later)]
        all_events = concat([events, all_repeats.take(~is_later)])
        return all_events.take(np.argsort(all_events.at, kind="stable"))


class ResentEvents(ClickTrait):
    """Events that were sent with a wrong price and are sent again, corrected, under the same id."""

    def __init__(self, shop: Shop, rng: np.random.Generator) -> None:
        super().__init__(shop, rng)
        self._delayed: list[Rows] = []

    def change_rows(self, month: int, rows: Rows) -> Rows:
        """Spoil the first version of some events; the right one follows in the same file or in the next one."""
        candidates = np.flatnonzero(rows.events.cents > 1)
        selected = np.sort(candidates[self._rng.random(len(candidates)) < RESEND_SHARE])
        corrected = rows.take(selected)
        is_later = (self._rng.random(corrected.size) < 0.5) & (not self._is_last(month))
        delayed, self._delayed = self._delayed, [corrected.take(np.flatnonzero(is_later))]
        first = self._spoil(rows, selected)
        return concat_rows([*delayed, first, corrected.take(np.flatnonzero(~is_later))])

    def _spoil(self, rows: Rows, selected: Ints) -> Rows:
        events, size, rng = rows.events, len(selected), self._rng
        cents, at = events.cents.copy(), events.at.copy()
        factor = np.where(rng.random(size) < 0.5, rng.uniform(0.3, 0.9, size), rng.uniform(1.1, 2.0, size))
        cents[selected] = np.maximum(1, (cents[selected] * factor).astype(np.int64))
        moved = np.where(rng.random(size) < WRONG_CLOCK_SHARE, rng.integers(1, MAX_CLOCK_ERROR, size), 0)
        at[selected] = np.minimum(at[selected] + moved, self._shop.period.end - 1)
        spoiled = replace(events, cents=cents, at=at)
        if isinstance(spoiled, TrackedEvents) and "log-ins" in self._shop.config.traits:
            is_known = spoiled.is_known.copy()
            is_known[selected] &= rng.random(size) >= ANONYMOUS_SHARE
            spoiled = replace(spoiled, is_known=is_known)
        return replace(rows, events=spoiled)


class RepeatedEvents(ClickTrait):
    """Monthly exports that overlap: each begins with the last days of the month before."""

    def __init__(self, shop: Shop, rng: np.random.Generator) -> None:
        super().__init__(shop, rng)
        self._last_days: list[Rows] = []

    def change_rows(self, month: int, rows: Rows) -> Rows:
        """Put the last days of the month before first, as they are then known."""
        _, position = np.unique(rows.number[::-1], return_index=True)
        latest = rows.take(rows.size - 1 - position)
        end = self._month_ends[month]
        is_recent = (latest.events.at >= end - OVERLAP) & (latest.events.at < end)
        before, self._last_days = self._last_days, [latest.take(np.flatnonzero(is_recent))]
        return concat_rows([*before, rows])


def _first_times(at: Ints, group: Ints, size: int) -> Ints:
    first = np.full(size, np.iinfo(np.int64).max)
    np.minimum.at(first, group, at)
    return first
