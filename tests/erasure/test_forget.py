"""Twenty people of forty leave a shop that has them everywhere, and never come back."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import duckdb
import pytest
from tests.built import build_once
from typer.testing import CliRunner

from shopwright.cli.doctor import _project
from shopwright.cli.main import app
from shopwright.erasure.receipts import verify_receipts
from shopwright.erasure.run import forget
from shopwright.testing import Shop
from shopwright.warehouse.build import build

sys.path.append(str(Path(__file__).parent))

from shops import FORGOTTEN, PEOPLE, SETTINGS, collect, email, events, export, lines, traces, user

OTHERS = range(len(FORGOTTEN), PEOPLE)
pytestmark = pytest.mark.slow


def make(folder):
    shop = Shop.make(folder, SETTINGS)
    export(shop)
    collect(shop, day=1)
    shop.ingest()
    build(shop.project)
    collect(shop, day=2)  # not ingested yet
    return shop


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The shop with everybody in it; tests only read it."""
    return build_once(tmp_path_factory, "erasure", make)


@pytest.fixture(scope="module")
def erased(original, tmp_path_factory):
    """A copy of it without twenty people, with the report of the erasure."""
    root = tmp_path_factory.mktemp("erased") / "shop"
    shutil.copytree(original.root, root)
    shop = Shop(root)
    report = forget(shop.project, [user(n) if n % 2 else email(n).upper() for n in FORGOTTEN])
    return shop, report


def published(shop, sql):
    with duckdb.connect(str(shop.project.published), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_they_were_everywhere(original):
    places = {name for name, _ in traces(original.root, FORGOTTEN, but=[original.raw])}
    expected = (
        "lake/events",
        "lake/customers",
        "lake/quarantine",
        "collector",
        "warehouse.duckdb",
        "published/",
    )
    for prefix in expected:
        assert any(name.startswith(prefix) for name in places), prefix


def test_no_byte_of_the_project_names_them(erased):
    shop, report = erased
    assert traces(shop.root, FORGOTTEN, but=[shop.raw]) == set()
    assert report.leftovers == []
    remaining = {needle for _, needle in traces(shop.root, OTHERS, but=[shop.raw])}
    assert {user(n) for n in OTHERS} <= remaining
    assert {email(n) for n in OTHERS} <= remaining


def test_the_command_names_the_files_that_still_hold_them(erased, original):
    shop, report = erased
    # the ledger of a copied shop names the files where they were read
    holding = {original.raw / name for name, _ in traces(shop.raw, FORGOTTEN)}
    assert holding == {Path(label) for label in report.sources}


def test_the_ledger_balances_and_doctor_is_content(erased):
    shop, _ = erased
    findings = list(_project(shop.root))
    assert [finding for finding in findings if not finding.ok] == []
    for row in shop.ledger():
        assert (
            row.rows_read == row.rows_accepted + row.rows_quarantined + row.rows_duplicate + row.rows_ignored
        )
    quarantined = sum(row.rows_quarantined for row in shop.ledger())
    assert len(shop.quarantine()) == quarantined


def test_everybody_else_has_the_same_figures(erased, original):
    shop, _ = erased
    others = ", ".join(f"'{user(n)}'" for n in OTHERS)
    for table, columns in (
        ("gold.fct_sessions", "user_id, session_end_at, event_count, purchase_count"),
        ("gold.fct_orders", "order_id, customer_id, net_amount"),
    ):
        key = "user_id" if "sessions" in table else "customer_id"
        sql = f"select {columns} from {table} where {key} in ({others}) order by all"
        assert published(shop, sql) == published(original, sql)
        assert published(shop, f"select count(*) from {table} where {key} not in ({others})") == [(0,)]


def test_units_of_experiments_are_counted_in_the_receipt(erased, original):
    _, report = erased
    sql = "select variant, count(*) from gold.fct_experiment_units where unit_id in ({}) group by all"
    ids = ", ".join(f"'{user(n)}'" for n in FORGOTTEN)
    assert report.receipt.experiment_units == {"button": dict(published(original, sql.format(ids)))}
    assert sum(report.receipt.experiment_units["button"].values()) == len(FORGOTTEN)


def test_the_receipt_is_signed_and_names_nobody(erased):
    shop, report = erased
    text = report.receipt_file.read_text()
    document = json.loads(text)
    stores = {item["store"]: item["removed"] for item in document["stores"]}
    assert stores["lake/customers"] == 2 * len(FORGOTTEN)
    assert stores["lake/quarantine"] == 2 * len(FORGOTTEN)
    assert stores["collected events"] > 0
    assert verify_receipts(shop.project) == []
    report.receipt_file.write_text(text.replace('"person_count": 20', '"person_count": 19'))
    assert verify_receipts(shop.project) == [
        f"receipt {report.receipt_file.name} was changed after it was signed"
    ]
    report.receipt_file.write_text(text)


def test_the_next_export_adds_nothing_of_them(erased):
    shop, _ = erased
    assert shop.ingest().total("rows_accepted") == len(OTHERS) * 6  # collected before, ingested now
    assert shop.ingest().rows == []
    export(shop, day=0)  # the same files again
    before = shop.rows("source_event_id")
    export(shop, day=3)  # an overlapping one
    overlapping = [event for n in range(PEOPLE) for day in (0, 3) for event in events(n, day=day)]
    shop.write("shop/events-again.jsonl", lines(overlapping))
    collect(shop, day=4)
    report = shop.ingest()
    assert not report.failed
    assert len(shop.rows("source_event_id")) > len(before)
    assert traces(shop.root, FORGOTTEN, but=[shop.raw, shop.root / "published"]) == set()
    assert [finding for finding in _project(shop.root) if not finding.ok] == []


def test_ids_of_the_command_line(original, tmp_path):
    shutil.copytree(original.root, tmp_path / "shop")
    arguments = ["--project", str(tmp_path / "shop")]
    runner = CliRunner()
    result = runner.invoke(
        app, ["subject", user(30), "--out", str(tmp_path / "person"), *arguments], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    about = json.loads((tmp_path / "person" / "about.json").read_text())
    assert {user(30), "crm-00030", "phone-0030z", email(30)} <= set(about["ids"])
    assert about["rows"]["lake-customers"] == 2
    assert (tmp_path / "person" / "gold-fct_sessions.csv").exists()
    result = runner.invoke(app, ["forget", user(30), "--dry-run", *arguments], catch_exceptions=False)
    assert "customers 2" in result.output
    result = runner.invoke(app, ["forget", user(30), *arguments], input="n\n")
    assert result.exit_code == 1
    assert not (tmp_path / "shop" / "erasure").exists()
