"""People, events and purchases: visitors become users, events have versions, purchases are reported twice."""

from __future__ import annotations

import json
import random

import duckdb
import pytest

from shopwright.warehouse.build import build
from shopwright.warehouse.dbt_runner import run_dbt
from tests.warehouse.people import Session, find_sessions, random_world
from tests.warehouse.shops import gold, make_shop, take_in

WORLDS = 250
SESSIONS = """
    select user_id, session_start_at, session_end_at, event_count, purchase_count, unit_count, gross_amount
    from gold.fct_sessions"""


def _write(raw, number, rows) -> None:
    raw.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (raw / f"events-{number}.jsonl").write_text(text, encoding="utf-8")


def _query(project, query):
    with duckdb.connect(str(project.published), read_only=True) as connection:
        return connection.execute(query).fetchall()


def _sessions(project) -> list[Session]:
    return sorted((Session(*row) for row in _query(project, SESSIONS)), key=repr)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 8))])
def test_people_sessions_and_purchases_are_those_of_the_raw_rows_in_any_batching(seed, tmp_path):
    """Many small shops of disjoint users at once: log-ins, shared devices, late identification, versions, reloads."""
    rng = random.Random(seed)
    batches = [[] for _ in range(4)]
    for world in range(WORLDS):
        rows = random_world(f"w{world}", rng)
        rng.shuffle(rows)
        for row in rows:
            rng.choice(batches).append(row)
    project = make_shop(tmp_path / "parts")
    arrived = []
    for number, batch in enumerate(batches):
        rng.shuffle(batch)
        _write(project.root / "raw", number, batch)
        arrived += batch
        take_in(project)
        assert build(project).full_refresh is (number == 0)
        assert _sessions(project) == sorted(find_sessions(arrived), key=repr), f"batch {number}"
    whole = make_shop(tmp_path / "whole", raw=project.root / "raw")
    take_in(whole)
    build(whole)
    assert gold(whole.published) == gold(project.published)


def _visit(event_id, at, kind, **more):
    return {"event_id": event_id, "timestamp": at, "event": kind, "product_id": "71", "price": 20, **more}


def _build_all(tmp_path, deliveries, extra=""):
    """Build after each delivery, and see that gold equals that of one full load."""
    project = make_shop(tmp_path / "parts", extra=extra)
    for number, rows in enumerate(deliveries):
        _write(project.root / "raw", number, rows)
        take_in(project)
        report = build(project)
    whole = make_shop(tmp_path / "whole", raw=project.root / "raw", extra=extra)
    take_in(whole)
    build(whole)
    assert gold(whole.published) == gold(project.published)
    return project, report


LOG_IN = [
    _visit("1", "2025-03-10T09:00:00Z", "product_viewed", anonymous_id="a1", user_id=None),
    _visit("2", "2025-03-10T09:00:20Z", "product_added", anonymous_id="a1", user_id=None),
    _visit("3", "2025-03-10T09:01:00Z", "checkout_started", anonymous_id="a1", user_id="901"),
    _visit("4", "2025-03-10T09:02:00Z", "order_completed", anonymous_id="a1", user_id="901", order_id="S-1"),
]
RELOADED = [
    _visit(str(number), at, "purchase", user_id="901", order_id="S-1", quantity=1)
    for number, at in enumerate(("2025-03-10T09:02:00Z", "2025-03-10T09:02:41Z", "2025-03-11T18:30:00Z"))
]
CORRECTED = [
    _visit("m-1", "2025-03-01T10:00:00.000Z", "purchase", user_id="a", order_id="T1"),
    _visit("m-1", "2025-03-01T10:00:02.500Z", "purchase", user_id="a", order_id="T1"),
    _visit("m-2", "2025-03-01T11:00:00Z", "purchase", user_id="anon-9", order_id="T2"),
    _visit("m-2", "2025-03-01T11:00:00Z", "purchase", user_id="b", order_id="T2", price=9),
]


@pytest.mark.slow
def test_a_visitor_who_logs_in_is_one_person_in_one_session(tmp_path):
    project, report = _build_all(tmp_path, [LOG_IN[:2], LOG_IN[2:]])
    rows = _query(project, "select user_id, event_count, is_converted, is_abandoned from gold.fct_sessions")
    assert rows == [("901", 4, True, False)]
    assert _query(project, "select user_id from gold.dim_users") == [("901",)]
    assert report.merges == ("1 visitor stitched to 1 user (2 anonymous events)",)


@pytest.mark.slow
def test_a_purchase_that_is_reported_again_is_one_order(tmp_path):
    project, report = _build_all(tmp_path, [[event] for event in reversed(RELOADED)])
    assert _query(project, "select sum(event_count), sum(purchase_count) from gold.fct_sessions") == [(3, 1)]
    orders = "select order_id, order_date::varchar, unit_count, gross_amount from gold.fct_orders"
    assert _query(project, orders) == [("S-1", "2025-03-10", 1, 20)]
    assert _query(project, "select sum(purchase_count) from gold.dim_products") == [(1,)]
    assert _query(project, "select sum(gross_amount) from gold.fct_revenue") == [(20,)]
    assert "2 repeated reports of a purchase" in report.merges[0]


@pytest.mark.slow
def test_equal_lines_of_one_moment_are_two_lines(tmp_path):
    twice = [RELOADED[0], RELOADED[0] | {"event_id": "9"}]
    project, report = _build_all(tmp_path, [twice])
    assert _query(project, "select unit_count, gross_amount from gold.fct_orders") == [(2, 40)]
    assert report.merges == ()


@pytest.mark.slow
def test_one_event_id_is_one_event_whatever_its_moment_user_and_price(tmp_path):
    project, report = _build_all(tmp_path, [CORRECTED[:1], CORRECTED[1:]])
    assert _query(project, "select sum(event_count) from gold.fct_sessions") == [(2,)]
    orders = "select customer_id, gross_amount from gold.fct_orders order by all"
    assert _query(project, orders) == [("a", 20), ("b", 9)]
    assert report.merges == ("2 events replaced by a later version with the same event id",)
    counts = "select received_event_count, event_count, replaced_event_count from gold.fct_event_merges"
    assert _query(project, counts) == [(4, 2, 2)]


@pytest.mark.slow
def test_a_build_that_stopped_half_way_leaves_no_session_behind(tmp_path):
    """The next build has more batches: what the stopped one placed belongs elsewhere by then."""
    project = make_shop(tmp_path / "parts")
    _write(project.root / "raw", 0, [LOG_IN[0] | {"event_id": "0", "anonymous_id": "a2"}, LOG_IN[0]])
    take_in(project)
    build(project)
    _write(project.root / "raw", 1, [LOG_IN[2], LOG_IN[1] | {"anonymous_id": "a2"}])
    take_in(project)
    run_dbt(project, ["build", "--select", "+fct_sessions", "--exclude-resource-type", "test", "unit_test"])
    _write(project.root / "raw", 2, [LOG_IN[3], LOG_IN[1] | {"user_id": "902", "anonymous_id": "a2"}])
    take_in(project)
    assert not build(project).full_refresh
    whole = make_shop(tmp_path / "whole", raw=project.root / "raw")
    take_in(whole)
    build(whole)
    assert gold(whole.published) == gold(project.published)


EXPERIMENT = """
[[experiments]]
name = "x"
hypothesis = "h"
variants = { control = 1, treatment = 1 }
start = 2025-03-01
end = 2025-03-20
primary_metric = "conversion_rate"
"""


@pytest.mark.slow
def test_an_experiment_counts_a_visitor_who_logs_in_once(tmp_path):
    project, _ = _build_all(tmp_path, [LOG_IN[:2], LOG_IN[2:]], extra=EXPERIMENT)
    units = "select unit_id, session_count, order_count, is_converted from gold.fct_experiment_units"
    assert _query(project, units) == [("901", 1, 1, 1)]


@pytest.mark.slow
def test_an_exposure_log_by_visitor_counts_its_person_once(tmp_path):
    extra = EXPERIMENT + 'assignment = "exposures"\n'
    project = make_shop(tmp_path, extra=extra)
    _write(
        project.root / "raw",
        0,
        [*LOG_IN, LOG_IN[0] | {"event_id": "7", "anonymous_id": "a2", "user_id": "901"}],
    )
    log = [
        {"experiment": "x", "unit_id": unit, "variant": "control", "exposed_at": "2025-03-10T08:59:00Z"}
        for unit in ("a1", "a2", "901")
    ]
    (project.root / "raw" / "exposures.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log))
    take_in(project)
    build(project)
    units = "select unit_id, variant, order_count, variant_count from gold.fct_experiment_units"
    assert _query(project, units) == [("901", "control", 1, 1)]
