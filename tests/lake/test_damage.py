"""Damage to each kind of file in a lake is told, never made worse by any command, and repaired from what is there twice."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from shopwright.cli.main import app
from shopwright.core.disk import hash_file
from shopwright.core.errors import LakeError
from shopwright.ingest.repair import repair
from shopwright.lake.delta import Lake
from shopwright.testing import NOW, Shop

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """
[[sources]]
name = "clicks"
adapter = "event_stream"
path = "raw/*.jsonl"
[[sources]]
name = "lines"
adapter = "mapped"
entity = "order_items"
path = "raw/*.csv"
[sources.map]
order_id = "order"
ordered_at = "when"
customer_id = "customer"
quantity = "qty"
unit_price = "price"
kind = { value = "sale" }
"""
EVENTS = "".join(
    f'{{"timestamp": "2025-03-{day:02d}T10:00:00Z", "user_id": "u{day}", "event_type": "page_view"}}\n'
    for day in range(1, 9)
)
BAD_EVENT = '{"timestamp": "soon", "user_id": "u9", "event_type": "page_view"}\n'
LINES = "order,when,customer,qty,price\n" + "".join(
    f"o{number},2025-03-{number:02d} 10:00:00,k{number},2,20.00\n" for number in range(1, 9)
)

FILES = {
    "rows of events": "events/part-*.parquet",
    "rows of order lines": "order_items/part-*.parquet",
    "rows of the ledger": "ledger/part-*.parquet",
    "quarantined rows": "quarantine/part-*.parquet",
    "batches that were taken out": "retired_batches/part-*.parquet",
    "an entry of the log of events": "events/_delta_log/*.json",
    "an entry of the log of order lines": "order_items/_delta_log/*.json",
    "an entry of the log of the ledger": "ledger/_delta_log/*.json",
    "an entry of the log of the quarantine": "quarantine/_delta_log/*.json",
    "a record of a commit": "_commits/*.json",
}
FOLDERS = {
    "the log of events": "events/_delta_log",
    "the log of the ledger": "ledger/_delta_log",
    "the log of the quarantine": "quarantine/_delta_log",
    "the records of commits": "_commits",
    "the table of events": "events",
    "the ledger": "ledger",
    "the lake but for its records": "[!_]*",
}
DAMAGES = ("gone", "empty", "halved", "flipped")
KINDS = [
    *(
        (name, pattern, damage, end)
        for name, pattern in FILES.items()
        for damage in DAMAGES
        for end in (0, -1)
    ),
    *((name, pattern, damage, 0) for name, pattern in FOLDERS.items() for damage in ("gone", "older")),
]
PARAMETERS = [
    pytest.param(
        name,
        pattern,
        how,
        end,
        id=f"{name}, {'last' if end else 'first'}, {how}" if name in FILES else f"{name}, {how}",
        marks=[pytest.mark.long] if how in ("empty", "halved") or end else [],
    )
    for name, pattern, how, end in KINDS
]


@dataclass
class Lakes:
    """A shop, and its lake as it was a day before."""

    shop: Shop
    older: Path


@pytest.fixture(scope="module")
def lakes(tmp_path_factory):
    root = tmp_path_factory.mktemp("damage")
    # the ledger names files by their whole path, so that copies of the shop read the same ones
    shop = Shop.make(root / "shop", SETTINGS.replace("raw/", f"{root}/shop/raw/"))
    shop.write("monday.jsonl", EVENTS + BAD_EVENT)
    shop.write("monday.csv", LINES)
    shop.ingest()
    shutil.copytree(shop.project.lake, root / "older")
    shop.write("tuesday.jsonl", EVENTS.replace("2025-03", "2025-04"))
    shop.write("tuesday.csv", LINES.replace("\no", "\np"))
    assert shop.ingest().is_complete
    shop.read_again("lines")
    return Lakes(shop, root / "older")


def copy_of(lakes, folder):
    shutil.copytree(lakes.shop.root, folder / "shop", ignore=shutil.ignore_patterns("raw"))
    return Shop(folder / "shop")


def damage(shop, older, pattern, how, end):
    """Damage the first or last path of a pattern, or all folders of it."""
    lake = shop.project.lake
    paths = sorted(lake.glob(pattern))
    if pattern.endswith(".parquet"):
        paths = [file.path for file in Lake(lake).files(pattern.split("/")[0])]
    if how == "older" or not paths[0].is_file():
        for path in paths:
            shutil.rmtree(path)
        if how == "older":
            for path in older.glob(pattern):
                shutil.copytree(path, lake / path.relative_to(older))
        return
    path = paths[end]
    content = path.read_bytes()
    if how == "gone":
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "halved":
        path.write_bytes(content[: len(content) // 2])
    else:
        flip(path, len(content) // 2, 0)


def flip(path, position, bit):
    content = bytearray(path.read_bytes())
    content[position] ^= 1 << bit
    path.write_bytes(content)


def content(shop):
    return {
        "events": shop.rows("event_at", "user_id"),
        "order_items": shop.rows("order_id", "quantity", "unit_price", entity="order_items"),
        "ledger": sorted((row.file, row.rows_accepted, row.rows_quarantined) for row in shop.ledger()),
        "quarantine": sorted((row.file, row.line_number) for row in shop.quarantine()),
    }


def hashes(shop):
    """What is in the lake, wherever it is."""
    return {
        hash_file(path) for path in shop.project.lake.rglob("*") if path.is_file() and path.stat().st_size
    }


def doctor(shop, *options):
    return CliRunner().invoke(app, ["doctor", "--project", str(shop.root), *options])


def run(shop, *command):
    return CliRunner().invoke(app, [*command, "--project", str(shop.root)])


@pytest.mark.parametrize(("name", "pattern", "how", "end"), PARAMETERS)
def test_damage_is_told_made_no_worse_and_repaired(lakes, tmp_path, name, pattern, how, end):
    right = content(lakes.shop)
    shop = copy_of(lakes, tmp_path)
    damage(shop, lakes.older, pattern, how, end)
    before = hashes(shop)

    told = doctor(shop, "--deep")
    assert told.exit_code == 1, told.output

    worse = copy_of(Lakes(shop, lakes.older), tmp_path / "worse")
    ingested = run(worse, "ingest")
    assert ingested.exit_code in (0, 1)
    assert "Traceback" not in ingested.output
    if ingested.exit_code == 0:  # it reads nothing that is damaged, and adds nothing
        assert len(Lake(worse.project.lake).files("events")) == len(
            Lake(lakes.shop.project.lake).files("events")
        )
    assert before - {hash_file(path) for path in worse.project.lake.glob("_intents/*")} <= hashes(worse)

    repaired = run(shop, "repair")
    assert repaired.exit_code == 0, repaired.output
    assert before <= hashes(shop)
    assert content(shop) == right
    assert [line for line in doctor(shop, "--deep").output.splitlines() if "WRONG" in line] == []
    assert run(shop, "ingest").exit_code == 0
    assert content(shop) == right
    again = run(shop, "repair")
    assert "nothing to repair" in again.output


def test_a_whole_lake_needs_no_repair(lakes, tmp_path):
    shop = copy_of(lakes, tmp_path)
    before = {path: path.read_bytes() for path in shop.project.lake.rglob("*") if path.is_file()}
    assert "nothing to repair" in run(shop, "repair").output
    assert {path: path.read_bytes() for path in shop.project.lake.rglob("*") if path.is_file()} == before


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_flipped_bit_of_a_file_with_rows_is_found_and_repaired(lakes, tmp_path_factory, data):
    shop = copy_of(lakes, tmp_path_factory.mktemp("flip"))
    paths = [
        file.path
        for table in ("events", "order_items", "ledger", "quarantine")
        for file in Lake(shop.project.lake).files(table)
    ]
    path = data.draw(st.sampled_from(paths))
    flip(path, data.draw(st.integers(0, path.stat().st_size - 1)), data.draw(st.integers(0, 7)))
    report = repair(shop.project, now=NOW)
    assert report.is_whole
    assert report.done or report.reread
    assert content(shop) == content(lakes.shop)


def test_lost_rows_whose_source_file_is_gone_are_named(lakes, tmp_path):
    shop = copy_of(lakes, tmp_path)
    damage(shop, lakes.older, "events/part-*.parquet", "flipped", 0)
    file = lakes.shop.raw / "monday.jsonl"
    file.rename(tmp_path / "elsewhere")
    result = run(shop, "repair")
    (tmp_path / "elsewhere").rename(file)
    assert result.exit_code == 1
    assert "monday.jsonl" in result.output
    assert len(content(shop)["ledger"]) == len(content(lakes.shop)["ledger"])


def test_a_command_that_finds_damage_says_in_one_line_what_to_do(lakes, tmp_path):
    shop = copy_of(lakes, tmp_path)
    damage(shop, lakes.older, "events/_delta_log", "gone", 0)
    with pytest.raises(LakeError, match=r"lake table 'events'.*`shopwright repair`"):
        shop.ingest()
    result = run(shop, "ingest")
    assert (result.exit_code, len(result.output.strip().splitlines())) == (1, 1) or isinstance(
        result.exception, LakeError
    )
