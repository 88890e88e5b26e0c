"""The shop as a whole: its users and products, and what happens in it month by month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopwright.core.errors import ConfigurationError
from shopwright.simulate.arrays import concat
from shopwright.simulate.catalog import Catalog, draw_catalog
from shopwright.simulate.events import Events, to_events
from shopwright.simulate.journeys import Journeys, draw_decisions, draw_product_views, draw_sessions
from shopwright.simulate.seasonality import DAY, Period, Season, Span, to_ms
from shopwright.simulate.users import (
    BOT_SESSION_VIEWS,
    Profiles,
    Users,
    bot_sessions,
    draw_profiles,
    draw_users,
)
from shopwright.simulate.visits import LANDING, Visits, draw_dwell, draw_views, draw_visits, mean_session_days

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shopwright.simulate.arrays import Ints
    from shopwright.simulate.config import SimulationConfig
    from shopwright.simulate.truth import TruthCounter

SPAN_EVENTS = 1_000_000
"""Events drawn at a time: enough to be fast, few enough to be small."""
PILOT_SESSIONS = 20_000
"""Sessions tried out to learn how many events one has."""


@dataclass(frozen=True)
class Shop:
    """Everything that is there before the first event."""

    config: SimulationConfig
    period: Period
    season: Season
    catalog: Catalog
    users: Users
    profiles: Profiles

    @property
    def with_pages(self) -> bool:
        """Whether the export shows pages, searches, checkouts and quantities."""
        return self.config.format != "rees46"

    @property
    def experiment_from(self) -> int:
        """When the experiment starts, in milliseconds."""
        return to_ms(self.config.experiment_start or self.config.start)

    def journeys(self, visits: Visits, session_counts: Ints, rng: np.random.Generator) -> Journeys:
        """Draw what happens in the sessions; ``seen`` counts each user's sessions and is brought up to date."""
        sessions = draw_sessions(visits, self.users, session_counts, self.experiment_from, rng)
        product_views = draw_product_views(
            visits, self.users, self.catalog, with_pages=self.with_pages, rng=rng
        )
        effect = self.config.experiment_effect
        return Journeys(
            visits,
            sessions,
            product_views,
            draw_decisions(visits, sessions, product_views, self.users, effect, rng),
        )

    def events(self, journeys: Journeys, first_session: int, rng: np.random.Generator) -> Events:
        """Lay the journeys out as events, ordered by time."""
        return to_events(
            journeys,
            self.profiles,
            self.catalog,
            first_session=first_session,
            with_pages=self.with_pages,
            rng=rng,
        )


def open_shop(config: SimulationConfig, rng: np.random.Generator) -> Shop:
    """Draw the catalog and the users."""
    of_catalog, of_users, of_profiles = rng.spawn(3)
    period = Period.from_start(config.start, config.months)
    catalog = draw_catalog(config, period, of_catalog)
    users = draw_users(config, period, catalog, of_users)
    profiles = draw_profiles(config, period, users, of_profiles)
    return Shop(config, period, Season(period), catalog, users, profiles)


def run_shop(shop: Shop, counter: TruthCounter, rng: np.random.Generator) -> Iterator[tuple[Events, bool]]:
    """Draw what happens, span by span.

    Args:
        shop: the shop.
        tally: counts everything as it happens.
        rng: source of chance.

    Yields:
        Events of one month in order of time, and whether they complete it.
    """
    pilot, chance = rng.spawn(2)
    scale = sessions_per_day(shop, pilot)
    free_at, session_counts = (np.zeros(shop.users.size, dtype=np.int64) for _ in range(2))
    pending: list[Events] = []
    first_session = 0
    for span in shop.period.spans(-(-shop.config.events // SPAN_EVENTS)):
        visits = draw_visits(
            shop.users,
            shop.season,
            span,
            scale=scale,
            free_at=free_at,
            with_pages=shop.with_pages,
            rng=chance,
        )
        journeys = shop.journeys(visits, session_counts, chance)
        events = concat([*pending, shop.events(journeys, first_session, chance)]).in_order()
        first_session += visits.size
        counter.add_journeys(journeys)
        cut = int(np.searchsorted(events.at, span.end))
        pending, events = [events.take(slice(cut, None))], events.take(slice(cut))
        counter.add_events(events, span.month, shop.users)
        yield events, _completes(shop.period, span)


def _completes(period: Period, span: Span) -> bool:
    return span.end == to_ms(period.first_days[span.month + 1])


def sessions_per_day(shop: Shop, rng: np.random.Generator) -> float:
    """Return visits an average user makes on an average day, so that the shop has the events asked for.

    Raises:
        ConfigurationError: the first visits of the users alone make more events.
    """
    target = shop.config.events - bot_sessions(shop.config) * float(np.mean(BOT_SESSION_VIEWS))
    sessions = max(target, 0.2 * shop.config.events) / events_per_session(shop, rng)
    is_human = ~shop.users.is_bot
    firsts = int((is_human & (shop.users.arrived >= shop.period.start)).sum())
    if firsts > sessions:
        max_users = int(shop.users.size * sessions / firsts)
        raise ConfigurationError(
            f"users: {shop.users.size} users make more than {shop.config.events} events by their first visits "
            f"alone; ask for at most {max_users} users, or for more events"
        )
    return (sessions - firsts) / float(mean_session_days(shop.users, shop.season)[is_human].sum())


def events_per_session(shop: Shop, rng: np.random.Generator) -> float:
    """Return mean number of events of a person's session, from a trial that is thrown away."""
    user = np.sort(rng.choice(np.flatnonzero(~shop.users.is_bot), PILOT_SESSIONS))
    is_bot = np.zeros(PILOT_SESSIONS, dtype=bool)
    views = draw_views(is_bot, with_bounces=shop.with_pages, rng=rng)
    start = np.maximum(shop.users.arrived[user], shop.period.start)
    visits = Visits(user, start, start + LANDING + DAY, views, draw_dwell(views, is_bot, rng))
    journeys = shop.journeys(visits, np.zeros(shop.users.size, dtype=np.int64), rng)
    return shop.events(journeys, 0, rng).size / PILOT_SESSIONS
