"""The real exports, against counts that Python's own csv module makes of the same files."""

from __future__ import annotations

import csv
import io
from collections import Counter
from decimal import Decimal

import pytest
import zstandard

from shopwright.testing import Shop
from shopwright.testing.sources import headless_clicks, invoices_as_purchases

TYPES = {"view": "product_view", "cart": "add_to_cart", "purchase": "purchase"}


def october(real_data):
    file = real_data / "rees46" / "2019-Oct.csv"
    with file.open(newline="", encoding="utf-8") as stream:
        header, *rows = csv.reader(stream)
    return file, header, rows


@pytest.fixture(scope="module")
def october_shop(real_data, tmp_path_factory):
    file, _, _ = october(real_data)
    shop = Shop.make(
        tmp_path_factory.mktemp("october"),
        f'[[sources]]\nname = "october"\nadapter = "rees46"\npath = "{file}"\n',
    )
    shop.ingest()
    return shop


def test_october_balances_to_the_row(real_data, october_shop):
    _, header, rows = october(real_data)
    complete_rows = [tuple(row) for row in rows if len(row) == len(header)]
    (ledger,) = october_shop.ledger()
    assert (ledger.rows_read, ledger.rows_accepted, ledger.rows_quarantined, ledger.rows_duplicate) == (
        len(rows),
        len(set(complete_rows)),
        len(rows) - len(complete_rows),
        len(complete_rows) - len(set(complete_rows)),
    )
    assert (len(rows), len(set(complete_rows)), len(complete_rows) - len(set(complete_rows))) == (
        17_435,
        17_429,
        5,
    )


def test_octobers_torn_line_is_in_quarantine_as_it_stands(real_data, october_shop):
    file, _, _ = october(real_data)
    (row,) = october_shop.quarantine()
    assert (row.line_number, row.rules) == (17_436, ("too_few_fields",))
    assert row.raw.encode() == file.read_bytes().splitlines()[-1]


def test_octobers_rows_are_those_of_the_file_value_by_value(real_data, october_shop):
    _, header, rows = october(real_data)
    expected_rows = {
        (
            row[0].removesuffix(" UTC"),
            TYPES[row[1]],
            *(value or None for value in row[2:6]),
            Decimal(row[6]),
            *row[7:9],
        )
        for row in rows
        if len(row) == len(header)
    }
    columns = (
        "event_type",
        "product_id",
        "category_id",
        "category",
        "brand",
        "price",
        "user_id",
        "session_hint",
    )
    loaded_rows = [(str(at), *rest) for at, *rest in october_shop.rows("event_at", *columns)]
    assert set(loaded_rows) == expected_rows
    assert len(loaded_rows) == len(expected_rows)


def test_octobers_views_carts_purchases_and_free_gifts_are_counted(real_data, october_shop):
    _, header, rows = october(real_data)
    complete_rows = [row for row in rows if len(row) == len(header)]
    assert Counter(row[1] for row in complete_rows) == {"view": 17_055, "cart": 165, "purchase": 214}
    loaded_rows = Counter(kind for (kind,) in october_shop.rows("event_type"))
    assert loaded_rows == Counter(
        TYPES[kind] for kind, *_ in {tuple(row[1:2] + row) for row in complete_rows}
    )
    assert sum(price == 0 for (price,) in october_shop.rows("price")) == 19
    assert len(set(october_shop.rows("user_id"))) == len({row[7] for row in complete_rows}) == 4504


def test_november_has_no_header_and_is_read_through_column_names(real_data, tmp_path):
    file = real_data / "rees46" / "2019-Nov_no_header.csv"
    with file.open(newline="", encoding="utf-8") as stream:
        rows = [tuple(row) for row in csv.reader(stream)]
    shop = Shop.make(tmp_path, headless_clicks(file))
    shop.ingest()
    (ledger,) = shop.ledger()
    assert ledger.rows_read == len(rows) == 683
    assert (ledger.rows_accepted, ledger.rows_quarantined) == (len(set(rows)), 0)
    assert Counter(kind for (kind,) in shop.rows("event_type")) == Counter(TYPES[row[1]] for row in set(rows))


@pytest.mark.slow
def test_the_invoices_load_as_purchases_and_every_line_is_accounted_for(real_data, tmp_path):
    file = real_data / "online_retail" / "online_retail.csv.zst"
    with file.open("rb") as stream:
        text = zstandard.ZstdDecompressor().stream_reader(stream).read().decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    good = [
        tuple(row.values())
        for row in rows
        if row["CustomerID"].strip()
        and int(row["Quantity"]) >= 1
        and 0 <= Decimal(row["UnitPrice"]) <= 1_000_000
    ]
    shop = Shop.make(tmp_path, invoices_as_purchases(file))
    shop.ingest()
    (ledger,) = shop.ledger()
    assert (ledger.rows_read, ledger.rows_accepted, ledger.rows_quarantined, ledger.rows_duplicate) == (
        len(rows),
        len(set(good)),
        len(rows) - len(good),
        len(good) - len(set(good)),
    )
    assert ledger.rows_read == 541_909
    revenue = sum(Decimal(row[5]) * int(row[3]) for row in set(good))
    assert sum(price * quantity for price, quantity in shop.rows("price", "quantity")) == revenue
    rules = Counter(rule for item in shop.quarantine() for rule in item.rules)
    assert rules["user_id_missing"] == 135_080
    assert rules["quantity_out_of_range"] == 10_624
    assert rules["price_out_of_range"] == 2
