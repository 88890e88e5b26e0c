"""What the shop was made from, counted while it is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.simulate.events import EVENT_TYPES, GROUPS, KIND
from shopwright.simulate.journeys import COEFFICIENTS, INTERCEPT, MEANINGS

if TYPE_CHECKING:
    from shopwright.simulate.arrays import Ints
    from shopwright.simulate.config import SimulationConfig
    from shopwright.simulate.events import Events
    from shopwright.simulate.journeys import Journeys
    from shopwright.simulate.seasonality import Period
    from shopwright.simulate.users import Profiles, Users

MAX_LISTED = 10_000
"""Churned users listed by name; above it the list is cut and says so."""
BUYERS_FILE = "truth/buyers.parquet"
"""Type of each user: user_id, buyer_type (a name of ``buyers.PLANTED``); only where types are planted."""
DECISIONS_FILE = "truth/decisions.parquet"
"""The true chance of each purchase: user_id, session_start_at (UTC), purchase_chance (0 to 1), is_purchase."""
_PURCHASE, _CART = KIND["purchase"], KIND["add_to_cart"]


def _zeros(*shape: int) -> Ints:
    return np.zeros(shape, dtype=np.int64)


@dataclass
class TruthCounter:
    """Counts over all events before dirt; grows span by span."""

    months: int
    users: int
    by_type: Ints = field(init=False)
    """Events by (month, who, type), where who is 0 for humans and 1 for bots."""
    cents: Ints = field(init=False)
    """Revenue of humans and of bots, in cents."""
    sessions_of: Ints = field(init=False)
    """Sessions of each user."""
    orders: int = 0
    groups: dict[str, Ints] = field(default_factory=dict)
    """Counts by group, humans in the experiment only."""
    chances: dict[str, Any] = field(default_factory=dict)
    """Sum of the true purchase probabilities by group."""
    buyers: set[int] = field(default_factory=set)
    """Users of the experiment who bought while it ran."""
    members: Ints = field(init=False)
    """Group of each user who was seen in the experiment."""
    decisions: int = 0
    decision_blocks: list[dict[str, Any]] = field(default_factory=list)
    """Of each span, the sessions that were decided: the columns of ``DECISIONS_FILE`` with the user's number in place of the id."""

    def __post_init__(self) -> None:
        self.by_type = _zeros(self.months, 2, len(EVENT_TYPES))
        self.cents = _zeros(2)
        self.sessions_of = _zeros(self.users)
        self.members = _zeros(self.users)
        self.groups = {
            name: _zeros(len(GROUPS)) for name in ("sessions", "cart_sessions", "decisions", "orders")
        }
        self.chances = {"sum": np.zeros(len(GROUPS))}

    def add_events(self, events: Events, month: int, users: Users) -> None:
        """Count a month's events by type and who made them, and what was paid."""
        is_bot = users.is_bot[events.user].astype(np.int64)
        cells = np.bincount(is_bot * len(EVENT_TYPES) + events.kind, minlength=2 * len(EVENT_TYPES))
        self.by_type[month] += cells.reshape(2, len(EVENT_TYPES))
        bought = events.kind == _PURCHASE
        paid = events.cents[bought].astype(np.int64) * events.quantity[bought]
        for who in (0, 1):
            self.cents[who] += int(paid[is_bot[bought] == who].sum())

    def add_journeys(self, journeys: Journeys) -> None:
        """Count sessions, carts and orders, and those of each group of the experiment."""
        sessions, decisions = journeys.sessions, journeys.decisions
        self.sessions_of += np.bincount(journeys.visits.user, minlength=self.users)
        self.orders += int(decisions.is_purchase.sum())
        self.decisions += len(decisions.session)
        self.decision_blocks.append(
            {
                "user": journeys.visits.user[decisions.session],
                "session_start_at": journeys.visits.start[decisions.session],
                "purchase_chance": decisions.chance,
                "is_purchase": decisions.is_purchase,
            }
        )
        group = (sessions.in_experiment.astype(np.int64) + sessions.is_treated) * ~sessions.is_bot
        cart_sessions = np.unique(journeys.product_views.session[journeys.product_views.is_carted])
        bought = decisions.session[decisions.is_purchase]
        rows: dict[str, Any] = {
            "sessions": slice(None),
            "cart_sessions": cart_sessions,
            "decisions": decisions.session,
            "orders": bought,
        }
        for name, selected in rows.items():
            self.groups[name] += np.bincount(group[selected], minlength=len(GROUPS))
        self.chances["sum"] += np.bincount(group[decisions.session], decisions.chance, minlength=len(GROUPS))
        self.members[journeys.visits.user[group > 0]] = group[group > 0]
        self.buyers.update(journeys.visits.user[bought[group[bought] > 0]].tolist())

    @property
    def rows(self) -> int:
        """Events counted so far."""
        return int(self.by_type.sum())


def decision_columns(counter: TruthCounter, users: Users) -> dict[str, Any]:
    """Return every session that ended with something in the cart, by user and start; moments in milliseconds."""
    names = ("user", "session_start_at", "purchase_chance", "is_purchase")
    columns = {name: np.concatenate([block[name] for block in counter.decision_blocks]) for name in names}
    order = np.lexsort((columns["session_start_at"], columns["user"]))
    user = columns.pop("user")[order]
    ids = np.array([users.id_of(user_number) for user_number in user.tolist()], dtype=object)
    return {"user_id": ids} | {name: values[order] for name, values in columns.items()}


def buyer_columns(users: Users) -> dict[str, Any]:
    """Return the type of everybody but bots, by user."""
    humans = np.flatnonzero(~users.is_bot)
    names = np.array([buyer_type.name for buyer_type in users.buyers.types], dtype=object)
    ids = np.array([users.id_of(user) for user in humans.tolist()], dtype=object)
    return {"user_id": ids, "buyer_type": names[users.buyers.of_user[humans]]}


def money(cents: int) -> str:
    """Return cents as a decimal string."""
    return str(Decimal(int(cents)).scaleb(-2))


def describe(
    config: SimulationConfig, period: Period, users: Users, profiles: Profiles, counter: TruthCounter
) -> dict[str, Any]:
    """Return everything known about the shop, before dirt, as one JSON document."""
    return {
        "config": config.model_dump(mode="json", exclude=set() if config.traits else {"traits"}),
        "totals": _totals(counter, users),
        "events_by_month": _by_month(period, counter),
        "experiment": _experiment(config, counter),
        "abandonment": _abandonment(counter),
        "bots": {
            "count": int(users.is_bot.sum()),
            "user_ids": [users.id_of(user) for user in np.flatnonzero(users.is_bot).tolist()],
        },
        "buyer_types": users.buyers.describe(),
        "churned_users": _churned(period, users, counter),
        "profiles": {
            "users": users.size,
            "versions": len(profiles.city),
            "changes": profiles.change_count,
            "users_changed": int((np.bincount(profiles.versions.owner) > 1).sum()),
        },
    }


def _totals(counter: TruthCounter, users: Users) -> dict[str, Any]:
    by_type = counter.by_type.sum(axis=(0, 1))
    bots = users.is_bot
    return {
        "events": int(by_type.sum()),
        "events_by_type": dict(zip(EVENT_TYPES, by_type.tolist(), strict=True)),
        "events_of_bots": int(counter.by_type[:, 1].sum()),
        "users": int((counter.sessions_of > 0).sum()),
        "users_returning": int((counter.sessions_of[~bots] > 1).sum()),
        "sessions": int(counter.sessions_of.sum()),
        "sessions_of_bots": int(counter.sessions_of[bots].sum()),
        "session_gap_minutes": 30,
        "purchases": int(by_type[_PURCHASE]),
        "orders": counter.orders,
        "gross_amount": money(counter.cents.sum()),
        "gross_amount_without_bots": money(counter.cents[0]),
    }


def _by_month(period: Period, counter: TruthCounter) -> dict[str, dict[str, int]]:
    counts = counter.by_type.sum(axis=1)
    return {
        f"{first:%Y-%m}": dict(zip(EVENT_TYPES, row.tolist(), strict=True))
        for first, row in zip(period.first_days[:-1], counts, strict=True)
    }


def _experiment(config: SimulationConfig, counter: TruthCounter) -> dict[str, Any]:
    """Return the planted effect, and what chance made of it; bots are not counted."""
    return {
        "name": config.experiment,
        "assignment": "md5-parity of user_id: odd is treatment, even is control",
        "effect": config.experiment_effect,
        "effect_is": "relative lift of P(purchase | something is in the cart at the end of the session)",
        "starts_at": f"{config.experiment_start or config.start}T00:00:00Z",
        "groups": {name: _group(code, counter) for code, name in enumerate(GROUPS) if name},
    }


def _group(code: int, counter: TruthCounter) -> dict[str, Any]:
    counts = {name: int(values[code]) for name, values in counter.groups.items()}
    members = np.flatnonzero(counter.members == code)
    decisions = counts["decisions"]
    return {
        "users": len(members),
        "users_buying": len(counter.buyers.intersection(members.tolist())),
        **counts,
        "purchase_rate": counts["orders"] / decisions if decisions else None,
        "expected_purchase_rate": float(counter.chances["sum"][code] / decisions) if decisions else None,
    }


def _abandonment(counter: TruthCounter) -> dict[str, Any]:
    return {
        "model": "P(abandon) = 1 / (1 + exp(-(intercept + sum of coefficient * cause))) without treatment; "
        "under treatment P(purchase) = (1 - P(abandon)) * (1 + effect), at most 0.98",
        "grain": "one session with something in the cart at its end",
        "decisions_file": DECISIONS_FILE,
        "intercept": INTERCEPT,
        "coefficients": COEFFICIENTS,
        "causes": MEANINGS,
        "decisions": counter.decisions,
        "abandonment_rate": 1 - counter.orders / counter.decisions if counter.decisions else None,
    }


def _churned(period: Period, users: Users, counter: TruthCounter) -> dict[str, Any]:
    """Return users who were seen and whose last possible moment lies within the period."""
    churned = np.flatnonzero((users.churned < period.end) & (counter.sessions_of > 0))
    listed = churned[:MAX_LISTED]
    times = np.datetime_as_string(users.churned[listed].astype("datetime64[ms]"), unit="ms")
    return {
        "count": len(churned),
        "is_complete": len(listed) == len(churned),
        "users": {users.id_of(user): f"{time}Z" for user, time in zip(listed.tolist(), times, strict=True)},
    }
