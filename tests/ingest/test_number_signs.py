"""Decimal commas and thousands signs: read where they are proven or stated, and never read wrong in silence."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopwright.core.currencies import MAGNITUDES, magnitude
from shopwright.core.engine import connect
from shopwright.ingest.adapters.mapping import NumberSigns
from shopwright.ingest.number_signs import read_number
from shopwright.testing import Shop

MAP = """
order_id = "order"
ordered_at = "when"
product_id = "sku"
kind = { value = "sale" }
quantity = "qty"
unit_price = "price"
"""


def load(tmp_path, rows, *, delimiter=";", options="", currency="EUR"):
    """Load lines of a quantity and a price; return the shop."""
    shop = Shop.make(
        tmp_path / "shop",
        f'[[sources]]\nname = "it"\nadapter = "mapped"\npath = "raw"\nentity = "order_items"\n'
        f'delimiter = "{delimiter}"\n{options}\n[sources.map]\n{MAP}\n[shop]\ncurrency = "{currency}"\n',
    )
    lines = [delimiter.join(("order", "when", "sku", "qty", "price"))]
    lines += [delimiter.join((str(n), "2025-03-10", "p", *row)) for n, row in enumerate(rows)]
    shop.write("lines.csv", "\n".join(lines) + "\n")
    shop.ingest()
    return shop


def prices(shop):
    return [price for _, price in sorted(shop.rows("order_id", "unit_price", entity="order_items"))]


def test_a_comma_that_can_only_be_a_decimal_sign_says_what_the_dots_are(tmp_path):
    shop = load(
        tmp_path, [("1", "1.250"), ("1.000", "2"), ("1", "19,90"), ("2", "1.234,56"), ("3", "-12,50")]
    )
    assert prices(shop) == [1250, 2, Decimal("19.9"), Decimal("1234.56"), Decimal("-12.5")]
    assert max(shop.rows("quantity", entity="order_items")) == (1000,)


def test_without_a_proof_dots_that_may_separate_thousands_are_refused(tmp_path):
    (row,) = load(tmp_path, [("1", "1.250"), ("2", "3")]).ledger()
    assert (row.outcome, row.rows_read) == ("failed", 0)
    assert "1.250 in column 'price'" in row.reason
    assert 'decimal = "."' in row.reason


@pytest.mark.parametrize(("options", "price"), [('decimal = "."', Decimal("1.25")), ('decimal = ","', 1250)])
def test_a_stated_sign_decides(tmp_path, options, price):
    assert prices(load(tmp_path, [("1", "1.250")], options=options)) == [price]


def test_a_proven_dot_leaves_dots_as_they_are(tmp_path):
    assert prices(load(tmp_path, [("1", "1.250"), ("1", "0.5")])) == [Decimal("1.25"), Decimal("0.5")]


def test_commas_between_thousands_are_read_where_a_dot_proves_them(tmp_path):
    shop = load(tmp_path, [("1", '"1,250.50"'), ("1", '"1,50"'), ("1", '"2.25"')], delimiter=",")
    assert prices(shop) == [Decimal("1250.5"), Decimal("1.5"), Decimal("2.25")]


def test_a_number_that_can_mean_two_things_in_a_mixed_file_is_quarantined(tmp_path):
    shop = load(tmp_path, [("1", "1.250"), ("1", "1,50"), ("1", "2.25"), ("1", "1,250")])
    assert prices(shop) == [Decimal("1.5"), Decimal("2.25")]
    assert {row.rules for row in shop.quarantine()} == {("unit_price_unreadable",)}


def test_a_replay_reads_no_ambiguous_number(tmp_path):
    shop = load(tmp_path, [("1", "19,90"), ("x", "1.250"), ("1", "3,5x")])
    assert len(shop.quarantine()) == 2
    shop.replay()
    assert prices(shop) == [Decimal("19.9")]


def test_plain_files_are_not_looked_at_twice(tmp_path):
    assert prices(load(tmp_path, [("1", "1.250")], delimiter=",")) == [Decimal("1.25")]


NUMBERS = st.decimals(min_value=-(10**9), max_value=10**9, places=3, allow_nan=False, allow_infinity=False)


@given(NUMBERS, st.sampled_from([(",", "."), (",", " "), (".", ","), (".", "'"), (",", "'")]), st.booleans())
def test_any_number_in_stated_signs_is_read_exactly(number, signs, grouped):
    decimal, thousands = signs
    text = f"{number:{',' if grouped else ''}.3f}"
    text = text.translate({ord(","): thousands, ord("."): decimal})
    sql = read_number("$1", NumberSigns(decimal, thousands))
    with connect(threads=1) as connection:
        (read,) = connection.execute(
            f"select ({sql})::decimal(18,3)".replace("$1", f"'{text.replace(chr(39), chr(39) * 2)}'")
        ).fetchone()
    assert read == number


@given(NUMBERS, st.sampled_from([(",", "."), (".", ",")]))
def test_a_number_is_never_read_as_another_one(number, signs):
    text = f"{number:,.3f}".translate({ord(","): signs[1], ord("."): signs[0]})
    with connect(threads=1) as connection:
        for tried in (NumberSigns(","), NumberSigns("."), NumberSigns(is_mixed=True)):
            (read,) = connection.execute(
                f"select try_cast(({read_number(repr(text), tried)}) as decimal(18,3))"
            ).fetchone()
            fits = tried.decimal == signs[0] or (tried.is_mixed and abs(number) >= 1000)
            assert read == number if fits else (read is None or abs(number) < 1000)


def test_limits_follow_the_currency(tmp_path):
    shop = load(tmp_path, [("1", "22990000"), ("1", "990000000000")], currency="VND")
    assert prices(shop) == [22990000, 990000000000]
    shop = load(tmp_path / "eur", [("1", "22990000"), ("1", "990000000000")])
    assert prices(shop) == [22990000]
    (row,) = shop.quarantine()
    assert "unit_price_out_of_range" in row.rules


def test_a_currency_has_one_order_of_magnitude():
    listed = [name for names in MAGNITUDES.values() for name in names.split()]
    assert len(set(listed)) == len(listed)
    assert all(magnitude(name) > 1 for name in listed)


# --- texts in JSON and Parquet --------------------------------------------------------------------------------


def load_texts(tmp_path, form, values, *, options=""):
    """Load lines whose price is one of these values, texts or numbers; return the shop."""
    shop = Shop.make(
        tmp_path / form,
        f'[[sources]]\nname = "it"\nadapter = "mapped"\npath = "raw"\nentity = "order_items"\n{options}\n'
        f"[sources.map]\n{MAP}",
    )
    rows = [
        {"order": f"{number:02}", "when": "2025-03-10", "sku": "p", "qty": 1, "price": value}
        for number, value in enumerate(values)
    ]
    match form:
        case "jsonl":
            shop.write("lines.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        case "json":
            shop.write("lines.json", json.dumps(rows, indent=1))
        case "parquet":
            text = shop.write("lines.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
            with connect() as connection:
                connection.execute(
                    f"copy (select * from read_json('{text}')) to '{shop.raw / 'lines.parquet'}' (format parquet)"
                )
            text.unlink()
    shop.ingest()
    return shop


FORMS = ["jsonl", "json", "parquet"]


@pytest.mark.parametrize("form", FORMS)
def test_texts_are_read_with_the_comma_that_they_prove(tmp_path, form):
    shop = load_texts(tmp_path, form, ["19,90", "1.250", "1.234,56", " 3 "])
    assert prices(shop) == [Decimal("19.9"), 1250, Decimal("1234.56"), 3]
    assert shop.quarantine() == []
    assert shop.ingest().rows == []


@pytest.mark.parametrize("form", ["jsonl", "json"])
def test_a_number_that_is_no_text_has_no_signs_of_a_country(tmp_path, form):
    shop = load_texts(tmp_path, form, ["19,90", 1.25, 1.125, 3])
    assert prices(shop) == [Decimal("19.9"), Decimal("1.25"), Decimal("1.125"), 3]


@pytest.mark.parametrize("form", FORMS)
def test_of_texts_with_both_signs_only_those_that_mean_one_thing_are_read(tmp_path, form):
    shop = load_texts(tmp_path, form, ["19,90", "19.90", "1.250", "five"])
    assert prices(shop) == [Decimal("19.9"), Decimal("19.9")]
    assert [row.rules for row in shop.quarantine()] == [("unit_price_unreadable",)] * 2


@pytest.mark.parametrize("form", FORMS)
def test_texts_without_a_comma_are_read_as_ever(tmp_path, form):
    shop = load_texts(tmp_path, form, ["1.250", "19.90", "1,250"])
    assert prices(shop) == [Decimal("1.25"), Decimal("19.9")]
    assert len(shop.quarantine()) == 1


@pytest.mark.parametrize("form", FORMS)
def test_stated_signs_are_those_of_texts(tmp_path, form):
    shop = load_texts(tmp_path, form, ["1.250", "7"], options='decimal = ","')
    assert prices(shop) == [1250, 7]


@pytest.mark.parametrize("form", FORMS)
def test_texts_are_replayed_as_they_were_read(tmp_path, form):
    shop = load_texts(tmp_path, form, ["19,90", "1.234,5x", "20,5"])
    assert len(shop.quarantine()) == 1
    assert (shop.replay().still_open, len(prices(shop))) == (1, 2)
