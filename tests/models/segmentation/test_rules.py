"""Rules that fit_rules segments, in Python, in SQL and in words."""

from __future__ import annotations

import json

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from shopwright.models.segmentation.customers import FEATURES, NAMES, make_customers
from shopwright.models.segmentation.rules import Bound, Rule, Rules, double_literal, roundest_between


def _table(connection, customers):
    """A table like ``feat_segmentation``, of doubles and a flag; what is not known is null."""
    connection.register("given", {"customer_id": customers.ids.astype(object), **_columns(customers)})
    columns = ", ".join(
        f"cast(nullif({each.name}, 'nan'::double) as {'boolean' if each.kind == 'flag' else 'double'}) as {each.name}"
        for each in FEATURES
    )
    connection.execute(f"create table customers as select customer_id, {columns} from given")


def _columns(customers):
    return {name: np.ascontiguousarray(customers.column(name)) for name in NAMES}


def _labels(rules, customers, names=None):
    with duckdb.connect() as connection:
        _table(connection, customers)
        found = connection.execute(
            f"select {rules.to_sql(names)} from customers order by customer_id"
        ).fetchall()
    return [label for (label,) in found]


def test_rules_match_the_segments_of_held_out_customers(segmentation, planted):
    rules, labels = segmentation.rules, segmentation.clustering.label(planted[0])
    assert rules.agreement > 0.95
    assert rules.macro_f1 > 0.95
    assert rules.held_out == round(0.3 * len(planted[0]))
    assert np.mean(rules.label(planted[0]) == labels) > 0.95
    assert len(rules.rules) <= segmentation.config.max_leaves


def test_sql_gives_the_same_label_as_python_to_every_customer(segmentation, planted):
    customers, rules = planted[0], segmentation.rules
    labels = rules.label(customers).tolist()
    assert _labels(rules, customers) == labels
    assert _labels(rules, customers, segmentation.names) == [segmentation.names[label] for label in labels]


def test_every_customer_meets_exactly_one_rule(segmentation, planted):
    customers, rules = planted[0], segmentation.rules
    met = np.zeros(len(customers), dtype=int)
    for rule in rules.rules:
        one = Rules(rules.fill_values, (rule, Rule((), -1, 0, 0.0)), 0, 0, 0)
        columns = {
            name: np.nan_to_num(customers.column(name), nan=one.fill_values[name]) for name in one.fill_values
        }
        met += np.logical_and.reduce([bound.holds(columns[bound.feature]) for bound in rule.bounds])
    assert met.tolist() == [1] * len(customers)


doubles = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=40)
@given(
    arrays(float, (6, 2), elements=st.floats(-1e9, 1e9)), st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), doubles
)
def test_sql_and_python_agree_at_the_very_threshold(points, threshold, fill_value, other):
    values = np.ones((12, len(NAMES)))
    near = [
        threshold,
        np.nextafter(threshold, np.inf),
        np.nextafter(threshold, -np.inf),
        np.nan,
        fill_value,
        other,
    ]
    values[:6, NAMES.index("monetary")] = near
    values[6:, [NAMES.index("monetary"), NAMES.index("mean_ticket")]] = points
    values[::2, NAMES.index("is_one_time_buyer")] = 0
    values[3, NAMES.index("is_one_time_buyer")] = np.nan
    rules = Rules(
        fill_values={"monetary": fill_value, "is_one_time_buyer": 0.0, "mean_ticket": other},
        rules=(
            Rule((Bound("monetary", None, threshold), Bound("is_one_time_buyer", None, 0.5)), 0, 1, 1.0),
            Rule((Bound("monetary", None, threshold), Bound("is_one_time_buyer", 0.5, None)), 1, 1, 1.0),
            Rule((Bound("monetary", threshold, None), Bound("mean_ticket", other, None)), 2, 1, 1.0),
            Rule((Bound("monetary", threshold, None), Bound("mean_ticket", None, other)), 3, 1, 1.0),
        ),
        agreement=1.0,
        macro_f1=1.0,
        held_out=1,
    )
    customers = make_customers([f"{number:02d}" for number in range(12)], values)
    assert _labels(rules, customers) == rules.label(customers).tolist()


@given(doubles)
def test_a_literal_is_the_double_to_the_last_bit(value):
    kind, found = duckdb.execute(
        f"select typeof({double_literal(value)}), {double_literal(value)}"
    ).fetchone()
    assert kind == "DOUBLE"
    assert found == value


@given(doubles, doubles)
def test_a_round_threshold_parts_the_same_values(one, other):
    low, high = sorted((one, other))
    if low == high:
        return
    found = roundest_between(low, high)
    assert low <= found < high


def test_one_rule_for_all_is_sql_and_words_too(planted):
    rules = Rules({}, (Rule((), 2, 10, 1.0),), 1.0, 1.0, 1)
    assert set(_labels(rules, planted[0])) == {2}
    assert set(rules.label(planted[0]).tolist()) == {2}
    assert rules.to_text() == "segment 2: all customers (10 customers, 100% correct)"


def test_rules_read_as_sentences():
    bounds = (
        Bound("recency_days", None, 60.0),
        Bound("is_one_time_buyer", 0.0, None),
        Bound("monetary", 1e3, 2e3),
    )
    rules = Rules(
        dict.fromkeys(("recency_days", "is_one_time_buyer", "monetary"), 0.0),
        (Rule(bounds, 0, 1234, 0.987),),
        1,
        1,
        1,
    )
    assert rules.to_text(["New customers"]) == (
        "New customers: recency_days at most 60 and bought once and monetary above 1,000 up to 2,000 "
        "(1,234 customers, 99% correct)"
    )


def test_a_name_with_a_quote_is_a_value_and_no_code(planted):
    rules = Rules({}, (Rule((), 0, 10, 1.0),), 1.0, 1.0, 1)
    assert set(_labels(rules, planted[0], ["it's '; drop table customers; --"])) == {
        "it's '; drop table customers; --"
    }


def test_rules_survive_json(segmentation):
    kept = Rules.from_dict(json.loads(json.dumps(segmentation.rules.to_dict(), allow_nan=False)))
    assert kept == segmentation.rules
    assert kept.to_sql() == segmentation.rules.to_sql()


@pytest.mark.parametrize(
    ("low", "high", "found"), [(-0.4, 0.3, 0.0), (-5.0, -4.0, -4.5), (1e-9, 2e-9, 1.5e-9), (0.0, 5e-324, 0.0)]
)
def test_rounding_of_thresholds(low, high, found):
    assert roundest_between(low, high) == found
