"""By which channels persons came to a session or an order, computed a second time in plain Python."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopwright.warehouse.build import build
from tests.warehouse.deliveries import order_shop, query_gold
from tests.warehouse.models import SmallShop, compile_models
from tests.warehouse.shops import gold, make_shop, take_in

START = datetime(2025, 1, 1)  # noqa: DTZ001  # naive UTC, as everywhere
PAUSE, LOOKBACK = timedelta(minutes=30), timedelta(days=30)
DIRECT = {"direct", "Direct", "(direct)"}
SESSIONS = """
    select user_id, session_start_at, entry_channel, first_channel, last_non_direct_channel
    from gold.fct_sessions order by all"""
ORDERS = (
    "select order_id, ordered_at, first_channel, last_non_direct_channel from gold.fct_orders order by all"
)

visits = st.lists(
    st.fixed_dictionaries(
        {
            "user_id": st.sampled_from(["u1", "u2"]),
            "minute": st.integers(0, 70 * 24).map(lambda hour: 60 * hour) | st.integers(0, 200),
            "event_type": st.sampled_from(["page_view", "purchase"]),
            "channel": st.sampled_from([None, None, "direct", "(direct)", "email", "social", "paid_search"]),
        }
    ),
    max_size=14,
    unique_by=lambda visit: (visit["user_id"], visit["minute"]),
)


def _lookback(moment, sessions):
    """Return the first channel and the last one that is not direct, of the sessions of the days before a moment."""
    stated = [
        (start, channel) for start, channel in sessions if channel and moment - LOOKBACK <= start <= moment
    ]
    indirect = [item for item in stated if item[1] not in DIRECT]
    return min(stated)[1] if stated else None, max(indirect)[1] if indirect else None


def _expected(events):
    """Return sessions and purchases with their channels, of events with person, moment, kind, channel and order."""
    sessions, purchases = [], []
    by_person = defaultdict(list)
    for event in sorted(events, key=lambda item: item["at"]):
        by_person[event["person"]].append(event)
    for person, theirs in by_person.items():
        starts: list[list] = []
        previous = None
        for event in theirs:
            if previous is None or event["at"] - previous > PAUSE:
                starts.append([event["at"], None])
            starts[-1][1] = starts[-1][1] or event["channel"]
            previous = event["at"]
        sessions += [(person, start, channel, *_lookback(start, starts)) for start, channel in starts]
        purchases += [
            (event["order_id"], event["at"], *_lookback(event["at"], starts))
            for event in theirs
            if event["event_type"] == "purchase"
        ]
    return _sorted(sessions), _sorted(purchases)


def _sorted(rows):
    return sorted(map(tuple, rows), key=repr)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """The models of a shop whose visits state channels and whose purchases state orders."""
    project = make_shop(tmp_path_factory.mktemp("channels"))
    (project.root / "raw").mkdir()
    event = {"event_type": "purchase", "timestamp": "2025-01-01T00:00:00Z", "user_id": "u"}
    row = event | {"channel": "email", "order_id": "o", "price": 1}
    (project.root / "raw" / "events.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    take_in(project)
    return SmallShop(compile_models(project, "fct_sessions", "fct_orders"))


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(visits)
def test_channels_are_those_of_the_sessions_of_thirty_days(shop, drawn):
    events = [
        {
            "user_id": visit["user_id"],
            "event_type": visit["event_type"],
            "channel": visit["channel"],
            "event_at": START + timedelta(minutes=visit["minute"]),
            "order_id": f"o{number}" if visit["event_type"] == "purchase" else None,
            "price": 1,
        }
        for number, visit in enumerate(drawn)
    ]
    shop.clear()
    shop.fill("events", events)
    shop.build()
    sessions, orders = _expected([row | {"person": row["user_id"], "at": row["event_at"]} for row in events])
    assert _sorted(shop.connection.execute(SESSIONS).fetchall()) == sessions
    assert _sorted(shop.connection.execute(ORDERS).fetchall()) == orders


CAMPAIGNS = [
    ({"utm_source": "google", "utm_medium": "cpc"}, "paid_search"),
    ({"utm_source": "google.com", "utm_medium": "organic"}, "organic_search"),
    ({"utm_source": "facebook", "utm_medium": "cpc"}, "paid_social"),
    ({"utm_source": "Instagram", "utm_medium": "Paid-Social"}, "paid_social"),
    ({"utm_source": "criteo", "utm_medium": "retargeting"}, "paid_other"),
    ({"utm_source": "partner.example", "utm_medium": "cpm"}, "display"),
    ({"utm_source": "klaviyo", "utm_campaign": "spring"}, "email"),
    ({"utm_source": "crm", "utm_medium": "E-Mail"}, "email"),
    ({"utm_source": "ig", "utm_medium": "story"}, "social"),
    ({"utm_source": "blog.example", "utm_medium": "referral"}, "referral"),
    ({"utm_source": "awin", "utm_medium": "affiliate"}, "affiliate"),
    ({"utm_source": "(direct)", "utm_medium": "(none)"}, "direct"),
    ({"utm_source": "leaflet", "utm_medium": "qr"}, "unassigned"),
    ({"gclid": "Cj0K"}, "paid_search"),
    ({"msclkid": "9f"}, "paid_search"),
    ({"fbclid": "IwAR"}, "social"),
    ({"fbclid": "IwAR", "utm_source": "facebook", "utm_medium": "paid"}, "paid_social"),
    ({"utm_source": "google", "utm_medium": "cpc", "channel": "brand"}, "brand"),
    ({"referrer": "https://shop.example/cart"}, None),
    ({}, None),
]


def test_a_campaign_says_the_channel_where_the_source_states_none(tmp_path):
    project = make_shop(tmp_path)
    (project.root / "raw").mkdir()
    at = "2025-01-01T00:00:00Z"
    rows = [
        {"event_type": "page_view", "timestamp": at, "user_id": f"u{number:02}"} | campaign
        for number, (campaign, _) in enumerate(CAMPAIGNS)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (project.root / "raw" / "events.jsonl").write_text(text, "utf-8")
    take_in(project)
    build(project)
    sessions = "select user_id, entry_channel, first_channel from gold.fct_sessions order by user_id"
    expected = [(f"u{number:02}", channel, channel) for number, (_, channel) in enumerate(CAMPAIGNS)]
    assert query_gold(project, sessions) == expected


def _random_visits(number, rng):
    """Return events of one person and their device, some of them anonymous until the person logs in."""
    minutes = rng.sample(range(0, 70 * 24 * 60, 20), rng.randint(2, 12))
    rows = []
    for index, minute in enumerate(minutes):
        kind = rng.choice(["page_view", "page_view", "purchase"])
        row = {
            "event_id": f"{number}-{index}",
            "timestamp": f"{(START + timedelta(minutes=minute)).isoformat()}Z",
            "event_type": kind,
            "anonymous_id": f"device-{number}",
            "channel": rng.choice([None, "direct", "email", "social", "paid_search"]),
        }
        if rng.random() < 0.3:
            row["user_id"] = f"user-{number}"
        if kind == "purchase":
            row |= {"order_id": f"o-{number}-{index}", "price": 5, "product_id": "p"}
        rows.append(row)
    return rows


def _with_persons(rows):
    known = {row["anonymous_id"]: row["user_id"] for row in rows if "user_id" in row}
    for row in rows:
        at = datetime.fromisoformat(row["timestamp"]).replace(tzinfo=None)
        yield row | {"at": at, "person": known.get(row["anonymous_id"], row["anonymous_id"])}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 6))])
def test_late_visits_and_log_ins_change_the_channels_of_later_sessions_and_orders(seed, tmp_path):
    rng = random.Random(seed)
    batches = [[] for _ in range(3)]
    for number in range(200):
        for row in _random_visits(number, rng):
            rng.choice(batches).append(row)
    project = make_shop(tmp_path / "parts")
    (project.root / "raw").mkdir()
    arrived = []
    for number, rows in enumerate(batches):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (project.root / "raw" / f"events-{number}.jsonl").write_text(text, encoding="utf-8")
        arrived += rows
        take_in(project)
        assert build(project).full_refresh is (number == 0)
        sessions, orders = _expected(_with_persons(arrived))
        assert _sorted(query_gold(project, SESSIONS)) == sessions, f"batch {number}"
        assert _sorted(query_gold(project, ORDERS)) == orders, f"batch {number}"
    whole = make_shop(tmp_path / "whole", raw=project.root / "raw")
    take_in(whole)
    build(whole)
    assert gold(whole.published) == gold(project.published)


def test_an_order_of_a_known_day_was_placed_at_its_end(tmp_path):
    project = order_shop(tmp_path)
    event = {"event_type": "page_view", "user_id": "k"}
    visits_of_k = [
        event | {"timestamp": "2025-03-02T18:00:00Z", "channel": "email"},
        event | {"timestamp": "2025-03-03T08:00:00Z", "channel": "social"},
    ]
    orders = [
        {"order_id": "day", "customer_id": "k", "ordered_at": "2025-03-02"},
        {"order_id": "noon", "customer_id": "k", "ordered_at": "2025-03-02T12:00:00Z"},
    ]
    for name, rows in {"events": visits_of_k, "orders": orders}.items():
        file = project.root / "raw" / f"{name}.jsonl"
        file.parent.mkdir(exist_ok=True)
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    take_in(project)
    build(project)
    channels = "select order_id, first_channel, last_non_direct_channel from gold.fct_orders order by all"
    assert query_gold(project, channels) == [("day", "email", "email"), ("noon", None, None)]
