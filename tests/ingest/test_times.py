"""What a time is: an instant in any spelling, a local time of the source, or a day of the shop."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopwright.contracts import BY_NAME
from shopwright.core.engine import connect
from shopwright.ingest.adapters.mapping import EPOCH, ISO_8601, FileKind, Mapping, ShopContext
from shopwright.ingest.times import is_unset, read_is_day, read_timestamp
from shopwright.testing import Shop

CASES = Path(__file__).parents[1] / "cases"
ENGINE = connect(threads=1)
ZONES = (
    "UTC",
    "America/Sao_Paulo",
    "America/New_York",
    "Asia/Kathmandu",
    "Europe/Berlin",
    "Pacific/Auckland",
)


def read(text, *formats, zone="UTC", shop_zone="UTC"):
    """Return the instant and whether it is only a day."""
    mapping = Mapping(
        entity=BY_NAME["orders"],
        kind=FileKind.CSV,
        fields={},
        timestamp_formats=formats or (ISO_8601, EPOCH),
        timezone=zone,
        shop=ShopContext(timezone=shop_zone),
    )
    is_day = read_is_day("t", mapping) or "null"
    return ENGINE.execute(
        f"select {read_timestamp('t', mapping)}, {is_day} from (select ?::varchar as t)", [text]
    ).fetchone()


EPOCH_START, FIRST, LAST = map(datetime.fromisoformat, ("1970-01-01", "2002-01-01", "2099-12-30"))
INSTANTS = st.datetimes(min_value=FIRST, max_value=LAST)
OFFSETS = st.integers(min_value=-14 * 60, max_value=14 * 60)


def spellings(instant, minutes):
    """Return every accepted spelling of an instant that loses nothing of it."""
    local = instant.replace(tzinfo=UTC).astimezone(timezone(timedelta(minutes=minutes)))
    offset = f"{local:%z}"
    text, basic = f"{local:%Y-%m-%d %H:%M:%S.%f}", f"{local:%Y%m%dT%H%M%S.%f}"
    micros = round((instant - EPOCH_START) / timedelta(microseconds=1))
    yield from (f"{text}{offset}", f"{text} {offset}", f"{text.replace(' ', 'T')}{offset[:3]}:{offset[3:]}")
    yield from (f"{text} {offset[:3]}:{offset[3:]}", f"{basic}{offset}", f"{basic} {offset}")
    yield text.replace(".", ",") + offset
    utc = f"{instant:%Y-%m-%dT%H:%M:%S.%f}"
    yield from (f"{utc}Z", f"{utc} UTC", f"{utc} GMT", f"{utc} Z", f"{instant:%Y%m%dT%H%M%S.%f}Z")
    yield from (f"{micros}", f"{micros}000", f"{micros // 1000}.{micros % 1000:03}")
    yield f"{micros // 10**6}.{micros % 10**6:06}"


@given(INSTANTS, OFFSETS, st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_an_instant_is_the_same_in_every_spelling_and_whatever_the_zones(instant, minutes, zone, shop_zone):
    for text in spellings(instant, minutes):
        assert read(text, zone=zone, shop_zone=shop_zone) == (instant, False), text


@given(INSTANTS, OFFSETS, st.sampled_from(ZONES))
def test_an_offset_that_a_format_states_beats_the_zone_of_the_source(instant, minutes, zone):
    local = instant.replace(tzinfo=UTC).astimezone(timezone(timedelta(minutes=minutes)))
    text = f"{local:%d/%m/%Y %H:%M:%S.%f %z}"
    assert read(text, "%d/%m/%Y %H:%M:%S.%f %z", zone=zone)[0] == instant
    assert read(f"{instant:%d.%m.%Y %H:%M:%S} UTC", "%d.%m.%Y %H:%M:%S UTC", zone=zone)[0] == instant.replace(
        microsecond=0
    )


@given(
    st.dates(min_value=date(1971, 1, 1), max_value=date(2099, 12, 30)),
    st.sampled_from(ZONES),
    st.sampled_from(ZONES),
)
def test_a_day_is_that_day_of_the_shop_in_every_zone(day, zone, shop_zone):
    spelled = {f"{day:%Y-%m-%d}": (), f"{day:%Y%m%d}": (), f"{day:%d.%m.%Y}": ("%d.%m.%Y",)}
    for text, formats in spelled.items():
        instant, is_day = read(text, *formats, zone=zone, shop_zone=shop_zone)
        local = instant.replace(tzinfo=UTC).astimezone(ZoneInfo(shop_zone))
        assert (local.date(), is_day) == (day, True)
        assert local.time() == time() or local.hour == 1  # a day that begins when clocks go forward


@given(INSTANTS, st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_a_local_time_is_a_time_of_the_source(moment, zone, shop_zone):
    expected = moment.replace(tzinfo=ZoneInfo(zone))
    is_there = expected.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == moment
    for text in (f"{moment:%Y-%m-%d %H:%M:%S.%f}", f"{moment:%Y%m%d%H%M%S.%f}"):
        instant, is_day = read(text, zone=zone, shop_zone=shop_zone)
        assert is_day is False
        if is_there:  # a time that is skipped, or comes twice, is one of two instants
            local = instant.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
            assert local == moment


@pytest.mark.parametrize(
    "text",
    [
        "0000-00-00",
        "0000-00-00 00:00:00",
        "0001-01-01T00:00:00",
        "01/01/0001",
        "0",
        "0.0",
        "NaT",
        "None",
        "NULL",
        "1970-01-01",
        "1970-01-01 00:00:00",
        "1970-01-01T00:00:00.000Z",
        "1970-01-01 00:00:00 +0000",
        "1900-01-01",
    ],
)
def test_a_moment_that_is_not_set_is_recognized(text):
    assert ENGINE.execute(f"select {is_unset('?')}", [text]).fetchone() == (True,)


@pytest.mark.parametrize("text", ["1970-01-01 00:00:01", "1970-01-02", "2025-03-01", "10", "1433221332"])
def test_any_other_moment_is_set(text):
    assert ENGINE.execute(f"select {is_unset('?')}", [text]).fetchone() == (False,)


def _shop(tmp_path, settings):
    return Shop.make(tmp_path, settings)


ORDERS = '[[sources]]\nname = "s"\nadapter = "event_stream"\npath = "raw"\n'


def test_unset_moments_are_null_and_counted(tmp_path):
    shop = _shop(tmp_path, ORDERS)
    times = ["0000-00-00 00:00:00", "1970-01-01T00:00:00Z", "NaT", "2025-03-06", None, "soon"]
    rows = [
        {"order_id": str(number), "ordered_at": "2025-03-01T10:00:00Z", "delivered_at": moment}
        for number, moment in enumerate(times)
    ]
    shop.write("orders.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    [row] = shop.ingest().rows
    assert (row.rows_accepted, row.rows_quarantined) == (5, 1)
    assert json.loads(row.notes) == {"unset_times": {"delivered_at": 3}}
    assert shop.quarantine()[0].rules == ("delivered_at_unreadable",)


def test_cases_of_days_and_offsets_are_read_as_they_say(tmp_path):
    case = CASES / "meaning" / "09-offset-and-zone"
    stated = (case / "shopwright.toml").read_text(encoding="utf-8").replace('"a.csv"', '"raw"')
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))["ordered_at UTC"]
    without = "\n".join(line for line in stated.splitlines() if not line.startswith("timestamp_formats"))
    for name, text in {"stated": stated, "without": without}.items():
        shop = _shop(tmp_path / name, text)
        shop.write("a.csv", (case / "a.csv").read_bytes())
        shop.ingest()
        rows = shop.rows("order_id", "ordered_at", "ordered_at_is_day", entity="orders")
        assert rows == [(order, datetime.fromisoformat(at), None) for order, at in expected.items()]


def test_days_are_stored_as_days_of_the_shop(tmp_path):
    case = CASES / "meaning" / "08-days-in-another-zone"
    shop = _shop(tmp_path, (case / "shopwright.toml").read_text(encoding="utf-8"))
    shop.write("orders.jsonl", (case / "raw" / "orders.jsonl").read_bytes())
    shop.ingest()
    [row] = shop.rows("ordered_at", "ordered_at_is_day", "promised_at", entity="orders")
    assert row == (datetime(2025, 3, 1, 3), True, datetime(2025, 3, 5, 3))  # noqa: DTZ001


def test_epochs_of_events_are_read_without_a_setting(tmp_path):
    case = CASES / "formats" / "07-retailrocket-csv"
    settings = """[[sources]]
name = "clicks"
adapter = "mapped"
path = "raw"
[sources.map]
event_at = "timestamp"
event_type = "event"
user_id = "visitorid"
product_id = "itemid"
order_id = "transactionid"
[sources.event_types]
view = "product_view"
addtocart = "add_to_cart"
transaction = "purchase"
"""
    shop = _shop(tmp_path, settings)
    shop.write("events.csv", (case / "raw" / "events.csv").read_bytes())
    shop.ingest()
    moments = {str(at) for (at,) in shop.rows("event_at")}
    assert {"2015-06-02 05:02:12.117000", "2015-06-03 05:50:14.164000"} <= moments


def test_limits_of_times_are_settings(tmp_path):
    limits = (
        '[shop]\ntimezone = "Asia/Tokyo"\n[ingest]\nearliest_date = 1997-01-01\nlatest_date = 2025-12-31\n'
    )
    shop = _shop(tmp_path, limits + ORDERS)
    times = ["1996-12-31", "1997-01-01", "2025-12-31", "2026-01-01"]
    rows = [
        {"order_id": str(number), "ordered_at": "2025-03-01", "promised_at": moment}
        for number, moment in enumerate(times)
    ]
    shop.write("orders.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    assert shop.ingest().rows[0].rows_accepted == 2
    assert {tuple(row.rules) for row in shop.quarantine()} == {("promised_at_out_of_range",)}
