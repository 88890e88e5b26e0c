"""Files can be read again after a change of settings, or taken out; whatever happens, the lake is what it should be."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path

import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from shopwright.cli.main import app
from shopwright.core.engine import connect
from shopwright.core.errors import ConfigurationError
from shopwright.ingest import loader
from shopwright.lake.delta import Lake, read_sql
from shopwright.testing import Shop

CASE = Path(__file__).parents[1] / "cases" / "formats" / "36-mapping-mended-later"


def toml(*, timezone="UTC", sku=False, name="lines", more=""):
    return f"""
[[sources]]
name = "{name}"
adapter = "mapped"
entity = "order_items"
path = "raw"
timezone = "{timezone}"
[sources.map]
order_id = "order"
ordered_at = "when"
customer_id = "customer"
quantity = "qty"
unit_price = "price"
kind = {{ value = "sale" }}
{'product_id = "sku"' if sku else ""}
{more}
"""


HEADER = "order,when,customer,sku,qty,price,currency\n"


def line(order, *, day=10, price="20.00"):
    return f"{order},2025-03-{day} 10:00:00,k1,MUG,2,{price},EUR\n"


def check(shop):
    """Ledger and lake agree, nothing is left over, and any Delta reader sees the same rows."""
    lake = Lake(shop.project.lake)
    ledger = shop.ledger()
    lake.set_aside_retired()
    for table in ("order_items", "events", "ledger", "quarantine", "retired_batches"):
        files = lake.files(table)
        assert {file.path for file in files} == set(lake.folder(table).glob("*.parquet"))
        if files or (lake.folder(table) / "_delta_log").is_dir():
            assert DeltaTable(str(lake.folder(table))).to_pyarrow_table().num_rows == sum(
                file.rows for file in files
            )
    for entity in ("order_items", "events"):
        assert sum(row.rows_accepted for row in ledger if row.entity == entity) == sum(
            file.rows for file in lake.files(entity)
        )
    assert len({row.batch_seq for row in ledger}) == len(ledger)
    assert list((shop.project.lake / "_intents").glob("*")) == []


def content(shop, entity="order_items"):
    """All rows without their technical columns, sorted, and the order in which their files arrived, and were stated."""
    lake = Lake(shop.project.lake)
    sql = read_sql(entity, [file.path for file in lake.files(entity)])
    with connect() as connection:
        rows = connection.execute(
            "select columns(* exclude (_batch_seq, _statement_seq, _row_number, _batch_id, _source)), "
            f"dense_rank() over (order by _statement_seq), dense_rank() over (order by _batch_seq) from ({sql})"
        ).fetchall()
    return sorted(tuple(map(str, row)) for row in rows)


def say(shop, *command, **options):
    result = CliRunner().invoke(
        app, [*command, "--project", str(shop.root)], catch_exceptions=False, **options
    )
    return result.exit_code, " ".join(result.output.split())


def test_the_case_of_a_mapping_that_is_mended_later(tmp_path):
    shop = Shop.make(tmp_path, toml())
    shutil.copy(CASE / "raw" / "lines.csv", shop.raw)
    shop.ingest()
    Shop.make(tmp_path, toml(timezone="Europe/Berlin", sku=True))
    code, output = say(shop, "ingest")
    assert code == 0
    assert (
        "settings of source lines changed since 1 file was read: `shopwright ingest --again lines`" in output
    )
    code, output = say(shop, "ingest", "--again", "lines")
    assert code == 0
    assert "3 rows of 1 file left the lake, 3 rows took their place" in output
    assert shop.rows("order_id", "ordered_at", "product_id", entity="order_items")[0][1].hour == 9
    assert {row[0] for row in shop.rows("product_id", entity="order_items")} == {"MUG", "POT"}
    check(shop)
    Shop.make(tmp_path, toml(timezone="Europe/Berlin", sku=True, name="renamed"))
    code, output = say(shop, "ingest")
    assert code == 0
    assert "same bytes as" in output
    assert "of source lines" in output
    rows = shop.rows("quantity", "unit_price", entity="order_items")
    assert sum(float(quantity) * float(price) for quantity, price in rows) == 102
    check(shop)


def test_a_renamed_source_can_be_read_again_and_forgotten_under_its_new_name(tmp_path):
    shop = Shop.make(tmp_path, toml())
    shop.write("a.csv", HEADER + line("A1"))
    shop.ingest()
    Shop.make(tmp_path, toml(name="renamed", sku=True))
    assert shop.ingest().total("rows_accepted") == 0
    assert shop.ingest().changed_sources[0].source == "renamed"
    report = shop.read_again("renamed")
    assert [(row.source, row.rows_accepted) for row in report.rows] == [("renamed", 1)]
    assert shop.rows("product_id", "_source", entity="order_items") == [("MUG", "renamed")]
    assert shop.ingest().changed_sources == []
    shop.forget("renamed")
    assert shop.rows("order_id", entity="order_items") == []
    assert (shop.ingest().forgotten, shop.ingest().rows) == (1, [])
    check(shop)


def test_two_sources_that_read_one_content_in_two_ways_both_keep_it(tmp_path):
    shop = Shop.make(tmp_path, toml() + toml(name="other", timezone="Europe/Berlin"))
    shop.write("a.csv", HEADER + line("A1"))
    shop.ingest()
    assert sorted(shop.rows("_source", entity="order_items")) == [("lines",), ("other",)]


def test_files_that_are_gone_or_overwritten_keep_their_rows_and_are_named(tmp_path):
    shop = Shop.make(tmp_path, toml())
    for name, day in (("gone", 10), ("new", 11), ("same", 12)):
        shop.write(f"{name}.csv", HEADER + line(name, day=day))
    shop.ingest()
    (shop.raw / "gone.csv").unlink()
    shop.write("new.csv", HEADER + line("other", day=13))
    Shop.make(tmp_path, toml(sku=True))
    code, output = say(shop, "ingest", "--again", "lines")
    assert code == 0
    assert f"Kept as it was: {shop.raw / 'gone.csv'}: is no longer on disk" in output
    assert f"Kept as it was: {shop.raw / 'new.csv'}: has another content now than when it was read" in output
    assert shop.rows("order_id", "product_id", entity="order_items") == [
        ("gone", None),
        ("new", None),
        ("same", "MUG"),
    ]
    check(shop)


def test_a_file_that_no_longer_fits_keeps_its_rows_and_the_others_are_replaced(tmp_path):
    shop = Shop.make(tmp_path, toml())
    shop.write("a.csv", (HEADER + line("A1")).replace(",sku", ",item"))
    shop.write("b.csv", HEADER + line("B1", day=11))
    shop.ingest()
    Shop.make(tmp_path, toml(sku=True))
    code, output = say(shop, "ingest", "--again", "lines")
    assert code == 1
    assert "a.csv: column 'sku' is missing" in output
    assert shop.rows("order_id", "product_id", entity="order_items") == [("A1", None), ("B1", "MUG")]
    check(shop)


def test_a_file_that_is_read_again_keeps_its_place(tmp_path):
    shop = Shop.make(tmp_path, toml())
    for name, price in (("monday", "20.00"), ("tuesday", "25.00")):
        shop.write(f"{name}.csv", HEADER + line("A1", price=price))
        shop.ingest()
    Shop.make(tmp_path, toml(sku=True))
    shop.read_again("monday.csv")
    rows = shop.rows("_batch_seq", "unit_price", "product_id", entity="order_items")
    assert [(number, float(price), sku) for number, price, sku in rows] == [(1, 20, "MUG"), (2, 25, None)]
    assert [file.batch_seq for file in Lake(shop.project.lake).files("order_items")] == [1, 2]


def test_rows_that_a_later_file_states_too_stay_when_the_first_one_is_forgotten(tmp_path):
    shop = Shop.make(tmp_path, toml())
    shop.write("monday.csv", HEADER + line("A1") + line("A2"))
    shop.write("tuesday.csv", HEADER + line("A2") + line("A3"))
    shop.ingest()
    code, output = say(shop, "ingest", "--forget", "monday.csv", input="y\n")
    assert code == 0
    assert "1 file with 2 order_items would leave the lake" in output
    assert f"Read again, since their duplicates are duplicates no more: {shop.raw / 'tuesday.csv'}" in output
    assert shop.rows("order_id", entity="order_items") == [("A2",), ("A3",)]
    check(shop)
    shop.read_again("lines")
    assert shop.rows("order_id", entity="order_items") == [("A1",), ("A2",), ("A3",)]
    check(shop)


def test_forgetting_asks_first(tmp_path):
    shop = Shop.make(tmp_path, toml())
    shop.write("a.csv", HEADER + line("A1"))
    shop.ingest()
    code, output = say(shop, "ingest", "--forget", "lines", input="n\n")
    assert code == 1
    assert "1 file with 1 order_items would leave the lake" in output
    assert shop.rows("order_id", entity="order_items") == [("A1",)]
    assert say(shop, "ingest", "--forget", "lines", "--json")[0] == 2
    assert say(shop, "ingest", "--forget", "lines", "--yes")[0] == 0
    assert shop.rows("order_id", entity="order_items") == []
    code, output = say(shop, "ingest")
    assert "1 file that `--forget` took out not read" in output
    assert [(row.outcome, row.rows_read) for row in shop.ledger()] == [("forgotten", 0)]
    lake = Lake(shop.project.lake)
    files = [file.path for file in lake.files("retired_batches")]
    with connect() as connection:
        history = connection.execute(
            f"select outcome, rows_accepted, retired_by from ({read_sql('retired_batches', files)})"
        ).fetchall()
    assert history == [("loaded", 1, "forget")]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("line", "neither a source nor a file 'line' was read; did you mean 'lines'?"),
        ("b.csv", "neither a source nor a file 'b.csv' was read; did you mean 'a.csv'?"),
        ("empty", "no file of source 'empty' was read yet; run `shopwright ingest`"),
        ("twice.csv", "several files are called 'twice.csv'"),
    ],
)
def test_a_name_that_means_nothing_is_refused(tmp_path, target, message):
    shop = Shop.make(tmp_path, toml())
    shop.write("a.csv", HEADER + line("A1"))
    shop.write("one/twice.csv", HEADER + line("A2"))
    shop.write("two/twice.csv", HEADER + line("A3"))
    shop.ingest()
    Shop.make(tmp_path, toml() + toml(name="empty"))
    for mend in (shop.read_again, shop.forget):
        with pytest.raises(ConfigurationError, match=message.replace("?", r"\?")):
            mend(target)


def test_quarantined_rows_and_replays_of_a_replaced_batch_go_with_it(tmp_path):
    wrong = toml()
    shop = Shop.make(tmp_path, wrong)
    shop.write("a.csv", HEADER + line("A1") + line("A2", price="20;00") + line("A3", price="x"))
    shop.write("b.csv", HEADER + line("B1", price="?"))
    shop.ingest()
    fixed = wrong.replace('unit_price = "price"', "unit_price = { sql = \"replace(price, ';', '.')\" }")
    Shop.make(tmp_path, fixed)
    assert shop.replay().accepted == 1
    assert len(shop.quarantine()) == 2
    shop.read_again("a.csv")
    assert shop.rows("order_id", entity="order_items") == [("A1",), ("A2",)]
    assert [(Path(row.file).name, row.line_number) for row in shop.quarantine()] == [
        ("a.csv", 4),
        ("b.csv", 2),
    ]
    check(shop)
    Shop.make(tmp_path, fixed.replace("';'", "'x'"))
    shop.read_again("a.csv")
    assert [(Path(row.file).name, row.line_number) for row in shop.quarantine()] == [
        ("a.csv", 3),
        ("a.csv", 4),
        ("b.csv", 2),
    ]


class Killed(BaseException):
    """Stands for the end of the process: nothing in the code may catch it."""


STEPS = [
    (Lake, "new_file"),
    (Lake, "commit"),
    (Lake, "_apply"),
    (Lake, "_append"),
    (loader.BatchLoader, "load"),
    (loader.BatchLoader, "record"),
    (loader.BatchLoader, "retire"),
    (loader.BatchLoader, "commit"),
]


def killing(monkeypatch, step, call, *, after):
    owner, name = step
    original, calls = getattr(owner, name), []

    def killed(*args, **kwargs):
        calls.append(name)
        if len(calls) == call and not after:
            raise Killed
        result = original(*args, **kwargs)
        if len(calls) == call:
            raise Killed
        return result

    monkeypatch.setattr(owner, name, killed)


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", [1, 2])
@pytest.mark.parametrize("step", STEPS, ids=[name for _, name in STEPS])
def test_reading_again_killed_around_any_step_has_happened_or_has_not(
    tmp_path, monkeypatch, step, call, after
):
    shop = Shop.make(tmp_path, toml())
    for number in range(3):
        shop.write(f"{number}.csv", HEADER + line(f"A{number}", day=10 + number) + "bad\n")
        shop.ingest()
    before = content(shop)
    Shop.make(tmp_path, toml(timezone="Europe/Berlin", sku=True))
    with monkeypatch.context() as patch, suppress(Killed):
        killing(patch, step, call, after=after)
        shop.read_again("lines")
    shop.ingest()
    check(shop)
    left = content(shop)
    shop.read_again("lines")
    check(shop)
    assert left in (before, content(shop))
    assert {row[0] for row in shop.rows("product_id", entity="order_items")} == {"MUG"}
    assert len(shop.quarantine()) == 3


@pytest.mark.parametrize("seed", range(3))
def test_a_process_killed_while_it_reads_again_loses_and_doubles_nothing(tmp_path, seed):
    shop = Shop.make(tmp_path, toml())
    for number in range(6):
        shop.write(f"{number}.csv", HEADER + line(f"A{number}", day=10 + number) + "bad\n")
    shop.ingest()
    before = content(shop)
    Shop.make(tmp_path, toml(timezone="Europe/Berlin", sku=True))
    code = textwrap.dedent(
        f"""
        from pathlib import Path
        from shopwright.testing import Shop
        print("ready", flush=True)
        Shop(Path({str(shop.root)!r})).read_again("lines")
        """
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    time.sleep(random.Random(seed).uniform(0.0, 0.5))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    shop.ingest()
    check(shop)
    left = content(shop)
    shop.read_again("lines")
    check(shop)
    assert left in (before, content(shop))


FILES = 4
OPERATIONS = st.one_of(
    st.tuples(st.just("arrive"), st.integers(0, FILES - 1)),
    st.tuples(st.just("again"), st.sampled_from(["lines", *range(FILES)])),
    st.tuples(st.just("forget"), st.integers(0, FILES - 1)),
    st.tuples(st.just("change"), st.integers(0, 2)),
)
KILLS = st.none() | st.tuples(st.sampled_from(STEPS), st.integers(1, 3), st.booleans())
SETTINGS = [toml(), toml(timezone="Europe/Berlin"), toml(sku=True)]


def lines_of(number):
    """Two lines that no other file has, one that the next file has too, and one that is bad."""
    return HEADER + line(f"A{number}") + line(f"B{number}") + line(f"S{(number + 1) // 2}") + "bad\n"


def run(shop, operation, target):
    if operation == "arrive":
        shop.write(f"{target}.csv", lines_of(target))
        shop.ingest()
    elif operation == "again":
        with suppress(ConfigurationError):
            shop.read_again(target if target == "lines" else f"{target}.csv")
    elif operation == "forget":
        with suppress(ConfigurationError):
            shop.forget(f"{target}.csv")


@pytest.mark.slow
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(operations=st.lists(st.tuples(OPERATIONS, KILLS), min_size=2, max_size=7), data=st.data())
def test_any_sequence_ends_in_what_a_fresh_ingest_with_the_last_settings_gives(
    tmp_path_factory, monkeypatch, operations, data
):
    shop = Shop.make(tmp_path_factory.mktemp("mended"), SETTINGS[0])
    last = SETTINGS[0]
    for (operation, target), kill in operations:
        if operation == "change":
            last = SETTINGS[target]
            Shop.make(shop.root, last)
            continue
        with monkeypatch.context() as patch, suppress(Killed):
            if kill:
                step, call, after = kill
                killing(patch, step, call, after=after)
            run(shop, operation, target)
    # killed or not: every file is known, and was read with the last settings
    if list(shop.raw.glob("*.csv")):
        shop.ingest()
        shop.read_again("lines")
    check(shop)
    order = [Path(row.file).name for row in shop.ledger()]
    assert sorted(order) == sorted(file.name for file in shop.raw.glob("*.csv"))
    forgotten = data.draw(st.sets(st.sampled_from(order))) if order else set()
    for name in forgotten:
        shop.forget(name)
    check(shop)
    fresh = Shop.make(tmp_path_factory.mktemp("fresh"), last)
    for name in order:
        if name not in forgotten:
            shutil.copy(shop.raw / name, fresh.raw)
            fresh.ingest()
    assert content(shop) == content(fresh)
    assert len(shop.quarantine()) == len(fresh.quarantine())
    assert not order or shop.ingest().changed_sources == []


def test_a_file_that_was_read_again_can_be_taken_out(tmp_path):
    """Events have so many columns that Delta keeps no statistics of the last ones by itself."""
    shop = Shop.make(tmp_path, '[[sources]]\nname = "it"\nadapter = "event_stream"\npath = "raw"\n')
    for name in ("right", "wrong"):
        line = {
            "event_id": name,
            "event_type": "page_view",
            "user_id": name,
            "timestamp": "2025-01-01T10:00:00Z",
        }
        shop.write(f"{name}.jsonl", json.dumps(line).encode())
    shop.ingest()
    shop.read_again("it")
    shop.read_again("it")
    assert sorted(shop.rows("user_id")) == [("right",), ("wrong",)]
    shop.forget("wrong.jsonl")
    assert shop.rows("user_id") == [("right",)]


def test_a_lake_of_an_older_version_tells_its_batches_apart(tmp_path):
    shop = Shop.make(tmp_path, '[[sources]]\nname = "it"\nadapter = "event_stream"\npath = "raw"\n')
    line = {"event_id": "e", "event_type": "page_view", "user_id": "u", "timestamp": "2025-01-01T10:00:00Z"}
    shop.write("a.jsonl", json.dumps(line).encode())
    shop.ingest()
    events = shop.project.lake / "events"
    DeltaTable(str(events)).alter.set_table_properties({"delta.dataSkippingStatsColumns": "user_id"})
    shop.read_again("it")
    shop.forget("it")
    assert shop.rows("user_id") == []
