"""When users visit: sessions with a start, a number of product views and a pace.

Two promises make the true number of sessions recoverable by a gap of 30 minutes: within a session no two neighbouring
events are further apart than that, and two sessions of one user always are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopwright.simulate.arrays import Flags, Floats, Ints, group_offsets, running_sum_before, sum_by_group
from shopwright.simulate.seasonality import DAY, HOUR, MINUTE, SECOND
from shopwright.simulate.users import BOT_SESSION_VIEWS

if TYPE_CHECKING:
    from shopwright.simulate.seasonality import Season, Span
    from shopwright.simulate.users import Users

SESSION_GAP = 30 * MINUTE
MIN_BREAK = SESSION_GAP + MINUTE
"""Least time between two sessions of a user."""
MIN_DWELL, TYPICAL_DWELL, MAX_DWELL = 6 * SECOND, 38 * SECOND, 20 * MINUTE
DWELL_SPREAD = 1.0
"""Standard deviation of the log dwell time."""
LANDING = 4 * SECOND
"""From the landing page to the first product."""
CHECKOUT = 3 * MINUTE
"""Longest a checkout takes; time for it is kept free at the end of every session."""
QUICK_SHARE, QUICK_VIEWS, THOROUGH_VIEWS = 0.6, 2.0, 6.0
"""Share of sessions that are quick, and the mean number of product views of quick and of thorough ones."""
MAX_VIEWS = 80
BOUNCE_SHARE = 0.12
"""Share of sessions that end on the landing page, in exports that show landing pages."""


@dataclass(frozen=True)
class Visits:
    """Sessions ordered by user and start; one entry a session, but for ``dwell``."""

    user: Ints
    start: Ints
    end: Ints
    """A moment no event of the session comes after."""
    views: Ints
    """Product views; 0 for a bounce."""
    dwell: Ints
    """Milliseconds spent on each product viewed, session after session."""

    @property
    def size(self) -> int:
        """Number of sessions."""
        return len(self.user)

    def filter(self, selected: Flags) -> Visits:
        """Return only those sessions."""
        dwell = self.dwell[np.repeat(selected, self.views)]
        return Visits(
            self.user[selected], self.start[selected], self.end[selected], self.views[selected], dwell
        )


def draw_views(is_bot: Flags, *, with_bounces: bool, rng: np.random.Generator) -> Ints:
    """Return number of product views of each session."""
    size = len(is_bot)
    mean = np.where(rng.random(size) < QUICK_SHARE, QUICK_VIEWS, THOROUGH_VIEWS)
    views = np.minimum(rng.geometric(1 / mean), MAX_VIEWS)
    if with_bounces:
        views[rng.random(size) < BOUNCE_SHARE] = 0
    bots = int(is_bot.sum())
    views[is_bot] = rng.integers(*BOT_SESSION_VIEWS, bots, endpoint=True)
    return views.astype(np.int32)


def draw_dwell(views: Ints, is_bot: Flags, rng: np.random.Generator) -> Ints:
    """Return milliseconds spent on each product: log-normal for humans, short and even for bots."""
    dwell = np.exp(rng.normal(np.log(TYPICAL_DWELL), DWELL_SPREAD, int(views.sum())))
    dwell = np.clip(dwell, MIN_DWELL, MAX_DWELL)
    of_bot = np.repeat(is_bot, views)
    pace = np.repeat(rng.integers(2 * SECOND, 5 * SECOND, len(views)), views)[of_bot]
    dwell[of_bot] = pace + rng.integers(-50, 50, len(pace))
    return dwell.astype(np.int64)


def draw_visits(
    users: Users,
    season: Season,
    span: Span,
    *,
    scale: float,
    free_at: Ints,
    with_pages: bool,
    rng: np.random.Generator,
) -> Visits:
    """Draw the sessions that start in a span.

    Args:
        users: everyone who is registered.
        season: how busy each hour is.
        span: the stretch of time.
        scale: visits an average user makes on an average day.
        free_at: for each user, when the next session may start at the earliest, in milliseconds; brought up to date.
        with_pages: whether the export shows landing pages, so that a session can be a bounce.
        rng: source of chance.

    Returns:
        Sessions that end before their user churns and before the period does.
    """
    user, start = _draw_starts(users, season, span, scale, rng)
    is_bot = users.is_bot[user]
    views = draw_views(is_bot, with_bounces=with_pages, rng=rng)
    dwell = draw_dwell(views, is_bot, rng)
    length = LANDING + CHECKOUT + sum_by_group(dwell, group_offsets(views))
    start = space_out(user, np.maximum(start, free_at[user]), length + MIN_BREAK)
    visits = Visits(user, start, start + length, views, dwell)
    np.maximum.at(free_at, user, visits.end + MIN_BREAK)
    return visits.filter(visits.end < np.minimum(users.churned[user], season.period.end))


def _draw_starts(
    users: Users, season: Season, span: Span, scale: float, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Return users and wanted start times, ordered by both: an uneven Poisson process, and each newcomer's first visit."""
    opens, closes = (season.level(np.clip(at, span.start, span.end)) for at in (users.arrived, users.churned))
    rate = users.session_rate * np.where(users.is_bot, 1.0, scale)
    user = np.repeat(np.arange(users.size), rng.poisson(rate * np.maximum(closes - opens, 0.0)))
    level = opens[user] + rng.random(len(user)) * (closes - opens)[user]
    start = _shifted(season.time_at(level), users, user, span)
    newcomers = np.flatnonzero((users.arrived >= span.start) & (users.arrived < span.end))
    user, start = np.concatenate([user, newcomers]), np.concatenate([start, users.arrived[newcomers]])
    order = np.argsort(user * (span.end - span.start) + (start - span.start), kind="stable")
    return user[order], start[order]


def _shifted(start: Ints, users: Users, user: Ints, span: Span) -> Ints:
    """Move visits to the user's own hours within the day, where the user is active then."""
    midnight = start // DAY * DAY
    shifted = midnight + (start - midnight + users.hour_shift[user].astype(np.int64) * HOUR) % DAY
    fits = (shifted >= np.maximum(users.arrived[user], span.start)) & (shifted < users.churned[user])
    return np.where(fits & (shifted < span.end), shifted, start)


def space_out(user: Ints, start: Ints, durations: Ints) -> Ints:
    """Delay sessions just enough for none to start while the user's one before still takes its time.

    Args:
        user: ascending; one entry a session.
        start: wanted start, ascending within a user.
        taken: time from a session's start until the user's next one may start.

    Returns:
        The earliest possible starts, none before the wanted one.
    """
    if not len(user):
        return start
    is_first = np.concatenate([[True], user[1:] != user[:-1]])
    offsets = np.append(np.flatnonzero(is_first), len(user))
    before = running_sum_before(durations, offsets)
    # A start is the latest, over the sessions up to it, of a wanted start plus all that is taken in between.
    slack = start - before
    width = int(slack.max() - slack.min()) + 1
    group = (np.cumsum(is_first) - 1) * width
    latest: Ints = np.maximum.accumulate(slack - slack.min() + group) - group + slack.min()
    return latest + before


def mean_session_days(users: Users, season: Season) -> Floats:
    """Return visits of each user over the whole period per unit of ``scale``."""
    opens, closes = season.level(users.arrived), season.level(users.churned)
    return users.session_rate * np.maximum(closes - opens, 0.0)
