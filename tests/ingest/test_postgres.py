"""A table of a running Postgres arrives whole, once, typed, and only what is new the next time."""

# ruff: noqa: DTZ001  # naive UTC, as the lake is read

from __future__ import annotations

import json
import random
import subprocess
import sys
import textwrap
import time
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from postgres_shop import (
    BY_TABLE,
    ORDERS,
    SOURCE,
    VARIABLE,
    VERSIONED,
    WATERMARKED,
    Database,
    check,
    check_ledger,
    counts,
)
from tests.postgres import PASSWORD, running_server
from typer.testing import CliRunner

from shopwright.cli.main import app
from shopwright.ingest import loader
from shopwright.ingest.postgres import chunks, probe, session
from shopwright.testing import Shop

# --- values -----------------------------------------------------------------------------------------------


TYPES = """
create type mood as enum ('good', 'so so');
create type place as (city text, floor int);
create table things (
    order_id bigint, ordered_at timestamp with time zone, local timestamp, day date, flag boolean, big numeric,
    tiny double precision, price money, words text[], numbers int[][], plain json, binary_json jsonb, raw bytea,
    mood mood, place place, span interval, id uuid, fixed char(5), "odd "" Name, with; marks" text, status text,
    empty text, absent text, spread int4range
);
insert into things values (
    7, '2024-03-10 01:30:00.123456-08', '2024-03-10 12:00', '2024-02-29', true, 12345678901234567890.123456789012345,
    0.1::float8 + 0.2, '1234.5', array['a,b', 'c"d', null], array[[1,2],[3,4]], '{"a":  1}', '{"b": [1, null]}',
    '\\xdeadbeef', 'so so', ('Paris', 3), '1 day 02:03:04', '00000000-0000-0000-0000-000000000001', 'ab',
    E'line one\\nline "two",\\r\\n\\\\N', '\\N', '', null, '[1,5)'
);
"""


def _things(tmp_path, database, more=""):
    database.run("set timezone = 'America/New_York'")
    database.run(TYPES)
    shop = Shop.make(tmp_path, SOURCE + f'table = "things"\n{more}')
    report = shop.ingest()
    assert counts(report) == (1, 1, 0, 0)
    return shop, report


def test_every_type_arrives_as_the_value_it_is(tmp_path, database):
    database.server.run(f"alter database {database.name} set datestyle = 'German'")
    database.server.run(f"alter database {database.name} set timezone = 'Asia/Tokyo'")
    shop, report = _things(tmp_path, database)
    [(key, at, status, properties)] = shop.rows(
        "order_id", "ordered_at", "status", "properties", entity="orders"
    )
    assert (key, at, status) == ("7", datetime(2024, 3, 10, 9, 30, 0, 123456), "\\N")
    actual = json.loads(properties)
    assert actual == {
        "local": "2024-03-10 12:00:00",
        "day": "2024-02-29",
        "flag": "true",
        "big": "12345678901234567890.123456789012345",
        "tiny": "0.30000000000000004",
        "price": "1234.50",
        "words": '["a,b","c\\"d",null]',
        "numbers": "[[1,2],[3,4]]",
        "plain": '{"a":  1}',
        "binary_json": '{"b": [1, null]}',
        "raw": r"\xdeadbeef",
        "mood": "so so",
        "place": '{"city":"Paris","floor":3}',
        "span": "P1DT2H3M4S",
        "id": "00000000-0000-0000-0000-000000000001",
        "fixed": "ab   ",
        'odd " Name, with; marks': 'line one\nline "two",\r\n\\N',
        "empty": "",
        "spread": "[1,5)",
    }
    assert "flag" in report.rows[0].new_columns


def test_an_empty_text_is_kept_apart_from_nothing_and_a_backslash_n_from_both(tmp_path, database):
    database.run("create table texts (order_id text, ordered_at date, a text, b text, c text)")
    database.run("insert into texts values ('1', '2024-01-01', '', null, 'x')")
    database.run("insert into texts values ('2', '2024-01-01', '\\N', 'null', '')")
    shop = Shop.make(tmp_path, SOURCE + 'table = "texts"\n')
    shop.ingest()
    actual = dict(shop.rows("order_id", "properties", entity="orders"))
    assert {key: json.loads(text) for key, text in actual.items()} == {
        "1": {"a": "", "c": "x"},
        "2": {"a": "\\N", "b": "null", "c": ""},
    }


def test_a_column_of_json_becomes_the_properties_and_other_columns_join_them(tmp_path, database):
    database.run("alter table orders add properties jsonb, add note text, add tags text[]")
    database.run(
        "insert into orders values ('o1', 'paid', '2024-01-01', null, 1.5, '{\"a\": {\"b\": 1}}', 'hi', '{x}'), "
        "('o2', 'paid', '2024-01-01', null, null, null, null, null), "
        "('o3', 'paid', '2024-01-01', null, null, '[1]', 'ho', null)"
    )
    shop = Shop.make(tmp_path, BY_TABLE)
    shop.ingest()
    actual = dict(shop.rows("order_id", "properties", entity="orders"))
    assert {key: text and json.loads(text) for key, text in actual.items()} == {
        "o1": {"a": {"b": 1}, "note": "hi", "tags": '["x"]', "total": "1.5"},
        "o2": None,
        "o3": {"properties": "[1]", "note": "ho"},
    }


def test_columns_of_other_names_are_mapped_and_others_map_by_themselves(tmp_path, database):
    database.run("create table sales (no int, buyer text, placed timestamp, status text, amount numeric)")
    database.run("insert into sales values (5, ' Zoë ', '2024-07-01 00:30', 'sent', 10)")
    mapped = '[sources.map]\norder_id = "no"\ncustomer_id = "buyer"\nordered_at = "placed"\n'
    mapped += 'currency = { value = "EUR" }\nship_city = { sql = "upper(buyer)" }\n'
    shop = Shop.make(tmp_path, SOURCE + f'table = "sales"\ntimezone = "Europe/Berlin"\n{mapped}')
    shop.ingest()
    columns = ("order_id", "customer_id", "ordered_at", "status", "currency", "ship_city")
    assert shop.rows(*columns, entity="orders") == [
        ("5", "Zoë", datetime(2024, 6, 30, 22, 30), "sent", "EUR", "ZOË")
    ]


def test_a_query_is_read_like_a_table(tmp_path, database):
    database.fill(1, 9)
    query = """-- what counts
    with paid as (select * from orders where status = 'paid')
    select order_id, ordered_at, '50% {off}' as status, updated_at from paid where order_id <> 'o3' -- not that
    ;  """
    shop = Shop.make(tmp_path, SOURCE + f"query = '''{query}'''\nwatermark = \"updated_at\"\n")
    assert counts(shop.ingest()) == (8, 8, 0, 0)
    assert shop.rows("status", entity="orders")[0] == ("50% {off}",)


@pytest.mark.parametrize("rows", [0, 1])
def test_a_table_of_one_column_keeps_its_empty_lines(tmp_path, database, rows):
    database.run("create table zips (zip_prefix text)")
    if rows:
        database.run("insert into zips values (''), ('01'), (null)")
    settings = SOURCE.replace('"orders"', '"places"') + 'table = "zips"\n'
    shop = Shop.make(tmp_path, settings)
    report = shop.ingest()
    assert counts(report) == ((3, 1, 2, 0) if rows else (0, 0, 0, 0))
    assert report.rows[0].outcome == ("loaded" if rows else "empty")
    assert (shop.ingest().rows, shop.ingest().skipped) == ([], 1)


# --- only what is new -------------------------------------------------------------------------------------


def test_the_next_run_reads_from_the_last_watermark_and_loses_no_tie(tmp_path, database):
    shop = Shop.make(tmp_path, VERSIONED)
    database.fill(1, 20, updated="'2024-01-01 10:00+00'")
    assert counts(shop.ingest()) == (20, 20, 0, 0)
    database.fill(21, 25, updated="'2024-01-01 10:00+00'")  # the very same moment
    database.fill(26, 30, updated="'2024-01-01 10:00:00.000001+00'")
    assert counts(shop.ingest()) == (30, 10, 0, 20)
    database.fill(31, 33, updated="'2024-01-02 10:00+00'")
    assert counts(shop.ingest()) == (8, 3, 0, 5)
    check(shop, range(1, 34))
    assert shop.ledger()[-1].watermark == "2024-01-02 10:00:00+00"


def test_runs_that_find_nothing_new_leave_no_trace(tmp_path, database):
    shop = Shop.make(tmp_path, WATERMARKED)
    database.fill(1, 20)
    shop.ingest()
    shop.ingest()
    rows = len(shop.ledger())
    again = shop.ingest()
    assert (again.rows, again.skipped, len(shop.ledger())) == ([], 1, rows)


def test_a_changed_row_lands_as_a_version_and_the_old_one_stays(tmp_path, database):
    shop = Shop.make(tmp_path, VERSIONED)
    database.fill(1, 3)
    shop.ingest()
    database.run(
        "update orders set status = 'sent', updated_at = '2024-02-01 00:00+00' where order_id = 'o2'"
    )
    shop.ingest()
    assert shop.rows("order_id", "status", "valid_from", entity="orders")[1:3] == [
        ("o2", "paid", datetime(2024, 1, 1, 10, 2)),
        ("o2", "sent", datetime(2024, 2, 1)),
    ]
    check_ledger(shop)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("bigint", ("9", "10", "100")),
        ("numeric", ("0.5", "0.50000000001", "12")),
        ("timestamp", ("'2024-01-01 00:00'", "'2024-01-01 00:00:00.5'", "'2024-01-02'")),
        ("date", ("'2024-01-09'", "'2024-01-10'", "'2024-01-11'")),
        ("text", ("'a'", "'a, \"b\"'", "'b'")),
        (
            "uuid",
            tuple(f"'00000000-0000-7000-8000-00000000000{digit}'" for digit in "123"),
        ),
    ],
)
def test_columns_of_any_order_can_be_watermarks(tmp_path, database, kind, values):
    database.run(f"create table marked (order_id text, ordered_at date, mark {kind})")
    settings = SOURCE + 'table = "marked"\nwatermark = "mark"\nlookback_seconds = 0\n'
    shop = Shop.make(tmp_path, settings)
    for number, value in enumerate(values):
        database.run(f"insert into marked values ('o{number}', '2024-01-01', {value})")
        assert counts(shop.ingest()) == (1 + bool(number), 1, 0, int(bool(number)))
    check(shop, range(3))


def test_a_transaction_that_commits_late_is_found_within_the_lookback(tmp_path, database):
    shop = Shop.make(tmp_path, WATERMARKED)
    database.fill(1, 3)
    shop.ingest()
    database.fill(4, 4, updated="'2024-01-01 09:59+00'")  # written at 9:59, seen only after 10:03
    database.fill(5, 5, updated="'2024-01-01 09:50+00'")  # longer ago than 300 seconds
    assert counts(shop.ingest())[1] == 1
    check(shop, [1, 2, 3, 4])


def test_rows_without_a_watermark_or_with_one_ahead_of_the_clock_are_read_each_time(tmp_path, database):
    shop = Shop.make(tmp_path, VERSIONED)
    database.fill(1, 3)
    database.fill(4, 4, updated="null")
    database.fill(5, 5, updated="now() + interval '3 years'")
    database.fill(6, 6, updated="'infinity'")
    assert counts(shop.ingest()) == (6, 5, 1, 0)  # infinity is no time
    database.fill(7, 7, updated="'2024-01-01 11:00+00'")
    database.fill(8, 8, updated="null")
    shop.ingest()
    check(shop, [1, 2, 3, 4, 5, 7, 8])
    assert {row.watermark for row in shop.ledger()} == {
        "2024-01-01 10:03:00+00",
        "2024-01-01 11:00:00+00",
        None,
    }


def test_without_a_watermark_all_is_read_and_only_new_rows_land(tmp_path, database):
    shop = Shop.make(tmp_path, BY_TABLE)
    database.fill(1, 5)
    assert counts(shop.ingest()) == (5, 5, 0, 0)
    assert shop.ingest().skipped == 1
    database.fill(6, 7)
    assert counts(shop.ingest()) == (7, 2, 0, 5)
    check(shop, range(1, 8))


@pytest.mark.parametrize("change", ['table = "copied"', 'query = "select * from orders"'])
def test_another_table_or_query_begins_anew(tmp_path, database, change):
    shop = Shop.make(tmp_path, VERSIONED)
    database.fill(1, 5)
    shop.ingest()
    database.run("create table copied as select * from orders")
    Shop.make(tmp_path, VERSIONED.replace('table = "public.orders"', change))
    assert counts(shop.ingest())[3] == 5
    check(shop, range(1, 6))


def test_two_sources_read_one_database_and_keep_their_own_watermarks(tmp_path, database):
    database.run("create table payments (order_id text, sequence int, amount numeric, paid_at timestamptz)")
    database.run(
        "insert into payments values ('o1', 1, 12.3456, '2020-01-01'), ('o1', 2, -0.01, '2020-01-02')"
    )
    database.fill(1, 5)
    other = SOURCE.replace('"orders"', '"payments"') + 'table = "payments"\nwatermark = "paid_at"\n'
    shop = Shop.make(tmp_path, WATERMARKED + other)
    assert counts(shop.ingest()) == (7, 7, 0, 0)
    assert shop.rows("amount", entity="payments") == [(Decimal("-0.0100"),), (Decimal("12.3456"),)]
    database.run("insert into payments values ('o2', 1, 5, '2020-01-03')")
    shop.ingest()
    check_ledger(shop, "payments")
    assert len(shop.rows("amount", entity="payments")) == 3


def test_all_parts_of_a_run_show_one_moment(tmp_path, database, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 10)
    database.fill(1, 30)
    original = loader.BatchLoader.record

    def change(self, *args):
        database.run("delete from orders where order_id in (select order_id from orders limit 15)")
        return original(self, *args)

    monkeypatch.setattr(loader.BatchLoader, "record", change)
    shop = Shop.make(tmp_path, WATERMARKED)
    assert counts(shop.ingest()) == (30, 30, 0, 0)
    assert [row.file for row in shop.ledger()] == [
        f"public.orders by updated_at, part {number}" for number in (1, 2, 3)
    ]


# --- interruptions ----------------------------------------------------------------------------------------


def _start(shop):
    code = textwrap.dedent(
        f"""
        from pathlib import Path
        from shopwright.ingest import loader
        from shopwright.ingest.postgres import chunks
        from shopwright.testing import Shop
        loader.COMMIT_FILES, chunks.CHUNK_ROWS = 1, 40
        print("ready", flush=True)
        Shop(Path({str(shop.root)!r})).ingest()
        """
    )
    started = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert started.stdout.readline() == b"ready\n"
    return started


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_ingest_loses_and_doubles_nothing(tmp_path, database, seed):
    ties = "'2024-01-01 10:00+00'::timestamptz + (n / 50) * interval '1 hour'"
    database.fill(1, 400, updated=ties)
    shop = Shop.make(tmp_path, VERSIONED)
    process = _start(shop)
    time.sleep(random.Random(seed).uniform(0.1, 0.9))
    process.kill()
    process.wait()
    process.stdout.close()
    database.fill(401, 420, updated=ties)
    shop.ingest()
    check(shop, range(1, 421))
    assert not (shop.project.work / "staging").exists()


@pytest.fixture
def own_server():
    with running_server() as server:
        yield server


def test_a_server_that_dies_in_the_middle_leaves_whole_parts_and_the_next_run_goes_on(
    tmp_path, own_server, monkeypatch
):
    database = Database(own_server, "postgres")
    monkeypatch.setenv(VARIABLE, database.url)
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 4_000)
    database.run(ORDERS)
    database.run("alter table orders add note text default repeat('x', 5000)")  # more than sockets hold
    database.fill(1, 12_000, updated="'2024-01-01 10:00+00'::timestamptz + n * interval '1 second'")
    shop = Shop.make(tmp_path, VERSIONED)
    original = loader.BatchLoader.record

    def die(self, *args):
        monkeypatch.setattr(loader.BatchLoader, "record", original)
        own_server.kill()
        return original(self, *args)

    monkeypatch.setattr(loader.BatchLoader, "record", die)
    report = shop.ingest()
    assert [row.outcome for row in report.rows] == ["loaded", "failed"]
    assert PASSWORD not in report.failed[0].reason
    check(shop, range(1, 4_001))
    down = shop.ingest()
    assert [row.outcome for row in down.rows] == ["failed"]
    own_server.start()
    again = shop.ingest()
    assert counts(again) == (8_001, 8_000, 0, 1)
    check(shop, range(1, 12_001))


def test_a_part_that_cannot_be_read_stops_those_behind_it(tmp_path, database, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 10)
    database.fill(1, 30)
    shop = Shop.make(tmp_path, VERSIONED + 'customer_id = { sql = "no_such_column" }\n')
    assert [row.outcome for row in shop.ingest().rows] == ["failed"]
    Shop.make(tmp_path, VERSIONED)
    assert counts(shop.ingest()) == (30, 30, 0, 0)
    check(shop, range(1, 31))


def test_rows_put_aside_are_replayed_once_the_settings_are_mended(tmp_path, database):
    database.run(
        "create table lines (order_id text, quantity int, unit_price text, kind text, line_number int)"
    )
    database.run("insert into lines values ('o1', 1, 'EUR 1.50', 'sale', 1), ('o2', 1, null, E'sa\\nle', 2)")
    database.run("insert into lines values ('o3', 1, '2.5', 'sale', 3)")
    source = SOURCE.replace('entity = "orders"', 'entity = "order_items"') + 'table = "lines"\n'
    shop = Shop.make(tmp_path, source)
    assert counts(shop.ingest()) == (3, 1, 2, 0)
    assert [row.raw for row in shop.quarantine()] == ["o1,1,EUR 1.50,sale,1", 'o2,1,\\NULL,"sa\nle",2']
    mended = "[sources.map]\nunit_price = { sql = \"replace(unit_price, 'EUR ', '')\" }\n"
    Shop.make(tmp_path, source + mended)
    assert (shop.replay().accepted, shop.replay().replayed) == (1, 1)
    assert shop.rows("order_id", "unit_price", entity="order_items") == [
        ("o1", Decimal("1.5000")),
        ("o3", Decimal("2.5000")),
    ]
    check_ledger(shop, "order_items")


def test_a_look_at_a_source_reads_no_row(tmp_path, database):
    [source] = Shop.make(tmp_path, WATERMARKED).project.settings.sources
    assert probe(source).startswith("public.orders by updated_at: 5 columns, Postgres ")
    assert session.SETTINGS["timezone"] == "UTC"


def test_the_doctor_says_whether_the_database_can_be_read(tmp_path, database, monkeypatch):
    shop = Shop.make(tmp_path, WATERMARKED)
    arguments = ["doctor", "--json", "--project", str(shop.root)]
    for url, is_well, says in (
        (database.url, True, "5 columns"),
        (f"postgresql://shop:hunter2@127.0.0.1:{database.server.port}/shop", False, "authentication failed"),
        ("", False, f"{VARIABLE} is not set"),
    ):
        monkeypatch.setenv(VARIABLE, url)
        cli_output = CliRunner().invoke(app, arguments).output
        [actual] = [item for item in json.loads(cli_output) if item["check"] == "source orders"]
        assert (actual["ok"], says in actual["detail"], "hunter2" in cli_output) == (is_well, True, False)


@pytest.mark.slow
def test_a_million_rows_pass_in_bounded_memory(tmp_path, database):
    database.run("alter table orders drop constraint orders_pkey")
    database.run("alter table orders add note text default repeat('x', 100)")
    database.fill(1, 1_000_000, updated="'2024-01-01 10:00+00'::timestamptz + n * interval '1 second'")
    shop = Shop.make(tmp_path, VERSIONED)
    settings = shop.root / "shopwright.toml"
    settings.write_text(settings.read_text("utf-8").replace('memory_limit = "1GB"', 'memory_limit = "300MB"'))
    code = f"""
import re, tempfile
from pathlib import Path
from shopwright.ingest.postgres.chunks import read_chunks
from shopwright.testing import Shop

def peak():  # what getrusage tells begins with the memory of the process that started this one
    status = Path("/proc/self/status").read_text()
    return int(re.search("VmHWM:\\s+(\\d+) kB", status).group(1)) * 1024

shop = Shop(Path({str(shop.root)!r}))
[source] = shop.project.settings.sources
peaks, size = [], 0
with tempfile.TemporaryDirectory() as folder:
    for file in read_chunks(source, Path(folder), lambda *_: None):
        size += file.path.stat().st_size
        peaks.append(peak())
print(size, peaks[-1] - peaks[0], shop.ingest().total("rows_accepted"), peak())
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    streamed, growth, rows, max_bytes = map(int, finished.stdout.split())
    assert streamed > 180_000_000
    # from the first file to the last: reading holds some rows, however many there are
    assert growth < 1_000_000
    assert rows == 1_000_000
    # the engine keeps to its limit, which leaves out what the interpreter takes
    assert max_bytes < 900 * 1024**2
    newest = datetime(2024, 1, 1, 10) + timedelta(seconds=1_000_000)
    assert [row.watermark for row in shop.ledger()][-1] == f"{newest}+00"
