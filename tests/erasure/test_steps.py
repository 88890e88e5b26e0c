"""Who goes with a person and who does not, and an erasure that is interrupted anywhere and goes on."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shopwright.backup import create_backup, restore
from shopwright.cli.main import app
from shopwright.core.engine import connect
from shopwright.core.errors import ConfigurationError
from shopwright.erasure import databases, run
from shopwright.erasure.identity import find_identity
from shopwright.erasure.receipts import verify_receipts
from shopwright.erasure.run import finish_pending, forget
from shopwright.ingest.tombstones import REDACTED
from shopwright.lake.checks import find_problems
from shopwright.lake.delta import Lake
from shopwright.lake.repair import find_damage
from shopwright.testing import NOW, Shop
from shopwright.tombstones import load_tombstones

sys.path.append(str(Path(__file__).parent))

from shops import SETTINGS, collect, email, export, lines, texts, traces, user

SOURCE = '[[sources]]\nname = "shop"\nadapter = "event_stream"\npath = "raw"\n'
STEPS = (
    "rewrite_segments",
    "erase_from_lake",
    "renew_warehouse",
    "clear_traces",
    "delete_parts",
    "write_receipt",
)


def event(at="2024-03-10T10:00:00Z", **fields):
    """Return an event."""
    return {"timestamp": at, "event_type": "page_view", **fields}


def identity(shop, *people):
    """Return who people are in a shop."""
    with connect() as connection:
        return find_identity(shop.project, connection, people)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A shop with forty people that was never built; tests copy it."""
    shop = Shop.make(tmp_path_factory.mktemp("steps"), SETTINGS)
    export(shop)
    collect(shop, day=1)
    shop.ingest()
    collect(shop, day=2)
    return shop


@pytest.fixture
def shop(original, tmp_path):
    """A copy of it."""
    shutil.copytree(original.root, tmp_path / "shop")
    return Shop(tmp_path / "shop")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("is_done", [False, True])
def test_an_erasure_goes_on_where_it_was_killed(shop, monkeypatch, step, is_done):
    function = getattr(run, step)

    def kill(*args, **kwargs):
        if is_done:
            function(*args, **kwargs)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run, step, kill)
        with pytest.raises(KeyboardInterrupt):
            forget(shop.project, [user(1), email(2)])
    text = shop.project.tombstones.read_text()
    assert not any(name in text for name in (user(1), email(2)))
    assert len(load_tombstones(shop.project.tombstones).unfinished) == 1
    assert (
        CliRunner().invoke(app, ["ingest", "--project", str(shop.root)], catch_exceptions=False).exit_code
        == 0
    )
    assert finish_pending(shop.project) is None
    assert traces(shop.root, [1, 2], but=[shop.raw]) == set()
    assert verify_receipts(shop.project) == []
    for row in shop.ledger():
        assert (
            row.rows_read == row.rows_accepted + row.rows_quarantined + row.rows_duplicate + row.rows_ignored
        )
    lake = Lake(shop.project.lake)
    for entity in ("events", "customers"):
        assert sum(file.rows for file in lake.files(entity)) == sum(
            row.rows_accepted for row in shop.ledger() if row.entity == entity
        )


def test_forgetting_again_or_somebody_else_changes_nothing_for_others(shop):
    forget(shop.project, [user(1)])
    before = shop.rows("source_event_id")
    report = forget(shop.project, [user(1), "nobody-knows-me"])
    assert all(item.removed == 0 for item in report.receipt.stores)
    assert shop.rows("source_event_id") == before
    assert verify_receipts(shop.project) == []
    report.receipt_file.unlink()
    assert verify_receipts(shop.project) == [f"the receipt of erasure {report.receipt.erasure_id} is missing"]


def test_one_changed_digit_of_a_tombstone_stops_everything(shop):
    forget(shop.project, [user(1)])
    file = shop.project.tombstones
    text = file.read_text()
    digit = json.loads(text)["erasures"][0]["hashes"][0]
    file.write_text(text.replace(digit, digit[:-1] + ("0" if digit[-1] != "0" else "1")))
    with pytest.raises(ConfigurationError, match="says who was erased"):
        load_tombstones(file)
    assert "WRONG" in CliRunner().invoke(app, ["doctor", "--project", str(shop.root)]).output


def test_a_shared_device_keeps_what_is_stitched_to_others(tmp_path):
    shop = Shop.make(tmp_path, SOURCE)
    rows = [
        event("2024-03-10T10:00:00Z", visitor_id="tablet"),
        event("2024-03-10T10:01:00Z", visitor_id="tablet", user_id="ada"),
        event("2024-03-10T10:02:00Z", visitor_id="tablet"),
        event("2024-03-10T20:00:00Z", visitor_id="tablet", user_id="bo"),
        event("2024-03-10T20:01:00Z", visitor_id="tablet"),
        event("2024-03-10T10:00:00Z", visitor_id="phone"),
        event("2024-03-11T10:00:00Z", visitor_id="phone", user_id="ada"),
    ]
    shop.write("events.jsonl", lines(rows))
    shop.ingest()
    assert identity(shop, "ada").ids == {"ada", "phone"}
    report = forget(shop.project, ["ada"])
    assert [item.removed for item in report.receipt.stores if item.store == "lake/events"] == [5]
    assert shop.rows("visitor_id", "user_id") == [("tablet", "bo"), ("tablet", None)]
    shop.write("again.jsonl", lines([*rows, event("2024-03-12", visitor_id="tablet", user_id="bo")]))
    report = shop.ingest()
    assert (report.total("rows_ignored"), report.total("rows_accepted"), report.total("rows_duplicate")) == (
        5,
        1,
        2,
    )


def test_an_order_of_two_customers_stays_with_the_other(tmp_path):
    shop = Shop.make(tmp_path, SOURCE)
    orders = [
        {"order_id": "1", "customer_id": "ada", "ordered_at": "2025-03-10", "total": 10},
        {"order_id": "2", "customer_id": "ada", "ordered_at": "2025-03-10", "total": 10},
        {"order_id": "2", "customer_id": "bo", "ordered_at": "2025-03-10", "total": 10},
    ]
    shop.write("orders.jsonl", lines(orders))
    payments = [
        {"order_id": order, "sequence": 1, "method": "card", "amount": 10, "paid_at": "2025-03-10"}
        for order in "12"
    ]
    shop.write("payments.jsonl", lines(payments))
    assert not shop.ingest().failed
    assert identity(shop, "ada").orders == {"1"}
    forget(shop.project, ["ada"])
    assert shop.rows("order_id", "customer_id", entity="orders") == [("2", "bo")]
    assert shop.rows("order_id", entity="payments") == [("2",)]


def test_an_address_of_many_customers_leads_to_none_of_them(tmp_path):
    shop = Shop.make(tmp_path, SOURCE)
    rows = [{"customer_id": f"c{n}", "email": "till@shop.example"} for n in range(4)]
    rows += [
        {"customer_id": "d1", "email": "d@mail.example"},
        {"customer_id": "d2", "email": "D@mail.example"},
    ]
    shop.write("customers.jsonl", lines(rows))
    shop.ingest()
    assert identity(shop, "c1").ids == {"c1"}
    assert identity(shop, "c1").shared == {"till@shop.example": 4}
    assert identity(shop, "d1").ids == {"d1", "d2", "d@mail.example"}
    forget(shop.project, ["c1"])
    assert shop.rows("customer_id", entity="customers") == [("c0",), ("c2",), ("c3",), ("d1",), ("d2",)]


def test_retention_forgets_who_was_not_there_for_long(tmp_path):
    shop = Shop.make(tmp_path, SOURCE)
    rows = [
        event("2020-01-01", user_id="gone"),
        event("2020-01-01", visitor_id="gone-phone"),
        event("2020-01-01", user_id="back"),
        event("2020-01-01", visitor_id="back-phone"),
        event("2024-01-01", user_id="back", visitor_id="back-phone"),
    ]
    shop.write("events.jsonl", lines(rows))
    shop.write(
        "orders.jsonl",
        lines([{"order_id": "1", "customer_id": "gone", "ordered_at": "2019-01-01", "total": 1}]),
    )
    shop.ingest()
    before = datetime(2022, 1, 1)  # noqa: DTZ001  # naive UTC, as everywhere
    report = forget(shop.project, inactive_before=before)
    assert report.receipt.person_count == 2
    assert {row[0] for row in shop.rows("user_id")} == {"back", None}
    assert shop.rows("visitor_id") == [("back-phone",), ("back-phone",), (None,)]
    assert shop.rows("order_id", entity="orders") == []
    with pytest.raises(ConfigurationError, match="nobody is inactive"):
        forget(shop.project, inactive_before=before)


def test_what_a_build_cannot_compute_comes_along_without_them(shop, tmp_path):
    tombstones = load_tombstones(shop.project.tombstones)
    erasure = run._erasure("e", 1, identity(shop, user(1)), tombstones)
    with connect(shop.project.warehouse) as connection:
        for schema, table in (
            ("snapshots", "snap_users"),
            ("gold", "scores_churn"),
            ("gold", "fct_sessions"),
        ):
            connection.execute(f"create schema if not exists {schema}")
            connection.execute(f"create table {schema}.{table} (user_id varchar, score double)")
            connection.execute(f"insert into {schema}.{table} values ('{user(1)}', 1), ('{user(2)}', 2)")
        connection.execute("comment on column gold.scores_churn.score is 'It''s a score'")
    removed = databases.renew_warehouse(shop.project, tombstones.with_erasure(erasure))
    assert removed == {"snapshots.snap_users": 1, "gold.scores_churn": 1}
    with connect(shop.project.warehouse, read_only=True) as connection:
        assert connection.execute("select * from gold.scores_churn").fetchall() == [(user(2), 2)]
        comments = connection.execute(
            "select comment from duckdb_columns() where comment is not null"
        ).fetchall()
        tables = connection.execute(
            "select count(*) from duckdb_tables() where table_name = 'fct_sessions'"
        ).fetchone()
    assert (comments, tables) == ([("It's a score",)], (0,))
    assert user(1).encode() not in shop.project.warehouse.read_bytes()
    shop.project.warehouse.write_bytes(b"torn")
    assert databases.renew_warehouse(shop.project, tombstones) == {}
    assert not shop.project.warehouse.exists()


def test_an_unknown_copy_in_the_project_is_named(shop):
    (shop.root / "notes").mkdir()
    (shop.root / "notes" / "list.txt").write_text(f"call {user(1)}")
    report = forget(shop.project, [user(1)])
    assert report.leftovers == ["notes/list.txt"]


def test_people_come_from_a_file_too(shop, tmp_path):
    people = tmp_path / "people.txt"
    people.write_text(f"# asked on Monday\n{user(1)}\n\n{email(2)}\n")
    arguments = ["forget", "--from", str(people), "--yes", "--json", "--project", str(shop.root)]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["receipt"]["person_count"] == 2
    assert traces(shop.root, [1, 2], but=[shop.raw]) == set()


@pytest.mark.parametrize(
    "arguments", [[], ["--older-than", "0"], ["a", "--older-than", "9"], ["a", "--json"]]
)
def test_misuse_exits_with_2(shop, arguments):
    assert CliRunner().invoke(app, ["forget", *arguments, "--project", str(shop.root)]).exit_code == 2


def test_a_restored_backup_brings_nobody_back_and_loses_no_receipt(shop, tmp_path):
    forget(shop.project, [user(3)])
    create_backup(shop.project, tmp_path / "backup", now=NOW)
    receipts = [forget(shop.project, [person]).receipt_file for person in (user(1), email(2))]
    restore(tmp_path / "backup", shop.root, now=NOW, replaces=True)
    assert all(file.exists() for file in receipts)
    assert {number for _, number in traces(shop.root / "lake", [1, 2, 3])} & {user(1), user(2)}
    report = finish_pending(shop.project)
    assert report is not None
    assert report.receipt.person_count == 2
    assert shop.ingest().failed == []
    assert traces(shop.root, [1, 2, 3], but=[shop.raw]) == set()
    assert verify_receipts(shop.project) == []


def test_a_reason_that_repeats_a_record_is_not_stored(tmp_path):
    shop = Shop.make(
        tmp_path,
        '[[sources]]\nname = "crm"\nadapter = "mapped"\nentity = "customers"\npath = "raw/*.csv"\n'
        '[sources.map]\ncustomer_id = "id"\n',
    )
    shop.write("good.csv", "id,mail\nc1,ada@mail.example\nc2,bo@mail.example\n")
    for name in ("ada", "bo"):
        shop.write(f"headless-{name}.csv", f"{name}-00001,Ulm,{name}@mail.example\n")
    assert len(shop.ingest().failed) == 2
    forget(shop.project, ["c1"])

    def reasons():
        return {row.file.rpartition("-")[2]: row.reason for row in shop.ledger() if row.outcome == "failed"}

    assert reasons()["ada.csv"] == REDACTED
    assert "bo@mail.example" in reasons()["bo.csv"]
    assert not [name for name, text in texts(shop.root, but=[shop.raw]) if b"ada@mail" in text]
    count = len(shop.ledger())
    shop.ingest()  # the file still fails, for the same reason
    assert len(shop.ledger()) == count
    shop.write("headless-ada.csv", "ada-00001,Neu-Ulm,ada@mail.example\n")
    shop.ingest()
    assert len(shop.ledger()) == count + 1
    assert not [name for name, text in texts(shop.root, but=[shop.raw]) if b"ada@mail" in text]
    assert find_damage(Lake(shop.project.lake)) == []
    assert list(find_problems(Lake(shop.project.lake))) == []
