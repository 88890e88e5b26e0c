"""The contracts are complete, consistent and mean in SQL what they say."""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal
from importlib.resources import files

import pytest

from shopwright.contracts import BY_NAME, ENTITIES, Column, Entity, Rule
from shopwright.contracts.events import LATER_COLUMNS, MAX_LINE_AMOUNT
from shopwright.contracts.schema import Kind
from shopwright.core.engine import connect
from shopwright.lake.delta import lake_columns
from shopwright.lake.tables import STATEMENT, TECHNICAL


@pytest.fixture(scope="module")
def engine():
    with connect(threads=1) as connection:
        yield connection


def holds(engine, entity, rule, **values):
    """Whether a row of these values (SQL literals), and nulls elsewhere, meets a rule of its entity."""
    columns = ", ".join(
        f'({values.get(column.name, "null")})::{column.kind.sql_type} as "{column.name}"'
        for column in entity.stored_columns
    )
    condition = next(item.condition for item in entity.all_rules() if item.name == rule)
    return engine.execute(f"select ({condition}) is not false from (select {columns})").fetchone()[0]


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
def test_every_column_has_a_meaning_and_every_rule_can_be_computed(engine, entity):
    assert all(column.meaning.endswith(".") for column in entity.columns)
    for rule in entity.all_rules():
        assert rule.meaning.endswith(".")
        holds(engine, entity, rule.name)


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
def test_rules_of_an_entity_have_names_of_their_own(entity):
    names = [rule.name for rule in entity.all_rules() if rule.name != "product_id_missing"]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
def test_derived_columns_are_computed_from_landed_ones(engine, entity):
    null_columns = ", ".join(
        f'null::{column.kind.sql_type} as "{column.name}"' for column in entity.stored_columns
    )
    for column in entity.derived_columns:
        engine.execute(f"select {column.derived} from (select {null_columns})")


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
def test_the_lake_stores_landed_columns_then_technical_ones(entity):
    names = [column.name for column in lake_columns(entity.name)]
    technical = [*([STATEMENT] if entity.whole else []), *TECHNICAL]
    assert names == [column.name for column in (*entity.stored_columns, *technical)]


def test_the_largest_amount_is_that_of_the_warehouse():
    macros = (files("shopwright") / "dbt/macros/engine/values.sql").read_text(encoding="utf-8")
    assert re.search(r"macro largest_amount\(\) -%\}\s+(\d+)\s", macros)[1] == MAX_LINE_AMOUNT


def test_money_is_exact_and_ids_are_ids():
    for entity in ENTITIES:
        for column in entity.stored_columns:
            if column.name.endswith("_id"):
                assert column.kind.is_id
            if column.unit == "`currency`":
                assert column.kind in (Kind.MONEY, Kind.PRICE)


@pytest.mark.parametrize(
    ("rule", "values", "is_met"),
    [
        ("event_type_missing", {"event_type": "null"}, False),
        ("event_type_missing", {"event_type": "'other'"}, True),
        ("user_id_missing", {"user_id": "null"}, False),
        ("user_id_missing", {"visitor_id": "'v'"}, True),
        ("price_out_of_range", {"price": "0"}, True),
        ("price_out_of_range", {"price": "-0.0001"}, False),
        ("price_out_of_range", {"price": "100000000"}, True),
        ("price_out_of_range", {"price": "100000000.0001"}, False),
        ("price_out_of_range", {"price": "null"}, True),
        ("quantity_out_of_range", {"quantity": "0"}, False),
        ("event_at_out_of_range", {"event_at": "'1970-01-01'"}, False),
        ("event_at_out_of_range", {"event_at": "'1970-01-01 00:00:01'"}, True),
        ("product_id_missing", {"event_type": "'add_to_cart'"}, False),
        ("product_id_missing", {"event_type": "'search'"}, True),
    ],
)
def test_the_rules_of_events_mean_what_they_say(engine, rule, values, is_met):
    assert holds(engine, BY_NAME["events"], rule, **values) is is_met


def test_the_id_of_an_event_depends_on_all_that_it_says_and_only_on_that(engine):
    events = BY_NAME["events"]
    derived = events.column("event_id").derived

    def event_id(**values):
        columns = ", ".join(
            f'({values.get(column.name, "null")})::{column.kind.sql_type} as "{column.name}"'
            for column in events.stored_columns
        )
        return engine.execute(f"select {derived} from (select {columns})").fetchone()[0]

    base = {"event_at": "'2024-03-01 10:00:00'", "event_type": "'search'", "user_id": "'a'"}
    assert event_id(**base) == event_id(**base)
    assert event_id(**base, source_event_id="'own'") == "own"
    changes = [
        {"session_hint": "'x'"},
        {"product_id": "'x'"},
        {"price": "1"},
        {"quantity": "1"},
        {"order_id": "'x'"},
        {"brand": "'x'"},
        {"category": "'x'"},
        *({name: "'1'"} for name in LATER_COLUMNS),
        {"event_at": "'2024-03-01 10:00:00.000001'"},
        {},
    ]
    assert len({event_id(**(base | change)) for change in changes}) == len(changes)


def test_the_id_of_an_event_without_later_columns_is_what_it_always_was(engine):
    """Ids that an earlier version published; they must never change."""
    columns = {column.name: "null" for column in BY_NAME["events"].stored_columns}
    columns |= {"event_at": "timestamp '2024-03-01 10:00:00'", "event_type": "'search'", "user_id": "'a'"}
    row = ", ".join(f'{value} as "{name}"' for name, value in columns.items())
    derived = BY_NAME["events"].column("event_id").derived
    text = "\x1f".join(["1709287200000000", "search", "a", *[""] * 9])
    expected = hashlib.md5(text.encode()).hexdigest()
    assert engine.execute(f"select {derived} from (select {row})").fetchone()[0] == expected


@pytest.mark.parametrize(
    ("key", "columns", "time"), [(("b",), ("a",), None), (("a",), ("a", "a"), None), (("a",), ("a",), "at")]
)
def test_an_inconsistent_entity_cannot_be_made(key, columns, time):
    with pytest.raises(ValueError, match="it:"):
        Entity("it", "one", key, tuple(Column(name, Kind.TEXT, "x.") for name in columns), time)


def test_a_column_that_is_not_there_is_a_key_error():
    assert BY_NAME["events"].column("price").minimum == "0"
    assert Decimal(BY_NAME["events"].column("price").maximum) == 100_000_000
    with pytest.raises(KeyError):
        BY_NAME["events"].column("prize")
    assert Rule("a", "true", "b.") == Rule("a", "true", "b.")
