"""The collector accepts what the shop's ingest accepts, in any zone, with any limits and in any currency."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from events import event, lines
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from shopwright.collector.validation import EventValidator
from shopwright.service.schemas.events import SessionEvents, find_errors
from shopwright.settings import Project, Settings
from shopwright.testing import NOW, Shop

SETTINGS = """
[shop]
timezone = "{zone}"
currency = "{currency}"
[ingest]
earliest_date = 2024-02-01
latest_date = 2025-06-30
max_future_hours = {hours}
"""
SOURCE = '[[sources]]\nname = "file"\nadapter = "event_stream"\npath = "raw"\n'
ZONES = {"Asia/Tokyo": timedelta(hours=9), "America/Bogota": timedelta(hours=-5), "UTC": timedelta()}
PRICES = ("99999999.99", "100000000.0001", "1000000000000", "1000000000000.01", "5")


def _moments(zone):
    """Times around the limits: those of the zone, and those that they would be in another one."""
    first, behind = datetime(2024, 2, 1), datetime(2025, 7, 1)  # noqa: DTZ001  # local, naive UTC once shifted
    for limit in (first, behind):
        for shift in {ZONES[zone], timedelta()}:
            for step in (-1, 0, 1):
                yield (limit - shift + timedelta(seconds=step)).isoformat() + "Z"
    yield from ("2024-02-01", "2024-01-31", "2025-06-30", "2025-07-01", "2024-03-01T00:00:00")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("currency", ["EUR", "VND"])
def test_the_collector_and_a_file_are_checked_alike(tmp_path, zone, currency):
    shop = Shop.make(tmp_path, SETTINGS.format(zone=zone, currency=currency, hours=24) + SOURCE)
    texts = [json.dumps(event(text, event_at=text)) for text in _moments(zone)]
    texts += [json.dumps(event(price, price=price)) for price in PRICES]
    texts += [json.dumps(event(price, price=price, currency="JPY")) for price in PRICES]
    shop.write("events.jsonl", "".join(text + "\n" for text in texts))
    shop.ingest()
    refused = {row.line_number: row.rules for row in shop.quarantine()}
    validator = EventValidator(shop.project)
    checks = validator.check([record.text for record in lines(*(text.encode() for text in texts))], NOW)
    validator.close()
    assert {line: check.rules for line, check in enumerate(checks, 1) if check.rules} == refused
    assert {rule for rules in refused.values() for rule in rules} == {
        "event_at_out_of_range",
        "price_out_of_range",
    }


def _is_refused(fields, project):
    """Whether the request's schema, or the shop's settings, refuse an event of a session."""
    try:
        session = SessionEvents(user_id="anna", events=({"event_type": "add_to_cart"} | fields,))
    except ValidationError:
        return True
    return bool(list(find_errors(session, project)))


@pytest.mark.parametrize("zone", ZONES)
def test_a_session_is_scored_from_events_that_the_shop_may_have(tmp_path, zone):
    shop = Shop.make(tmp_path, SETTINGS.format(zone=zone, currency="VND", hours=24))
    validator = EventValidator(shop.project)
    moments = [text for text in _moments(zone) if text.endswith("Z")]
    sessions = [{"event_at": text, "price": "1"} for text in moments]
    sessions += [{"event_at": "2024-03-01T00:00:00Z", "price": price} for price in PRICES]
    for fields in sessions:
        (check,) = validator.check([json.dumps(event("1", **fields))], NOW)
        assert _is_refused(fields, shop.project) == bool(check.rules), fields
    validator.close()


@settings(max_examples=30)
@given(
    moment=st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2030, 1, 1)),  # noqa: DTZ001
    zone=st.sampled_from([*ZONES, "Europe/Berlin", "Pacific/Kiritimati"]),
)
def test_limits_are_days_of_the_shops_zone(moment, zone):
    project = Project(
        root=Path(),
        settings=Settings.model_validate(
            {
                "shop": {"timezone": zone},
                "ingest": {"earliest_date": "2000-01-01", "latest_date": "2020-12-31"},
            }
        ),
    )
    validator = EventValidator(project)
    text = moment.replace(microsecond=0).isoformat() + "Z"
    (check,) = validator.check([json.dumps(event("1", event_at=text))], datetime(2040, 1, 1))  # noqa: DTZ001
    validator.close()
    day = datetime.fromisoformat(text).astimezone(ZoneInfo(zone)).date()
    assert (not check.rules) == (date(2000, 1, 1) <= day <= date(2020, 12, 31))
