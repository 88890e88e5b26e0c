"""Who shops: habits, lifetimes, bots, the experiment's groups, and profiles that change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopwright.assignment import has_odd_md5
from shopwright.simulate.arrays import Flags, Floats, Ints, Versions, draw_choices, group_offsets, spread_ids
from shopwright.simulate.buyers import Buyers
from shopwright.simulate.seasonality import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from shopwright.simulate.catalog import Catalog
    from shopwright.simulate.config import SimulationConfig
    from shopwright.simulate.seasonality import Period

DEVICES = ("desktop", "mobile", "tablet")
DEVICE_WEIGHTS = (0.38, 0.54, 0.08)
CHANNELS = ("direct", "organic_search", "paid_search", "email", "social", "affiliate", "referral")
CHANNEL_WEIGHTS = (0.27, 0.25, 0.16, 0.11, 0.10, 0.06, 0.05)
COUNTRIES = ("DE", "FR", "GB", "ES", "IT", "NL", "PL", "US")
CITIES = (
    *(("Berlin", "DE"), ("Hamburg", "DE"), ("München", "DE"), ("Paris", "FR"), ("Lyon", "FR")),
    *(("London", "GB"), ("Leeds", "GB"), ("Madrid", "ES"), ("Málaga", "ES"), ("Milano", "IT")),
    *(
        ("Roma", "IT"),
        ("Utrecht", "NL"),
        ("Łódź", "PL"),
        ("Kraków", "PL"),
        ("Boston", "US"),
        ("Austin", "US"),
    ),
)
"""City and country of residence."""
CITY_COUNTRY = np.array([COUNTRIES.index(country) for _, country in CITIES], dtype=np.uint8)
SEGMENTS = ("new", "regular", "loyal", "vip")
SEGMENT_WEIGHTS = (0.45, 0.35, 0.15, 0.05)

RATE_SPREAD = 1.2
"""Standard deviation of the log visit rate: a few users make most visits."""
MAX_RATE = 40.0
"""Highest visit rate, as a multiple of the mean."""
HOUR_SHIFT_SPREAD = 1.5
"""Standard deviation of the hours by which a user's day is shifted."""
LEVEL_SPREAD = 0.3
"""Standard deviation of the log price level around that of the dearest category."""
SENSITIVITY, SENSITIVITY_SHAPE = 0.8, 4.0
"""Mean price sensitivity, and the shape of its gamma distribution."""
FAVOURITES = 3
BOT_SESSION_VIEWS = (100, 400)
"""Fewest and most product views of a bot's session."""
BOT_SESSIONS_EACH = 12


@dataclass(frozen=True)
class Users:
    """Registered users; every array has one entry a user."""

    number: Ints
    """The digits of the user's id, nine of them, ascending."""
    prefix: str
    """What stands before the digits in the id."""
    arrived: Ints
    """When the user registered, in milliseconds; a user who registers within the period visits at that moment."""
    churned: Ints
    """The moment after which the user never comes again, in milliseconds; may lie after the period."""
    session_rate: Floats
    """Relative sessions a day; 1 on average for humans, absolute for bots."""
    hour_shift: Ints
    """Hours by which the user's day is later than that of most users."""
    device: Ints
    channel: Ints
    typical_cents: Floats
    """The price level the user feels at home with."""
    price_sensitivity: Floats
    """How fast the chance of a cart falls as the log price rises over the typical one."""
    favourites: Ints
    """Preferred categories, (users, 3), dearest first."""
    is_treated: Flags
    """Whether the experiment shows the user the treatment."""
    is_bot: Flags
    buyers: Buyers
    """How each one buys."""

    @property
    def size(self) -> int:
        """Number of users."""
        return len(self.number)

    def id_of(self, user: int) -> str:
        """Return the user's id as exports write it."""
        return f"{self.prefix}{self.number[user]}"


@dataclass(frozen=True)
class Profiles:
    """Versions of the users' profiles; arrays have one entry a version."""

    versions: Versions
    city: Ints
    """Position in ``CITIES``."""
    segment: Ints
    is_subscribed: Ints

    @property
    def change_count(self) -> int:
        """Versions beyond each user's first."""
        owners = self.versions.owner
        return len(owners) - len(np.unique(owners))

    def country_at(self, user: Ints, at: Ints) -> Ints:
        """Return where each user lived at each time, as a position in ``COUNTRIES``."""
        country: Ints = CITY_COUNTRY[self.city[self.versions.at(user, at)]]
        return country


def assign_variant(user_id: str) -> str:
    """Return the experiment's variant for a user: MD5 parity of the id, odd is the treatment.

    Example:
        >>> assign_variant("512345678")
        'treatment'
    """
    return "treatment" if has_odd_md5(user_id) else "control"


def draw_users(config: SimulationConfig, period: Period, catalog: Catalog, rng: np.random.Generator) -> Users:
    """Draw the users and their habits."""
    size = config.user_count
    number = spread_ids(100_000_000, 999_999_999, size, rng)
    prefix = "" if config.format == "rees46" else "u"
    is_bot = _draw_bots(config, size, rng)
    buyers = Buyers.draw(size, rng.spawn(1)[0], planted=config.buyer_types)
    variety = buyers.trait("variety")
    arrived = _draw_arrivals(period, is_bot, buyers, rng)
    lifetime = rng.exponential(config.mean_lifetime_days * DAY, size) * buyers.trait("lifetime")
    churned = np.maximum(arrived, period.start) + HOUR + lifetime.astype(np.int64)
    churned[is_bot] = period.end + DAY
    favourites = rng.integers(0, len(catalog.category_paths), (size, FAVOURITES)).astype(np.uint8)
    typical = catalog.typical_cents[favourites[:, 0]] * np.exp(rng.normal(0, LEVEL_SPREAD * variety))
    return Users(
        number=number,
        prefix=prefix,
        arrived=arrived,
        churned=churned,
        session_rate=_draw_rates(config, period, is_bot, buyers, rng),
        hour_shift=rng.normal(0, HOUR_SHIFT_SPREAD, size).round().astype(np.int8),
        device=draw_choices(DEVICE_WEIGHTS, size, rng),
        channel=draw_choices(CHANNEL_WEIGHTS, size, rng),
        typical_cents=typical.astype(np.float32),
        price_sensitivity=_draw_sensitivities(variety, rng),
        favourites=favourites,
        is_treated=np.array(
            [assign_variant(f"{prefix}{digits}") == "treatment" for digits in number.tolist()]
        ),
        is_bot=is_bot,
        buyers=buyers,
    )


def bot_sessions(config: SimulationConfig) -> float:
    """Return sessions of bots wanted: one at least, unless there are to be no bots."""
    if not config.bot_share:
        return 0.0
    return max(1.0, config.bot_share * config.events / float(np.mean(BOT_SESSION_VIEWS)))


def _draw_bots(config: SimulationConfig, size: int, rng: np.random.Generator) -> Flags:
    count = min(max(1, size // 10), int(np.ceil(bot_sessions(config) / BOT_SESSIONS_EACH)))
    is_bot = np.zeros(size, dtype=bool)
    is_bot[rng.choice(size, count, replace=False)] = True
    return is_bot


def _draw_sensitivities(variety: Floats, rng: np.random.Generator) -> Floats:
    values = rng.gamma(SENSITIVITY_SHAPE, SENSITIVITY / SENSITIVITY_SHAPE, len(variety))
    sensitivity: Floats = np.where(variety == 1, values, SENSITIVITY + (values - SENSITIVITY) * variety)
    return sensitivity.astype(np.float32)


def _draw_arrivals(period: Period, is_bot: Flags, buyers: Buyers, rng: np.random.Generator) -> Ints:
    """Return registration times: some in the two years before, the others within the period, bots early in it."""
    size = len(is_bot)
    length = period.end - period.start
    within = period.start + (rng.random(size) * (length - HOUR)).astype(np.int64)
    early = period.start + (within - period.start) // 10
    before = period.start - rng.integers(HOUR, 730 * DAY, size)
    return np.where(is_bot, early, np.where(rng.random(size) < buyers.trait("known_share"), before, within))


def _draw_rates(
    config: SimulationConfig, period: Period, is_bot: Flags, buyers: Buyers, rng: np.random.Generator
) -> Floats:
    """Draw sessions a day: relative for humans, of whom a few make most; for bots what remains after the first session of each."""
    spread = RATE_SPREAD * buyers.trait("variety")
    rates = np.exp(rng.normal(-(spread**2) / 2, spread)) * buyers.trait("visits")
    sessions_each = bot_sessions(config) / max(1, int(is_bot.sum()))
    bot_rate = max(0.0, sessions_each - 1) * DAY / (period.end - period.start)
    return np.where(is_bot, bot_rate, np.minimum(rates, MAX_RATE)).astype(np.float32)


def draw_profiles(
    config: SimulationConfig, period: Period, users: Users, rng: np.random.Generator
) -> Profiles:
    """Draw every user's profile and how it changed within the period.

    A change touches one of city, segment and subscription and always leaves another value than before.
    """
    first = np.maximum(users.arrived, period.start)
    years = (period.end - first) / (365.25 * DAY)
    counts = 1 + rng.poisson(config.profile_changes_per_year * years)
    counts[users.is_bot] = 1
    owner = np.repeat(np.arange(users.size), counts)
    starts = group_offsets(counts)[:-1]
    timestamps = (
        first[owner]
        + MINUTE
        + (rng.random(len(owner)) * (period.end - first[owner] - MINUTE)).astype(np.int64)
    )
    timestamps[starts] = users.arrived
    timestamps = timestamps[np.lexsort((timestamps, owner))]
    touched = rng.integers(0, 3, len(owner))
    columns = [
        _walk(rng.integers(0, len(CITIES), users.size), touched == 0, len(CITIES), starts, rng),
        _walk(draw_choices(SEGMENT_WEIGHTS, users.size, rng), touched == 1, len(SEGMENTS), starts, rng),
        _walk(rng.integers(0, 2, users.size), touched == 2, 2, starts, rng),
    ]
    return Profiles(Versions(owner, timestamps), *columns)


def _walk(first: Ints, touched: Flags, values: int, starts: Ints, rng: np.random.Generator) -> Ints:
    """Return values of one attribute by version: the owner's first one, moved on wherever it is touched."""
    steps = np.where(touched, rng.integers(1, values, len(touched)), 0)
    steps[starts] = 0
    walk = np.cumsum(steps)
    counts = np.diff(np.append(starts, len(steps)))
    values_now: Ints = (np.repeat(first - walk[starts], counts) + walk) % values
    return values_now.astype(np.uint8)
