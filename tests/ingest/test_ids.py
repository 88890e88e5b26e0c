"""Ids: who is nobody, floats and e-mail addresses that name the same, and names that lost against others."""

from __future__ import annotations

import json
import shutil
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from shopwright.cli.main import app
from shopwright.contracts.schema import Column, Kind
from shopwright.core.engine import connect
from shopwright.ingest.ids import NOBODY, read_id
from shopwright.testing import Shop

FORMATS = Path(__file__).parents[1] / "cases/formats"
ENGINE = connect(threads=1)
NAMES = ("userId", "distinct_id", "anonymous_id", "cookie_id")
"""Two names of a user, and two of a visitor."""
EVENTS = """
[[sources]]
name = "events"
adapter = "event_stream"
path = "raw"
"""


def lines(customer, nobody=()):
    return f"""
[[sources]]
name = "lines"
adapter = "mapped"
path = "raw"
entity = "order_items"
nobody = {json.dumps(list(nobody))}
[sources.map]
order_id = "order_id"
ordered_at = "when"
customer_id = {json.dumps(customer)}
product_id = "sku"
quantity = "qty"
unit_price = "price"
kind = {{ value = "sale" }}
"""


def read(text, kind=Kind.PERSON_ID, nobody=()):
    return ENGINE.execute(
        f"select {read_id('t', Column('a', kind, ''), nobody=nobody)} from (select ? as t)", [text]
    ).fetchone()[0]


@given(st.integers(0, 10**17), st.integers(1, 3))
def test_a_number_and_the_float_of_it_are_one_id(number, zeros):
    assert read(str(number)) == read(f"{number}.{'0' * zeros}") == str(number)


@given(st.integers(1, 9), st.text("0123456789", max_size=9), st.integers(9, 30))
def test_an_id_in_scientific_notation_has_all_its_digits(first, digits, exponent):
    mantissa = f"{first}.{digits}" if digits else str(first)
    assert read(f"{mantissa}e+{exponent}") == f"{first}{digits.ljust(exponent, '0')}"


@pytest.mark.parametrize(
    "text", ["12e5", "1.0.0", "0421", "a.0", ".0", "1.50", "1.0x", "9e+x", "4+4", "+49171"]
)
def test_other_ids_stay_as_they_are(text):
    assert read(text) == read(text, Kind.ID) == text


@given(st.sampled_from(NOBODY), st.data())
def test_a_word_for_nobody_names_nobody_in_any_case(word, data):
    text = "".join(data.draw(st.sampled_from([letter, letter.upper()])) for letter in word)
    assert read(text) is read(text, Kind.ID) is None


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_only_words_for_nobody_name_nobody(text):
    assert (read(text, Kind.ID) is None) == (text.lower() in NOBODY)


def test_what_a_source_calls_nobody_names_no_person_and_may_name_a_product():
    words = ("0", "guest", "0.0")
    assert [read(text, nobody=words) for text in ("0", "Guest", "0.0", "00", "guests")] == [
        None,
        None,
        None,
        "00",
        "guests",
    ]
    assert read("0", Kind.ID, words) == "0"


def test_case_of_an_address_is_folded_where_it_names_a_person():
    assert read("Ada@Shop.test") == "ada@shop.test"
    assert read("7Ada@Shop.test") == "7ada@shop.test"
    assert read("Mug@Home", Kind.ID) == "Mug@Home"


def test_ids_that_pandas_wrote_name_the_same_customer(tmp_path):
    shop = Shop.make(tmp_path, lines("customer_id"))
    shutil.copy(FORMATS / "26-float-ids-and-phones/raw/orders.csv", shop.raw)
    result = CliRunner().invoke(app, ["ingest", "--project", str(tmp_path)], catch_exceptions=False)
    assert result.exit_code == 0
    output = " ".join(result.output.split())
    assert (
        "order_id is written like 5.1e+12 and was read as 5100000000000, its last digits may be lost in 1 row"
        in output
    )
    assert "customer_id names nobody or nothing in 2 rows" in output
    assert shop.rows("order_id", "customer_id", "product_id", entity="order_items") == [
        ("5100000000000", "17850", "0421"),
        ("5100000000008", "17850", "421"),
        ("5100000000009", None, None),
        ("5100000000010", None, None),
    ]


def test_the_first_column_that_names_somebody_says_who_it_was(tmp_path):
    shop = Shop.make(tmp_path, lines(["customer_id", "billing_email"], nobody=["0"]))
    shutil.copy(FORMATS / "37-guests-share-an-id/raw/orders.csv", shop.raw)
    shop.ingest()
    rows = shop.rows("order_id", "customer_id", "properties", entity="order_items")
    assert [row[:2] for row in rows] == [
        ("1", "ada@shop.test"),
        ("2", "bo@shop.test"),
        ("3", None),
        ("4", "12"),
    ]
    # the address of a customer who has an id is not thrown away
    assert [row[2] for row in rows] == [None, None, None, '{"billing_email":"cleo@shop.test"}']
    assert json.loads(shop.ledger()[0].notes) == {"nobody": {"customer_id": 1}}


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_every_id_of_a_tracker_is_a_person_or_among_the_properties(tmp_path, ending):
    shop = Shop.make(tmp_path, EVENTS)
    texts = (None, "a", "b", "null", "", " c ")
    records = list(product(texts, repeat=len(NAMES)))
    file = shop.write(
        "events.jsonl",
        "".join(
            json.dumps(
                {"time": "2025-03-10T10:00:00Z", "type": "page_view", "n": number}
                | dict(zip(NAMES, ids, strict=True))
            )
            + "\n"
            for number, ids in enumerate(records)
        ),
    )
    if ending == "parquet":
        ENGINE.execute(f"copy (from read_json('{file}')) to '{shop.raw / 'events.parquet'}'")
        file.unlink()
    shop.ingest()
    accepted = set()
    for user, visitor, text in shop.rows("user_id", "visitor_id", "properties"):
        properties = json.loads(text)
        number = properties.pop("n")
        accepted.add(number)
        assert names({user, visitor, *properties.values()}) == names(records[number])
        assert {user, visitor} != {None}
    assert accepted == {number for number, ids in enumerate(records) if names(ids)}


def names(texts):
    return {text.strip() for text in texts if text and text.strip() not in ("", "null")}
