"""Simulated effects: as large as asked, on nobody else, told by the event alone, and never taken for real data."""

# ruff: noqa: DTZ001  # naive UTC, as the lake is read

from __future__ import annotations

import gzip
import hashlib
import json
import sys
from collections import Counter
from datetime import datetime
from math import sqrt

import pytest
from effect_shop import EXPERIMENT, MAPPED, STREAM, event, lines, make, users
from hypothesis import given, settings
from hypothesis import strategies as st

from shopwright.assignment import assign
from shopwright.core.engine import connect
from shopwright.core.sql import quote_text
from shopwright.ingest.adapters.rees46 import COLUMNS as REES46_COLUMNS
from shopwright.lake.tables import LEDGER, TABLES
from shopwright.testing import Shop

EPOCH = datetime(1970, 1, 1)


def is_chosen(user, at, *, share, seed, product="", own_id=""):
    """The documented rule, written down a second time."""
    micros = (datetime.fromisoformat(at) - EPOCH).total_seconds() * 1e6
    telling = "\x1f".join([str(seed), user, str(int(micros)), product, own_id])
    digest = hashlib.md5(telling.encode()).hexdigest()
    return int(digest[:15], 16) < round(share * 2**60)


# --- how many, and whose ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def carts(tmp_path_factory):
    """A file of 20,000 cart events of treated users and as many of others, and who is treated."""
    folder = tmp_path_factory.mktemp("carts")
    project = make(folder, MAPPED).project
    treated = users(project, "treatment", 20_000)
    others = users(project, "control", 20_000)
    rows = [f"2024-03-10 10:00:00,add_to_cart,{user},17,5.00\n" for user in treated + others]
    return "at,type,user,product,price\n" + "".join(rows), set(treated)


def landed(folder, text, **asked):
    """Users whose cart event became a purchase, and the ledger's one row."""
    shop = make(folder, MAPPED, **asked)
    shop.write("carts.csv", text)
    shop.ingest()
    rows = shop.rows("user_id", "event_type")
    assert len(rows) == 40_000
    return {user for user, kind in rows if kind == "purchase"}, shop.ledger()[0]


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_the_share_is_as_asked_and_the_control_is_left_alone(tmp_path, carts, share):
    text, treated = carts
    bought, row = landed(tmp_path, text, share=share)
    assert bought < treated
    assert abs(len(bought) - 20_000 * share) < 3.5 * sqrt(20_000 * share * (1 - share))
    assert json.loads(row.simulated_effect) == {
        "experiment": "checkout",
        "share": share,
        "seed": 1,
        "fingerprint": row.effect.fingerprint,
        "rows_changed": len(bought),
    }


def test_a_share_of_one_changes_every_cart_event_of_the_treated(tmp_path, carts):
    text, treated = carts
    assert landed(tmp_path, text, share=1)[0] == treated


def test_another_seed_chooses_others_and_a_greater_share_more(tmp_path, carts):
    text, _ = carts
    first, again, other, more = (
        landed(tmp_path / str(number), text, seed=seed, share=share)[0]
        for number, (seed, share) in enumerate([(1, 0.05), (1, 0.05), (2, 0.05), (1, 0.1)])
    )
    assert first == again
    assert first < more
    assert len(first & other) < 0.2 * len(first)


def test_the_choice_is_the_documented_one(tmp_path, carts):
    text, treated = carts
    bought, _ = landed(tmp_path, text, seed=7)
    at = "2024-03-10 10:00:00"
    assert bought == {user for user in treated if is_chosen(user, at, product="17", share=0.05, seed=7)}


def test_only_cart_events_with_a_price_within_the_experiments_days_change(tmp_path):
    shop = make(tmp_path, share=1, extra='[shop]\ntimezone = "America/New_York"\n')
    (user,) = users(shop.project, "treatment", 1)
    kinds = ["product_view", "remove_from_cart", "begin_checkout"]
    untouched = [
        *(event(user, kind=kind) for kind in kinds),
        event(user, price=None),
        event(user, at="2024-03-01 04:59:59"),
        event(user, at="2024-04-01 04:00:00"),
    ]
    changed = [
        event(user, at="2024-03-01 05:00:00"),
        event(user, at="2024-04-01 03:59:59"),
        event(user, price=0),
    ]
    shop.write("day.jsonl", lines(untouched + changed))
    shop.ingest()
    found = Counter(kind for (kind,) in shop.rows("event_type"))
    assert found == Counter({"purchase": 3, "add_to_cart": 3} | dict.fromkeys(kinds, 1))
    assert shop.ledger()[0].effect.rows_changed == 3


def test_nothing_but_the_type_of_an_event_changes(tmp_path):
    plain, changed = Shop.make(tmp_path / "plain", STREAM), make(tmp_path / "changed", share=1)
    (user,) = users(changed.project, "treatment", 1)
    columns = ("user_id", "event_at", "product_id", "price", "source_event_id", "properties", "device")
    for shop in (plain, changed):
        shop.write("day.jsonl", lines([event(user, event_id="e1", shelf=3, properties={"device": "tv"})]))
        shop.ingest()
    assert plain.rows(*columns) == changed.rows(*columns)
    assert (plain.rows("event_type"), changed.rows("event_type")) == ([("add_to_cart",)], [("purchase",)])


@pytest.mark.parametrize(
    ("rule", "groups", "bought"),
    [
        ('assignment = "stated"', ["control", "treatment", "other", None], [False, True, False, False]),
        ('assignment = "stated"\nvariants = {a = 1, b = 1, c = 2}', ["a", "b", "c"], [False, True, True]),
    ],
)
def test_what_the_events_state_tells_who_is_treated(tmp_path, rule, groups, bought):
    shop = make(tmp_path, share=1, experiment=EXPERIMENT + rule + "\n")
    shop.write("day.jsonl", lines(event(f"u{n}", experiment_group=group) for n, group in enumerate(groups)))
    shop.ingest()
    assert [kind == "purchase" for _, kind in shop.rows("user_id", "event_type")] == bought


@pytest.mark.parametrize(
    "rule",
    [
        "",
        'salt = "s"\ntraffic = 0.3',
        "variants = {a = 1, b = 1, c = 2}",
        'assignment = "md5_parity"',
        'layer = "page"\nlayer_range = [0.2, 0.6]',
    ],
)
def test_who_is_treated_is_told_by_the_experiments_assignment(tmp_path, rule):
    shop = make(tmp_path, share=1, experiment=EXPERIMENT + rule + "\n")
    shop.write("day.jsonl", lines(event(f"u{number}") for number in range(300)))
    shop.ingest()
    (tried,) = shop.project.settings.experiments
    for user, kind in shop.rows("user_id", "event_type"):
        is_treated = assign(tried, user).variant not in (None, tried.control)
        assert (kind == "purchase") == is_treated


# --- every adapter that yields events ---------------------------------------------------------------------


def _rees46(shop, found):
    values = [("2024-03-10 10:00:00 UTC", "cart", "17", "1", "", "", "5", user, "s") for user in found]
    shop.write("2024-Mar.csv", "\n".join(map(",".join, [REES46_COLUMNS, *values])) + "\n")


def _array(shop, found):
    shop.write("events.json", json.dumps([event(user) for user in found], indent=1))


def _parquet(shop, found):
    with connect() as connection:
        connection.execute("create table made (timestamp timestamptz, event_type text, user_id text, p text)")
        for user in found:
            connection.execute("insert into made values ('2024-03-10 10:00:00+00', 'cart', ?, '17')", [user])
        file = quote_text(str(shop.raw / "events.parquet"))
        connection.execute(
            f"copy (select * exclude (p), p as product_id, 5 as price from made) to {file} (format parquet)"
        )


def _split(shop, found):
    rows = [f'2024-03-10 10:00:00,add_to_cart,"{user}",17,5\r' for user in found]
    shop.write("day.csv", "at,type,user,product,price\r" + "".join(rows))  # lone returns: record by record


@pytest.mark.parametrize(
    ("source", "write"),
    [
        (STREAM.replace("event_stream", "rees46"), _rees46),
        (STREAM, _array),
        (STREAM, _parquet),
        (MAPPED, _split),
    ],
    ids=["rees46", "json array", "parquet", "mapped"],
)
def test_files_of_every_adapter_take_the_effect(tmp_path, source, write):
    shop = make(tmp_path, source, share=1)
    treated, others = (users(shop.project, variant, 3) for variant in ("treatment", "control"))
    write(shop, treated + others)
    shop.ingest()
    wanted = [(user, "purchase") for user in treated] + [(user, "add_to_cart") for user in others]
    assert shop.rows("user_id", "event_type") == sorted(wanted)
    assert [row.effect.rows_changed for row in shop.ledger()] == [3]


def test_rows_of_a_database_take_the_effect(tmp_path, database):
    source = STREAM.replace("event_stream", "postgres").replace('path = "raw"', 'table = "public.clicks"')
    shop = make(tmp_path, source + f'connection = "{"SHOP_DATABASE_URL"}"\n', share=1)
    (treated,), (other,) = (users(shop.project, variant, 1) for variant in ("treatment", "control"))
    database.run(
        "create table clicks (event_at timestamptz, event_type text, user_id text, product_id text, price numeric)"
    )
    for user in (treated, other):
        database.run(f"insert into clicks values ('2024-03-10', 'add_to_cart', '{user}', '17', 5)")
    shop.ingest()
    assert shop.rows("user_id", "event_type") == sorted([(treated, "purchase"), (other, "add_to_cart")])
    assert [row.effect.rows_changed for row in shop.ledger()] == [1]


# --- exactly once -----------------------------------------------------------------------------------------

ROWS = st.tuples(
    st.integers(0, 5).map("u{}".format),
    st.integers(0, 3).map("2024-03-10 10:00:0{}".format),
    st.sampled_from(["add_to_cart", "product_view"]),
    st.sampled_from(["17", "18"]),
    st.sampled_from(["1", "2", "3"]),
)
PACKINGS = {
    "events-{}.jsonl": lambda events: lines(events).encode(),
    "events-{}.jsonl.gz": lambda events: gzip.compress(lines(events).encode()),
    "events-{}.json": lambda events: json.dumps(events, indent=1).encode(),
}


def _record(row, *, has_id):
    user, at, kind, product, number = row
    own = {"event_id": number} if has_id else {"search_query": number}
    return event(user, at=at, kind=kind, product_id=product) | own


def _expected(row, tried, *, has_id):
    user, at, kind, product, number = row
    is_treated = assign(tried, user).variant == "treatment"
    own_id = number if has_id else ""
    if kind == "add_to_cart" and is_treated:
        kind = "purchase" if is_chosen(user, at, product=product, own_id=own_id, share=0.5, seed=3) else kind
    return user, at, kind, product, number


@settings(max_examples=25)
@given(data=st.data(), has_id=st.booleans())
def test_any_split_order_and_repetition_lands_the_same_rows_once(tmp_path_factory, data, has_id):
    rows = data.draw(st.lists(ROWS, min_size=1, max_size=12))
    arriving = data.draw(st.permutations(rows + data.draw(st.lists(st.sampled_from(rows), max_size=6))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(arriving)), max_size=3)))
    shop = make(tmp_path_factory.mktemp("arrival"), share=0.5, seed=3)
    for number, (start, end) in enumerate(zip([0, *cuts], [*cuts, len(arriving)], strict=True)):
        name = data.draw(st.sampled_from(sorted(PACKINGS)))
        records = [_record(row, has_id=has_id) for row in arriving[start:end]]
        shop.write(name.format(number), PACKINGS[name](records))
        if data.draw(st.booleans()):
            shop.ingest()
    shop.ingest()
    (tried,) = shop.project.settings.experiments
    wanted = {_expected(row, tried, has_id=has_id) for row in rows}
    own = "source_event_id" if has_id else "search_query"
    found = shop.rows("user_id", "event_at", "event_type", "product_id", own)
    assert [(user, str(at), *rest) for user, at, *rest in found] == sorted(wanted)
    ledger = shop.ledger()
    changed = sum(row.effect.rows_changed for row in ledger if row.effect)
    assert changed == sum(kind == "purchase" for _, _, kind, _, _ in wanted)
    assert shop.ingest().rows == []


def test_a_cart_event_that_equals_a_purchase_afterwards_is_its_duplicate(tmp_path):
    shop = make(tmp_path, share=1)
    (user,) = users(shop.project, "treatment", 1)
    shop.write("day.jsonl", lines([event(user, kind="purchase"), event(user)]))
    report = shop.ingest()
    assert (report.total("rows_accepted"), report.total("rows_duplicate")) == (1, 1)


def test_rows_replayed_from_quarantine_take_the_effect_too(tmp_path):
    shop = make(tmp_path, MAPPED, share=1)
    treated, others = (users(shop.project, variant, 3) for variant in ("treatment", "control"))
    rows = [f"2024-03-10,basket,{user},17,5\n" for user in treated + others]
    shop.write("day.csv", "at,type,user,product,price\n" + "".join(rows) + "2024-03-10,basket,,17,5\n")
    shop.ingest()
    assert shop.rows("user_id") == []
    make(tmp_path, MAPPED + '[sources.event_types]\nbasket = "add_to_cart"\n', share=1)
    report = shop.replay()
    assert (report.accepted, report.still_open) == (6, 1)
    wanted = [(user, "purchase") for user in treated] + [(user, "add_to_cart") for user in others]
    assert shop.rows("user_id", "event_type") == sorted(wanted)
    assert [row.effect.rows_changed for row in shop.ledger()] == [0, 3]
    shop.write("again.csv", "at,type,user,product,price\n" + "".join(reversed(rows)))
    assert shop.ingest().total("rows_duplicate") == 6


# --- the ledger, and what people are told -----------------------------------------------------------------


def test_ordinary_files_have_no_effect_in_the_ledger(tmp_path):
    shop = make(tmp_path, share=1)
    shop.write("catalog.jsonl", '{"product_id": "17"}\n')
    shop.write("events.jsonl", lines([event("u1", kind="product_view")]))
    shop.ingest()
    assert {row.entity: row.effect and row.effect.rows_changed for row in shop.ledger()} == {
        "products": None,
        "events": 0,
    }
    plain = Shop.make(tmp_path / "plain", STREAM)
    plain.write("events.jsonl", lines([event("u1")]))
    plain.ingest()
    assert [row.simulated_effect for row in plain.ledger()] == [None]


def test_a_ledger_from_before_there_were_effects_is_read_and_continued(tmp_path, monkeypatch):
    shop = Shop.make(tmp_path, STREAM)
    shop.write("a.jsonl", lines([event("u1")]))
    with monkeypatch.context() as patch:
        before = tuple(column for column in LEDGER if column.name != "simulated_effect")
        patch.setitem(TABLES, "ledger", before)
        shop.ingest()
    assert [row.effect for row in shop.ledger()] == [None]
    simulated = STREAM.replace("clicks", "simulated").replace("raw", "simulated")
    make(tmp_path, STREAM + simulated, share=1)
    shop.write("../simulated/b.jsonl", lines([event(user) for user in users(shop.project, "treatment", 2)]))
    shop.ingest()
    assert [row.effect and row.effect.rows_changed for row in shop.ledger()] == [None, 2]


@pytest.fixture
def run(capfd, monkeypatch):
    """Run a command; gives its exit code and its output."""
    from shopwright.cli.main import main

    def called(*arguments):
        monkeypatch.setattr(sys, "argv", ["shopwright", *map(str, arguments)])
        capfd.readouterr()
        try:
            main()
        except SystemExit as left:
            return left.code or 0, capfd.readouterr().out
        return 0, capfd.readouterr().out

    return called


@pytest.fixture
def simulated(tmp_path):
    made = make(tmp_path, share=1)
    made.write("day.jsonl", lines(event(user) for user in users(made.project, "treatment", 2)))
    return made


def test_an_ingest_tells_what_it_simulated(run, simulated):
    code, out = run("ingest", "--project", simulated.root)
    assert code == 0
    assert (
        "day.jsonl: 2 cart event(s) taken in as purchases, a simulated effect (experiment checkout, share 1, seed 1); "
        "this is no real data\n"
    ) in out


def test_an_ingest_tells_machines_what_it_simulated(run, simulated):
    (file,) = json.loads(run("ingest", "--project", simulated.root, "--json")[1])["files"]
    fingerprint = file["simulated_effect"].pop("fingerprint")
    assert len(fingerprint) == 12
    assert file["simulated_effect"] == {
        "experiment": "checkout",
        "share": 1.0,
        "seed": 1,
        "rows_changed": 2,
    }


def test_status_tells_what_is_simulated(run, simulated):
    simulated.ingest()
    assert (
        "contains simulated effects: 2 events of experiment checkout\n"
        in run("status", "--project", simulated.root)[1]
    )
    document = json.loads(run("status", "--project", simulated.root, "--json")[1])
    assert document["simulated_effects"] == [{"experiment": "checkout", "events": 2}]


def test_status_is_silent_where_nothing_is_simulated(run, tmp_path):
    shop = Shop.make(tmp_path, STREAM)
    shop.write("day.jsonl", lines([event("u1")]))
    shop.ingest()
    assert "simulated" not in run("status", "--project", tmp_path)[1]
    assert json.loads(run("status", "--project", tmp_path, "--json")[1])["simulated_effects"] == []
