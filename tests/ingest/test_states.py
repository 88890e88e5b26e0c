"""A row with a key is a state of what it names: whatever states arrive, in whatever files, the last one counts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopwright.core.engine import connect
from shopwright.lake.delta import Lake, read_sql
from shopwright.testing import Shop

SETTINGS = '[[sources]]\nname = "it"\nadapter = "event_stream"\npath = "raw"\n'

ENTITIES = {
    "orders": ("orders", {"ordered_at": "2025-03-01T10:00:00Z"}, "order_id", "status"),
    "order_items": (
        "lines",
        {"line_number": 1, "kind": "sale", "quantity": 1, "unit_price": 5},
        "order_id",
        "product_id",
    ),
    "payments": ("payments", {"sequence": 1, "amount": 5}, "order_id", "method"),
    "products": ("catalog", {}, "product_id", "name"),
    "customers": ("users", {}, "customer_id", "country"),
    "sellers": ("sellers", {}, "seller_id", "city"),
    "categories": ("categories", {}, "category", "name"),
    "events": (
        "events",
        {"timestamp": "2025-03-01T10:00:00Z", "event": "page_view", "user_id": "u"},
        "event_id",
        "page_url",
    ),
}
"""By entity: beginning of the file's name, values of every row, its key, and the column that differs between states."""

STATES = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.booleans()), min_size=1, max_size=12
)
"""What becomes which state, and whether a new file begins there."""


def _write(shop, entity, states, *, order):
    """Write the states of one entity to files, in order; return the last state of everything."""
    prefix, constants, key, column = ENTITIES[entity]
    last, rows, number = {}, [], 0
    for thing, state, begins_file in states:
        if begins_file and rows:
            shop.write(f"{prefix}-{number:03}.jsonl", "".join(rows))
            rows, number = [], number + 1
            if order == "one by one":
                shop.ingest()
        # the first column makes each file's bytes its own, as an export date would
        row = {key: thing, column: state, **constants}
        rows.append(json.dumps(row) + "\n")
        last[thing] = state
    shop.write(f"{prefix}-{number:03}.jsonl", "".join(rows) + "\n" * (number + 1))
    return last


def _current(shop, entity):
    """Return the state of everything whose row arrived last."""
    _, _, key, column = ENTITIES[entity]
    key = "source_event_id" if entity == "events" else key
    rows = read_sql(entity, [file.path for file in Lake(shop.project.lake).files(entity)])
    with connect() as connection:
        return dict(
            connection.execute(
                f"select {key}, arg_max({column}, (_batch_seq, _row_number)) from ({rows}) group by all"
            ).fetchall()
        )


@pytest.mark.slow
@settings(max_examples=15)
@given(data=st.data(), order=st.sampled_from(["at once", "one by one"]))
def test_any_sequence_of_states_in_any_files_ends_in_the_last(tmp_path_factory, data, order):
    shop = Shop.make(tmp_path_factory.mktemp("states"), SETTINGS)
    last = {entity: _write(shop, entity, data.draw(STATES), order=order) for entity in ENTITIES}
    shop.ingest()
    assert {entity: _current(shop, entity) for entity in ENTITIES} == last
    assert shop.ingest().rows == []


def test_only_an_exact_copy_of_the_current_state_is_a_duplicate(tmp_path):
    shop = Shop.make(tmp_path, SETTINGS)
    counts = []
    for number, states in enumerate(["aab", "b", "ba", "ca", "a"]):
        _write(shop, "products", [("p", state, False) for state in states], order="at once")
        (shop.raw / "catalog-000.jsonl").rename(shop.raw / f"catalog-1{number}.jsonl")
        report = shop.ingest()
        counts.append((report.total("rows_accepted"), report.total("rows_duplicate")))
    assert counts == [(2, 1), (0, 1), (1, 1), (2, 0), (0, 1)]


def test_a_state_is_current_even_if_its_time_lies_elsewhere(tmp_path):
    shop = Shop.make(tmp_path, SETTINGS)
    first, moved = (f'{{"order_id": "o", "ordered_at": "2025-0{month}-01"}}\n' for month in (1, 6))
    for number, text in enumerate([first, moved, first + "\n"]):
        shop.write(f"orders-{number}.jsonl", text)
        assert shop.ingest().total("rows_accepted") == 1


def test_content_that_comes_back_after_another_is_read_again(tmp_path):
    shop = Shop.make(tmp_path, SETTINGS)
    for state in "aba":
        _write(shop, "products", [("p", state, False)], order="at once")
        shop.ingest()
        assert _current(shop, "products") == {"p": state}
    shop.write("catalog-of-b.jsonl", json.dumps({"product_id": "p", "name": "b"}) + "\n\n")
    shop.write("products-copy.jsonl", (shop.raw / "catalog-of-b.jsonl").read_bytes())
    assert shop.ingest().total("rows_accepted") == 1
    assert _current(shop, "products") == {"p": "b"}


def test_a_file_that_was_only_touched_changes_nothing(tmp_path):
    shop = Shop.make(tmp_path, SETTINGS)
    for number, state in enumerate("ab"):
        shop.write(f"catalog-{number}.jsonl", json.dumps({"product_id": "p", "name": state}) + "\n")
    shop.ingest()
    (shop.raw / "catalog-0.jsonl").touch()
    assert shop.ingest().rows == []
    assert _current(shop, "products") == {"p": "b"}
