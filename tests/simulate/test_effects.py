"""Simulated effects: as large as requested, on treated users only, decided by the event alone, and never taken for real data."""

# ruff: noqa: DTZ001  # naive UTC, as the lake is read

from __future__ import annotations

import gzip
import hashlib
import json
import sys
import zipfile
from collections import Counter
from datetime import datetime
from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.simulate.effect_shop import EXPERIMENT, MAPPED, STREAM, event, export, lines, make, simulate, users

from shopwright.assignment import assign
from shopwright.core.engine import connect
from shopwright.core.sql import quote_text
from shopwright.ingest.adapters.rees46 import COLUMNS as REES46_COLUMNS
from shopwright.lake.delta import Lake, read_sql
from shopwright.simulate.effects import count_marked_events
from shopwright.testing import Shop

EPOCH = datetime(1970, 1, 1)
MARK = "checkout share=1.0 seed=1"


def is_chosen(user, at, *, share, seed, product="", own_id=""):
    """Apply the documented rule, written down a second time."""
    micros = (datetime.fromisoformat(at) - EPOCH).total_seconds() * 1e6
    identity = "\x1f".join([str(seed), user, str(int(micros)), product, own_id])
    digest = hashlib.md5(identity.encode()).hexdigest()
    return int(digest[:15], 16) < round(share * 2**60)


def marks(shop):
    """Return the mark and the original type of each event in the lake, sorted by user."""
    rows = shop.rows("user_id", "properties")
    return [
        (user, *map(json.loads(text or "{}").get, ("simulated_effect", "original_event_type")))
        for user, text in rows
    ]


# --- how many, and whose ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def carts(tmp_path_factory):
    """A file of 20,000 cart events of treated users and as many of others, and who is treated."""
    project = make(tmp_path_factory.mktemp("carts"), MAPPED).project
    treated = users(project, "treatment", 20_000)
    others = users(project, "control", 20_000)
    rows = [f"2024-03-10 10:00:00,add_to_cart,{user},17,5.00\n" for user in treated + others]
    return "at,type,user,product,price\n" + "".join(rows), set(treated)


def buyers(folder, text, **options):
    """Return the users whose cart event became a purchase, and the report."""
    shop = make(folder, MAPPED)
    export(shop, "carts.csv", text)
    report = simulate(shop, **options)
    shop.ingest()
    rows = shop.rows("user_id", "event_type")
    assert len(rows) == 40_000
    return {user for user, kind in rows if kind == "purchase"}, report


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_the_share_is_as_requested_and_the_control_is_left_alone(tmp_path, carts, share):
    text, treated = carts
    bought, report = buyers(tmp_path, text, share=share)
    assert bought < treated
    assert abs(len(bought) - 20_000 * share) < 3.5 * sqrt(20_000 * share * (1 - share))
    assert (report.events, report.changed) == (40_000, len(bought))
    assert report.effect == f"checkout share={share} seed=1"


def test_a_share_of_one_changes_every_cart_event_of_the_treated(tmp_path, carts):
    text, treated = carts
    assert buyers(tmp_path, text, share=1)[0] == treated


def test_another_seed_chooses_others_and_a_greater_share_more(tmp_path, carts):
    text, _ = carts
    first, again, other, more = (
        buyers(tmp_path / str(number), text, seed=seed, share=share)[0]
        for number, (seed, share) in enumerate([(1, 0.05), (1, 0.05), (2, 0.05), (1, 0.1)])
    )
    assert first == again
    assert first < more
    assert len(first & other) < 0.2 * len(first)


def test_the_choice_is_the_documented_one(tmp_path, carts):
    text, treated = carts
    bought, _ = buyers(tmp_path, text, seed=7, share=0.05)
    at = "2024-03-10 10:00:00"
    assert bought == {user for user in treated if is_chosen(user, at, product="17", share=0.05, seed=7)}


def test_only_cart_events_with_a_price_within_the_experiments_days_change(tmp_path):
    shop = make(tmp_path, extra='[shop]\ntimezone = "America/New_York"\n')
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
    export(shop, "day.jsonl", lines(untouched + changed))
    assert simulate(shop).changed == 3
    shop.ingest()
    counts = Counter(kind for (kind,) in shop.rows("event_type"))
    assert counts == Counter({"purchase": 3, "add_to_cart": 3} | dict.fromkeys(kinds, 1))


def test_nothing_but_the_type_of_an_event_and_its_marks_change(tmp_path):
    plain, changed = make(tmp_path / "plain"), make(tmp_path / "changed")
    (user,) = users(changed.project, "treatment", 1)
    columns = ("user_id", "event_at", "product_id", "price", "source_event_id", "device")
    text = lines([event(user, event_id="e1", shelf=3, properties={"device": "tv", "rank": 1.5})])
    plain.write("day.jsonl", text)
    export(changed, "day.jsonl", text)
    simulate(changed)
    for shop in (plain, changed):
        shop.ingest()
    assert plain.rows(*columns) == changed.rows(*columns)
    assert (plain.rows("event_type"), changed.rows("event_type")) == ([("add_to_cart",)], [("purchase",)])
    ((before,),), ((after,),) = plain.rows("properties"), changed.rows("properties")
    added = {"simulated_effect": MARK, "original_event_type": "add_to_cart"}
    assert json.loads(after) == json.loads(before) | added


@pytest.mark.parametrize(
    ("rule", "groups", "bought"),
    [
        ('assignment = "stated"', ["control", "treatment", "other", None], [False, True, False, False]),
        ('assignment = "stated"\nvariants = {a = 1, b = 1, c = 2}', ["a", "b", "c"], [False, True, True]),
    ],
)
def test_the_variant_that_events_state_decides_who_is_treated(tmp_path, rule, groups, bought):
    shop = make(tmp_path, experiment=EXPERIMENT + rule + "\n")
    events = [event(f"u{number}", experiment_group=group) for number, group in enumerate(groups)]
    export(shop, "day.jsonl", lines(events))
    simulate(shop)
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
def test_the_experiments_assignment_decides_who_is_treated(tmp_path, rule):
    shop = make(tmp_path, experiment=EXPERIMENT + rule + "\n")
    export(shop, "day.jsonl", lines(event(f"u{number}") for number in range(300)))
    simulate(shop)
    shop.ingest()
    (experiment,) = shop.project.settings.experiments
    for user, kind in shop.rows("user_id", "event_type"):
        is_treated = assign(experiment, user).variant not in (None, experiment.control)
        assert (kind == "purchase") == is_treated


# --- every kind of file that holds events -----------------------------------------------------------------


def _rees46(shop, names):
    values = [("2024-03-10 10:00:00 UTC", "cart", "17", "1", "", "", "5", user, "s") for user in names]
    export(shop, "2024-Mar.csv", "\n".join(map(",".join, [REES46_COLUMNS, *values])) + "\n")


def _array(shop, names):
    export(shop, "events.json", json.dumps([event(user) for user in names], indent=1))


def _parquet(shop, names):
    with connect() as connection:
        connection.execute(
            "create table made (timestamp timestamptz, event text, event_type text, user_id text, product_id text)"
        )
        for user in names:
            values = "'2024-03-10 10:00:00+00', 'cart', null"
            connection.execute(f"insert into made values ({values}, ?, '17')", [user])
        file = quote_text(str(export(shop, "events.parquet", b"")))
        connection.execute(f"copy (select *, 5 as price from made) to {file} (format parquet)")


def _split(shop, names):
    rows = [f'2024-03-10 10:00:00,add_to_cart,"{user}",17,5\r' for user in names]
    export(shop, "day.csv", "at,type,user,product,price\r" + "".join(rows))  # lone carriage returns


def _zipped(shop, names):
    with zipfile.ZipFile(export(shop, "all.zip", b""), "w") as archive:
        archive.writestr("2024/events.jsonl", lines(event(user) for user in names))
        archive.writestr("../users.jsonl", '{"user_id": "u1"}\n')


@pytest.mark.parametrize(
    ("source", "write", "original"),
    [
        (STREAM.replace("event_stream", "rees46"), _rees46, "cart"),
        (STREAM, _array, "add_to_cart"),
        (STREAM, _parquet, "cart"),
        (STREAM, _zipped, "add_to_cart"),
        (MAPPED, _split, "add_to_cart"),
        (MAPPED + '[sources.event_types]\npurchase = "page_view"\nbuy = "purchase"\n', _split, "add_to_cart"),
    ],
    ids=["rees46", "json array", "parquet", "zip", "mapped", "mapped words"],
)
def test_files_of_every_adapter_take_the_effect_and_its_marks(tmp_path, source, write, original):
    shop = make(tmp_path, source)
    treated, others = (users(shop.project, variant, 3) for variant in ("treatment", "control"))
    write(shop, treated + others)
    assert simulate(shop).changed == 3
    shop.ingest()
    wanted = [(user, "purchase") for user in treated] + [(user, "add_to_cart") for user in others]
    assert shop.rows("user_id", "event_type") == sorted(wanted)
    marked = [(user, MARK, original) for user in treated] + [(user, MARK, None) for user in others]
    assert [(user, mark, was or None) for user, mark, was in marks(shop)] == sorted(marked)


def test_a_file_of_another_encoding_keeps_it(tmp_path):
    shop = make(
        tmp_path, MAPPED.replace("[sources.map]", 'encoding = "utf-16"\n[sources.map]\nbrand = "brand"')
    )
    (user,) = users(shop.project, "treatment", 1)
    text = f"at,type,user,product,price,brand\n2024-03-10,add_to_cart,{user},17,5,Möbel\n"
    export(shop, "day.csv", text.encode("utf-16"))
    simulate(shop)
    shop.ingest()
    assert shop.rows("user_id", "event_type", "brand") == [(user, "purchase", "Möbel")]
    assert marks(shop) == [(user, MARK, "add_to_cart")]


def test_files_of_other_entities_and_empty_ones_are_copied(tmp_path):
    shop = make(tmp_path)
    catalog = gzip.compress(b'{"product_id": "17"}\n')
    export(shop, "catalog.jsonl.gz", catalog)
    export(shop, "empty.jsonl", b"")
    export(shop, "day/events.jsonl", lines([event("u1")]))
    report = simulate(shop)
    assert [(str(file.file), file.entity, file.events) for file in report.files] == [
        ("catalog.jsonl", "products", 0),
        ("day/events.jsonl", "events", 1),
        ("empty.jsonl", "events", 0),
    ]
    assert (shop.raw / "copy" / "catalog.jsonl").read_bytes() == gzip.decompress(catalog)
    assert (shop.raw / "copy" / "empty.jsonl").read_bytes() == b""
    assert sorted(file.name for file in shop.raw.iterdir()) == ["copy"]


def test_broken_records_stay_broken_and_good_ones_keep_their_text(tmp_path):
    bad = [b'{"user_id": "torn', b'{"user_id": "a\xff"}', b"[1]", b"{}", b'{"a": 1}}', b"7"]
    good = (
        b'{"user_id":"u1",  "timestamp":"2024-03-10T10:00:00Z","event_type":"page_view","n":1.10, "e":1e400}'
    )
    shop = make(tmp_path)
    file = export(shop, "day.jsonl", b"\n".join([*bad, good, b""]))
    simulate(shop)
    copied = (shop.raw / "copy" / "day.jsonl").read_bytes().splitlines()
    assert copied[0] == bad[0]
    assert copied[-1] == good[:-1] + b', "simulated_effect": "checkout share=1.0 seed=1"}'
    plain = make(tmp_path / "plain")
    plain.write("day.jsonl", file.read_bytes())
    counts = [
        [(row.rows_read, row.rows_accepted, row.rows_quarantined) for row in one.ingest().rows]
        for one in (shop, plain)
    ]
    assert counts == [[(7, 1, 6)], [(7, 1, 6)]]
    assert [row.rules for row in shop.quarantine()] == [row.rules for row in plain.quarantine()]


def test_broken_lines_of_delimited_files_stay_broken(tmp_path):
    header = "at,type,user,product,price\n"
    bad = [
        "2024-03-10,add_to_cart",
        '2024-03-10,add_to_cart,"u1,17,5',
        '2024-03-10,add_to_cart,"u"1,17,5',
        "x" * 9,
    ]
    for source in (MAPPED, MAPPED.replace('adapter = "mapped"', 'adapter = "mapped"\ndelimiter = " "')):
        delimiter = " " if "delimiter" in source else ","
        shop = make(tmp_path / str(len(source)), source)
        (user,) = users(shop.project, "treatment", 1)
        good = f'2024-03-10,add_to_cart,{user},"1\n7",5'
        export(shop, "day.csv", (header + "\n".join([*bad, good])).replace(",", delimiter))
        assert (simulate(shop).events, simulate(shop, folder="again").changed) == (5, 1)
        report = shop.ingest()
        assert [row.outcome for row in report.rows] == ["loaded", "identical"]
        assert report.total("rows_quarantined") == 4
        assert shop.rows("user_id", "event_type", "product_id") == [(user, "purchase", "1\n7")]
        assert marks(shop) == [(user, MARK, "add_to_cart")]


def test_rows_replayed_from_quarantine_carry_the_mark(tmp_path):
    shop = make(tmp_path, MAPPED + "[ingest]\nlatest_date = 2024-01-01\n")
    export(
        shop, "day.csv", "at,type,user,product,price\n2024-03-10,basket,u1,17,5\n2024-03-10,basket,,17,5\n"
    )
    simulate(shop)
    shop.ingest()
    assert shop.rows("user_id") == []
    make(tmp_path, MAPPED)
    report = shop.replay()
    assert (report.accepted, report.still_open) == (1, 1)
    assert [(user, mark) for user, mark, _ in marks(shop)] == [("u1", MARK)]


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


def _expected(row, experiment, *, has_id):
    user, at, kind, product, number = row
    is_treated = assign(experiment, user).variant == "treatment"
    own_id = number if has_id else ""
    if kind == "add_to_cart" and is_treated:
        kind = "purchase" if is_chosen(user, at, product=product, own_id=own_id, share=0.5, seed=3) else kind
    return user, at, kind, product, number


@pytest.mark.slow
@settings(max_examples=25)
@given(data=st.data(), has_id=st.booleans())
def test_any_split_order_and_repetition_gives_the_same_rows_once(tmp_path_factory, data, has_id):
    rows = data.draw(st.lists(ROWS, min_size=1, max_size=12))
    arriving = data.draw(st.permutations(rows + data.draw(st.lists(st.sampled_from(rows), max_size=6))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(arriving)), max_size=3)))
    shop = make(tmp_path_factory.mktemp("arrival"))
    for number, (start, end) in enumerate(zip([0, *cuts], [*cuts, len(arriving)], strict=True)):
        name = data.draw(st.sampled_from(sorted(PACKINGS)))
        records = [_record(row, has_id=has_id) for row in arriving[start:end]]
        export(shop, name.format(number), PACKINGS[name](records))
    simulate(shop, share=0.5, seed=3)
    shop.ingest()
    (experiment,) = shop.project.settings.experiments
    wanted = {_expected(row, experiment, has_id=has_id) for row in rows}
    own = "source_event_id" if has_id else "search_query"
    landed = shop.rows("user_id", "event_at", "event_type", "product_id", own)
    landed = [(user, str(at), *rest) for user, at, *rest in landed]
    # events with one id are states of one event, and a state may return
    assert (sorted(set(landed)) if has_id else landed) == sorted(wanted)
    changed = sum(was is not None for _, _, was in marks(shop))
    is_purchase = [kind == "purchase" for _, _, kind, _, _ in (landed if has_id else wanted)]
    assert changed == sum(is_purchase)
    assert shop.ingest().rows == []


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    shop = make(tmp_path)
    export(shop, "day.jsonl", lines(event(f"u{number}") for number in range(200)))
    copies = [simulate(shop, share=0.5, folder=name).out for name in ("one", "two")]
    one, two = ((folder / "day.jsonl").read_bytes() for folder in copies)
    assert one == two


# --- the marks, and what is printed -----------------------------------------------------------------------


def test_marked_events_are_counted_in_the_lake(tmp_path):
    shop = make(tmp_path)
    shop.write(
        "real.jsonl", lines([event("r1", note="simulated_effect"), event("r2", note='"simulated_effect"')])
    )
    (user,) = users(shop.project, "treatment", 1)
    export(shop, "day.jsonl", lines([event(user), event("r3", kind="product_view")]))
    simulate(shop)
    simulate(shop, seed=2, folder="other")
    shop.ingest()
    events = read_sql("events", [file.path for file in Lake(shop.project.lake).files("events")])
    with connect() as connection:
        counts = count_marked_events(connection, events)
    assert [(row.effect, row.experiment, row.marked, row.changed) for row in counts] == [
        ("checkout share=1.0 seed=1", "checkout", 2, 1),
    ]  # the second copy states the same events, and adds none


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
def exported(tmp_path):
    shop = make(tmp_path)
    export(shop, "day.jsonl", lines(event(user) for user in users(shop.project, "treatment", 2)))
    return shop


def command(shop, *options):
    folders = (shop.root / "export", shop.raw / "copy")
    return "simulate-effect", *folders, "--experiment", "checkout", "--project", shop.root, *options


def test_the_command_reports_what_it_changed(run, exported):
    code, out = run(*command(exported, "--share", "1"))
    assert code == 0
    assert (
        f"Wrote {exported.raw / 'copy'}: 2 cart events became purchases (checkout share=1.0 seed=1).\n" in out
    )
    assert "This is simulated data. Load it in a project of its own.\n" in out
    assert "No event was changed" not in out


def test_the_command_says_when_nothing_changed(run, exported):
    code, out = run(*command(exported, "--share", "0.000000001"))
    assert code == 0
    assert "0 cart events became purchases" in out
    assert "No event was changed" in out


def test_the_command_reports_to_machines(run, exported):
    code, out = run(*command(exported, "--share", "1", "--seed", "5", "--json"))
    assert code == 0
    assert json.loads(out) == {
        "out": str(exported.raw / "copy"),
        "effect": "checkout share=1.0 seed=5",
        "events": 2,
        "changed": 2,
        "files": [{"file": "day.jsonl", "entity": "events", "events": 2, "changed": 2}],
    }


def test_status_says_what_is_simulated(run, exported):
    simulate(exported)
    exported.ingest()
    said = "Simulated data: 2 events carry a simulated effect (checkout share=1.0 seed=1), 2 of them changed to purchases"
    assert said in run("status", "--project", exported.root)[1]
    document = json.loads(run("status", "--project", exported.root, "--json")[1])
    assert document["simulated_effects"] == [
        {"effect": "checkout share=1.0 seed=1", "experiment": "checkout", "marked": 2, "changed": 2}
    ]


def test_status_is_silent_where_nothing_is_simulated(run, tmp_path):
    shop = Shop.make(tmp_path, STREAM)
    shop.write("day.jsonl", lines([event("u1")]))
    shop.ingest()
    assert "imulated" not in run("status", "--project", tmp_path)[1]
    assert json.loads(run("status", "--project", tmp_path, "--json")[1])["simulated_effects"] == []
