"""Whose events are, what sessions and purchases there are: as a loop over the files says."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.simulate.order_files import read
from tests.simulate.traits.independent import (
    Event,
    assign_persons,
    events_of,
    latest,
    moment,
    purchases,
    sessions,
)

from shopwright.simulate.seasonality import MINUTE
from shopwright.simulate.traits.people import session_numbers, stitch

if TYPE_CHECKING:
    from shopwright.simulate import Simulation


@pytest.fixture(scope="module")
def events(ordinary: Simulation) -> list[Event]:
    found = events_of(ordinary)
    assign_persons(found)
    return found


def table(made: Simulation, name: str) -> list[tuple[Any, ...]]:
    return duckdb.sql(f"SELECT * FROM '{(made.out / 'truth' / name).as_posix()}.parquet'").fetchall()


def test_every_event_has_its_person(ordinary: Simulation, events: list[Event]) -> None:
    counts = Counter((event.visitor, event.person) for event in events)
    stitched = Counter(
        (event.visitor, event.person) for event in events if not event.user and event.person != event.visitor
    )
    assert table(ordinary, "persons")
    assert {row[:2]: row[2:] for row in table(ordinary, "persons")} == {
        key: (count, stitched[key]) for key, count in counts.items()
    }
    totals = ordinary.truth["ordinary"]["events"]
    assert totals["events"] == len(events)
    assert totals["persons"] == len({event.person for event in events})
    assert totals["stitched_events"] == sum(stitched.values())
    assert totals["stitched_visitors"] == len({visitor for visitor, _ in stitched})
    assert totals["stitched_users"] == len({person for _, person in stitched})


def test_sessions_are_those_of_persons(ordinary: Simulation, events: list[Event]) -> None:
    assert sorted(table(ordinary, "sessions")) == sessions(events)
    assert ordinary.truth["ordinary"]["events"]["sessions"] == len(sessions(events))


def test_a_purchase_counts_once_at_its_right_price(ordinary: Simulation, events: list[Event]) -> None:
    actual = sorted(table(ordinary, "purchases"))
    expected = purchases(events)
    assert actual == sorted(
        (
            event.person,
            event.row["properties"]["order_id"],
            event.row["properties"]["product_id"],
            event.at,
            event.row["properties"]["price"] * event.row["properties"]["quantity"],
        )
        for event in expected
    )
    totals = ordinary.truth["ordinary"]["events"]
    bought = [event for event in events if event.row["event_type"] == "purchase"]
    assert totals["purchases"] == len(expected) == ordinary.truth["totals"]["purchases"]
    assert totals["repeated_purchases"] == len(bought) - len(expected) > 20


def test_every_kind_of_log_in_is_there(ordinary: Simulation, events: list[Event]) -> None:
    devices: dict[str, set[str]] = {}
    users: dict[str, set[str]] = {}
    for event in events:
        if event.user and event.visitor:
            devices.setdefault(event.user, set()).add(event.visitor)
            users.setdefault(event.visitor, set()).add(event.user)
    assert sum(len(on) > 1 for on in devices.values()) > 20
    assert sum(len(of) > 1 for of in users.values()) > 10
    assert any(event.person == event.visitor for event in events)
    first_known: dict[str, Any] = {}
    for event in events:
        if event.user:
            first_known[event.user] = min(first_known.get(event.user, event.at), event.at)
    late = {
        event.person
        for event in events
        if not event.user
        and event.person != event.visitor
        and event.at.month < first_known[event.person].month
    }
    assert len(late) > 10
    both = Counter()
    for event in events:
        both[event.row["session_id"], bool(event.user)] += 1
    halves = Counter(session for session, _ in both)
    assert sum(count == 2 for count in halves.values()) > 300


def test_events_sent_again_end_with_the_right_price(ordinary: Simulation) -> None:
    rows = read(ordinary, "events")
    versions: dict[str, list[tuple[Any, Any]]] = {}
    for row in rows:
        versions.setdefault(row["event_id"], []).append((row["properties"].get("price"), row["timestamp"]))
    assert sum(len({price for price, _ in sent}) > 1 for sent in versions.values()) > 50
    assert sum(len({at for _, at in sent}) > 1 for sent in versions.values()) > 20
    final = latest(rows, "event_id")
    assert len(final) == len(versions)


def test_reloads_come_a_minute_and_a_day_later(events: list[Event]) -> None:
    first = {id(event) for event in purchases(events)}
    at = {event.row["properties"]["order_id"]: event.at for event in events if id(event) in first}
    delays = Counter(
        (event.at - at[event.row["properties"]["order_id"]]).days
        for event in events
        if event.row["event_type"] == "purchase" and id(event) not in first
    )
    assert delays.keys() == {0, 1}


DEVICE_EVENTS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.one_of(st.none(), st.integers(0, 2))),
    max_size=25,
    unique_by=lambda row: row[0] * 4 + row[1],
)
"""Visits, quarters of an hour within them, and users, of one device."""


@given(st.lists(DEVICE_EVENTS, min_size=1, max_size=3))
def test_stitching_is_the_rule_as_a_loop_states_it(devices: list[Any]) -> None:
    rows = [
        (visit * 24 * 60 + part * 10, device, user)
        for device, of_device in enumerate(devices)
        for visit, part, user in of_device
    ]
    at, visitor = (np.array([row[i] for row in rows], dtype=np.int64) for i in (0, 1))
    user = np.array([-1 if row[2] is None else row[2] for row in rows], dtype=np.int64)
    expected = [
        Event(
            moment(f"2025-01-0{1 + minutes // 1440}T{minutes % 1440 // 60:02}:{minutes % 60:02}:00Z"),
            f"v{device}",
            None if of is None else f"u{of}",
            {},
        )
        for minutes, device, of in rows
    ]
    assign_persons(expected)
    actual = stitch(at * MINUTE, visitor, user)
    names = [f"u{code}" if code >= 0 else f"v{device}" for code, device in zip(actual, visitor, strict=True)]
    assert names == [event.person for event in expected]


def test_a_session_ends_after_more_than_half_an_hour() -> None:
    at = np.array([0, 30, 61, 0]) * MINUTE
    assert session_numbers(at, np.array([1, 1, 1, 0])).tolist() == [1, 1, 2, 0]
