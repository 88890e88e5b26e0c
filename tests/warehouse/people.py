"""Who people are, what they did and bought, computed a second time in plain Python from raw events as they arrived.

The rules are restated here and not imported: of one event id the version that arrived last counts; an anonymous event is of
the user known next in the visit of the device, else before in it, else next on the device, else last; a purchase reported
again later is none; half an hour without an event ends a session.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

PAUSE = timedelta(minutes=30)
START = datetime(2025, 3, 1)  # noqa: DTZ001  # naive UTC, as everywhere
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Session:
    """One session as gold should have it."""

    user: str
    start: datetime
    end: datetime
    events: int
    purchases: int
    units: int
    amount: Decimal


def random_world(name: str, rng: random.Random) -> list[Row]:
    """Return the events of a few people and devices, unlike those of any other world, in no order of time."""
    users = [f"{name}-u{number}" for number in range(rng.randint(1, 3))]
    visitors = [f"{name}-v{number}" for number in range(rng.randint(1, 3))]
    minutes = rng.choice([60, 400, 4_000])
    rows = [
        _random_event(name, number, users, visitors, minutes, rng) for number in range(rng.randint(1, 12))
    ]
    for row in rng.choices(rows, k=rng.randint(0, 3)):
        if "event_id" in row:
            rows.append(row | _random_change(users, visitors, minutes, rng))
        if row["event_type"] == "purchase":
            again = {"event_id": f"{name}-again-{len(rows)}", "timestamp": _moment(minutes, rng)}
            rows.append(row | again)
    return rows


def _random_event(
    name: str, number: int, users: list[str], visitors: list[str], minutes: int, rng: random.Random
) -> Row:
    row: Row = {"event_id": f"{name}-{number}"} if rng.random() < 0.8 else {"page_url": f"{name}-{number}"}
    kind = rng.choice(["page_view", "product_view", "add_to_cart", "purchase", "purchase"])
    row |= {"event_type": kind, "timestamp": _moment(minutes, rng), "product_id": rng.choice("pq")}
    who = rng.random()
    if who < 0.75:
        row["anonymous_id"] = rng.choice(visitors)
    if who > 0.55:
        row["user_id"] = rng.choice(users)
    if kind == "purchase":
        row |= {"price": rng.choice([5, 9]), "quantity": rng.choice([1, 1, 2])}
        if rng.random() < 0.8:
            row["order_id"] = rng.choice(["o1", "o2"])
    return row


def _moment(minutes: int, rng: random.Random) -> str:
    return f"{(START + timedelta(minutes=10 * rng.randrange(minutes // 10))).isoformat()}Z"


def _random_change(users: list[str], visitors: list[str], minutes: int, rng: random.Random) -> Row:
    return rng.choice(
        [
            {"timestamp": _moment(minutes, rng)},
            {"user_id": rng.choice(users)},
            {"anonymous_id": rng.choice(visitors)},
            {"event_type": "page_view"},
            {"price": 7, "quantity": 3},
        ]
    )


def find_sessions(arrived: list[Row]) -> list[Session]:
    """Return all sessions of events in the order of their arrival."""
    latest: dict[str, Row] = {}
    for row in arrived:
        key = row.get("event_id") or row["page_url"]
        latest.pop(key, None)
        latest[key] = row
    events = [
        dict(row, at=datetime.fromisoformat(row["timestamp"]).replace(tzinfo=None)) for row in latest.values()
    ]
    _name_people(events)
    _mark_repetitions(events)
    by_person = defaultdict(list)
    for event in events:
        by_person[event["person"]].append(event)
    return [
        _session(person, visit)
        for person, theirs in by_person.items()
        for visit in _split(sorted(theirs, key=lambda event: event["at"]))
    ]


def _split(events: list[Row]) -> list[list[Row]]:
    visits: list[list[Row]] = [[events[0]]]
    for before, event in pairwise(events):
        if event["at"] - before["at"] > PAUSE:
            visits.append([])
        visits[-1].append(event)
    return visits


def _name_people(events: list[Row]) -> None:
    devices = defaultdict(list)
    for event in events:
        event["person"] = event.get("user_id") or event["anonymous_id"]
        if "anonymous_id" in event:
            devices[event["anonymous_id"]].append(event)
    for theirs in devices.values():
        theirs.sort(key=lambda event: event["at"])
        on_device = [(event["at"], event["user_id"]) for event in theirs if event.get("user_id")]
        for visit in _split(theirs):
            in_visit = [known for known in on_device if visit[0]["at"] <= known[0] <= visit[-1]["at"]]
            for event in visit:
                if not event.get("user_id") and on_device:
                    event["person"] = _known_near(event["at"], in_visit or on_device)


def _known_near(at: datetime, known: list[tuple[datetime, str]]) -> str:
    following = [item for item in known if item[0] >= at]
    if following:
        return min(following)[1]
    last = max(moment for moment, _ in known)
    return min(user for moment, user in known if moment == last)


def _mark_repetitions(events: list[Row]) -> None:
    first: dict[tuple[Any, ...], datetime] = {}
    for event in sorted(events, key=lambda item: item["at"]):
        event["is_purchase"] = event["event_type"] == "purchase"
        if event["is_purchase"] and "order_id" in event:
            names = ("person", "order_id", "product_id", "price", "quantity")
            moment = first.setdefault(tuple(event.get(name) for name in names), event["at"])
            event["is_purchase"] = moment == event["at"]


def _session(person: str, events: list[Row]) -> Session:
    bought = [event for event in events if event["is_purchase"]]
    return Session(
        user=person,
        start=events[0]["at"],
        end=events[-1]["at"],
        events=len(events),
        purchases=len(bought),
        units=sum(event["quantity"] for event in bought),
        amount=sum((Decimal(event["quantity"] * event["price"]) for event in bought), Decimal(0)),
    )
