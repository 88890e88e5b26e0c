"""Experiments in the warehouse: who takes part, from when, in which variant, and what it did; figures by hand."""

from __future__ import annotations

import hashlib
from datetime import datetime

import duckdb
import pytest

from shopwright.assignment import assign, assign_bucket
from shopwright.contracts.events import EVENT_TYPES
from shopwright.settings import load_project
from shopwright.warehouse.build import build
from tests.warehouse.deliveries import SETTINGS, deliver, event, line, query_gold
from tests.warehouse.models import QUIET
from tests.warehouse.shops import make_shop, take_in
from tests.warehouse.visits import read_visits

TOOL = """
[[sources]]
name = "tool"
adapter = "mapped"
entity = "exposures"
path = "seen"
[sources.map]
experiment = "experiment"
unit_id = "unit"
variant = "variant"
exposed_at = "at"
"""


_at = datetime.fromisoformat


def _experiment(name, **settings):
    """Ten days of January for half of the users each, split under the salt "checkout"."""
    texts = {"hypothesis": "It sells more.", "salt": "checkout", **settings}
    lines = [f'name = "{name}"', "start = 2025-01-10", "end = 2025-01-19", "pre_period_days = 7"]
    return (
        "\n".join(["[[experiments]]", *lines, *(f'{key} = "{text}"' for key, text in texts.items())]) + "\n"
    )


EXPERIMENTS = (
    _experiment("hashed")
    + _experiment("legacy", assignment="md5_parity")
    + _experiment("told", assignment="stated")
    + _experiment("seen", assignment="exposures")
    + _experiment("begun", exposure="begin_checkout")
    + _experiment("shown", assignment="exposures", exposure="begin_checkout")
    + _experiment("visits", unit="session")
)

# Under the salt "checkout", eve's bucket is 4687 (control), ann's 7353 and fay's 6028 (treatment); of their MD5s only
# fay's is odd.
EVE = {"user_id": "eve", "device": "mobile", "country": "FR", "channel": "email"}
ANN = {"user_id": "ann", "device": "desktop", "experiment_group": "treatment"}
FAY = {"user_id": "fay"}
CLICKS = [
    event("add_to_cart", "2025-01-05T12:00:00Z", product_id="p1", price=7, **EVE),
    event("purchase", "2025-01-05T12:05:00Z", product_id="p1", price=7, order_id="o0", **EVE),
    event("product_view", "2025-01-11T10:00:00Z", product_id="p1", experiment_group="control", **EVE),
    event("add_to_cart", "2025-01-11T10:10:00Z", product_id="p1", price=10, **EVE),
    event("begin_checkout", "2025-01-11T10:20:00Z", **EVE),
    event("purchase", "2025-01-11T10:25:00Z", product_id="p1", price=10, quantity=2, order_id="o1", **EVE),
    event("purchase", "2025-01-11T10:26:00Z", product_id="p2", price=5, order_id="o1", **EVE),
    event("add_to_cart", "2025-01-12T10:00:00Z", product_id="p1", experiment_group="treatment", **EVE),
    event("purchase", "2025-01-20T10:00:00Z", product_id="p1", price=99, order_id="o2", **EVE),
    event("product_view", "2025-01-12T09:00:00Z", product_id="p1", **ANN),
    event("purchase", "2025-01-12T09:01:00Z", product_id="p1", price=4, order_id="o3", **ANN),
    event("begin_checkout", "2025-01-12T09:05:00Z", **ANN),
    event("purchase", "2025-01-12T09:10:00Z", product_id="p1", price=6, order_id="o4", **ANN),
    event("page_view", "2025-01-19T23:50:00Z", **FAY),
    event("purchase", "2025-01-20T00:05:00Z", product_id="p1", price=3, order_id="o5", **FAY),
]
SEEN = [
    ("seen", "eve", "control", "2025-01-11T10:12:00Z"),
    ("seen", "eve", "blue", "2025-01-11T10:00:00Z"),
    ("seen", "ann", "treatment", "2025-01-15T10:00:00Z"),
    ("seen", "ann", "control", "2025-01-16T10:00:00Z"),
    ("seen", "fay", "control", "2025-01-09T10:00:00Z"),
    ("seen", "ghost", "control", "2025-01-13T10:00:00Z"),
    # eve saw her variant as she began her checkout, ann only a minute after hers
    ("shown", "eve", "control", "2025-01-11T10:20:00Z"),
    ("shown", "ann", "treatment", "2025-01-12T09:06:00Z"),
]


@pytest.fixture(scope="module")
def report_and_shop(tmp_path_factory):
    """Three shoppers in seven experiments, built with all tests, and what the build reported."""
    project = make_shop(tmp_path_factory.mktemp("experiments"), extra=SETTINGS + EXPERIMENTS + TOOL)
    seen = project.root / "seen" / "seen.csv"
    seen.parent.mkdir()
    rows = [("experiment", "unit", "variant", "at"), *SEEN]
    seen.write_text("".join(",".join(row) + "\n" for row in rows), encoding="utf-8")
    deliver(project, 1, events=CLICKS)
    return build(project), project


@pytest.fixture(scope="module")
def shop(report_and_shop):
    """That shop."""
    return report_and_shop[1]


def _units(shop, experiment, columns):
    return query_gold(
        shop,
        f"select unit_id, variant, {columns} from gold.fct_experiment_units "
        f"where experiment = '{experiment}' order by unit_id",
    )


@pytest.mark.slow
def test_users_are_split_by_the_salted_hash_and_count_from_their_first_session(shop):
    assert _units(shop, "hashed", "is_control, exposed_at, variant_count, device, country, is_new") == [
        ("ann", "treatment", False, _at("2025-01-12 09:00"), 1, "desktop", "(unknown)", True),
        ("eve", "control", True, _at("2025-01-11 10:00"), 1, "mobile", "FR", False),
        ("fay", "treatment", False, _at("2025-01-19 23:50"), 1, "(unknown)", "(unknown)", True),
    ]


def test_what_users_did_is_summed_from_the_exposure_to_the_end(shop):
    columns = (
        "session_count, cart_session_count, purchase_session_count, abandoned_session_count, "
        "order_count, unit_count, revenue_amount, is_converted, seconds_to_purchase"
    )
    assert _units(shop, "hashed", columns) == [
        ("ann", "treatment", 1, 0, 1, 0, 2, 2, 10, 1, 60),
        ("eve", "control", 2, 2, 1, 1, 1, 3, 25, 1, 1500),
        # fay's session counts, her order came when the experiment was over
        ("fay", "treatment", 1, 0, 1, 0, 0, 0, 0, 0, None),
    ]
    assert _units(shop, "hashed", "has_view, has_cart, has_checkout, has_purchase") == [
        ("ann", "treatment", True, False, True, True),
        ("eve", "control", True, True, True, True),
        ("fay", "treatment", False, False, False, True),
    ]


def test_the_days_before_the_start_are_summed_apart(shop):
    columns = (
        "pre_session_count, pre_cart_session_count, pre_order_count, pre_unit_count, pre_revenue_amount, "
        "pre_is_converted"
    )
    assert _units(shop, "hashed", columns) == [
        ("ann", "treatment", 0, 0, 0, 0, 0, 0),
        ("eve", "control", 1, 1, 1, 1, 7, 1),
        ("fay", "treatment", 0, 0, 0, 0, 0, 0),
    ]


def test_legacy_parity_has_no_salt(shop):
    assert _units(shop, "legacy", "order_count") == [
        ("ann", "control", 2),
        ("eve", "control", 1),
        ("fay", "treatment", 0),
    ]


def test_a_stated_variant_is_the_first_and_a_second_one_is_shown(shop):
    assert _units(shop, "told", "exposed_at, variant_count, order_count") == [
        ("ann", "treatment", _at("2025-01-12 09:00"), 1, 2),
        ("eve", "control", _at("2025-01-11 10:00"), 2, 1),
    ]


def test_the_shops_own_tool_says_who_saw_what_and_when(report_and_shop):
    report, shop = report_and_shop
    columns = "exposed_at, variant_count, device, is_new, session_count, order_count, seconds_to_purchase"
    assert _units(shop, "seen", columns) == [
        ("ann", "treatment", _at("2025-01-15 10:00"), 2, "(unknown)", False, 0, 0, None),
        ("eve", "control", _at("2025-01-11 10:12"), 1, "mobile", False, 2, 1, 780),
        ("ghost", "control", _at("2025-01-13 10:00"), 1, "(unknown)", None, 0, 0, None),
    ]
    assert report.warnings == ("exposures_name_known_variants: 1 row",)


def test_an_event_exposes_and_what_came_before_it_does_not_count(shop):
    columns = "exposed_at, session_count, order_count, revenue_amount, seconds_to_purchase"
    assert _units(shop, "begun", columns) == [
        ("ann", "treatment", _at("2025-01-12 09:05"), 1, 1, 6, 300),
        ("eve", "control", _at("2025-01-11 10:20"), 2, 1, 25, 300),
    ]


def test_no_event_exposes_a_user_before_it_saw_a_variant(shop):
    assert _units(shop, "shown", "exposed_at, order_count, seconds_to_purchase") == [
        ("eve", "control", _at("2025-01-11 10:20"), 1, 300),
    ]


def test_sessions_are_split_by_their_key_and_count_their_own_purchases(shop):
    starts = {
        "eve-1736589600": (25, 1, 1500, False),
        "eve-1736676000": (0, 0, None, False),
        "ann-1736672400": (10, 2, 60, True),
        "fay-1737330600": (0, 0, None, True),
    }
    variants = {key: "control" if assign_bucket("checkout", key) < 5000 else "treatment" for key in starts}
    columns = "revenue_amount, order_count, seconds_to_purchase, is_new, session_count, pre_session_count"
    assert _units(shop, "visits", columns) == sorted(
        (key, variants[key], *figures, 1, None) for key, figures in starts.items()
    )
    assert set(variants.values()) == {"control", "treatment"}


@pytest.mark.slow
def test_another_experiment_asks_for_no_full_build(tmp_path):
    project = make_shop(tmp_path, extra=SETTINGS)
    deliver(project, 1, events=CLICKS)
    build(project)
    tables = "select count(*) from information_schema.tables where table_name = 'fct_experiment_units'"
    assert query_gold(project, tables) == [(0,)]
    file = project.root / "shopwright.toml"
    file.write_text(_experiment("hashed") + file.read_text("utf-8"), encoding="utf-8")
    changed = load_project(project.root)
    assert not build(changed).full_refresh
    assert query_gold(changed, "select count(*) from gold.fct_experiment_units") == [(3,)]


def test_stated_orders_count_for_their_customer_and_returns_with_their_order(tmp_path):
    project = make_shop(tmp_path, extra=SETTINGS + _experiment("hashed"))

    def order(name, at, status="delivered"):
        return {"order_id": name, "customer_id": "eve", "status": status, "ordered_at": at}

    deliver(
        project, 1,
        events=CLICKS,
        orders=[
            order("a", "2025-01-09T10:00:00Z"),
            order("b", "2025-01-11T09:59:00Z"),
            order("c", "2025-01-11T10:30:00Z"),
            order("d", "2025-01-13T10:00:00Z", "canceled"),
            order("e", "2025-01-20T00:00:00Z"),
        ],
        order_items=[
            line("a", 1, 3),
            line("b", 1, 4),
            line("c", 1, 20, quantity=3),
            line("c", 2, 20, kind="return", quantity=-1, ordered_at="2025-02-01T10:00:00Z"),
            line("d", 1, 5),
            line("e", 1, 6),
        ],
    )  # fmt: skip
    build(project)
    columns = (
        "order_count, unit_count, revenue_amount, returned_unit_count, seconds_to_purchase, "
        "pre_order_count, pre_revenue_amount, purchase_session_count"
    )
    # b was ordered after the start and before the exposure: it counts in neither
    assert _units(project, "hashed", columns) == [
        ("ann", "treatment", 0, 0, 0, 0, None, 0, 0, 1),
        ("eve", "control", 1, 3, 60, 1, 1800, 1, 3, 1),
        ("fay", "treatment", 0, 0, 0, 0, None, 0, 0, 1),
    ]


@pytest.mark.slow
def test_what_becomes_of_earlier_orders_in_the_experiment_changes_no_covariate(tmp_path):
    project = make_shop(tmp_path, extra=SETTINGS + _experiment("hashed"))
    placed = {"customer_id": "eve", "ordered_at": "2025-01-08T10:00:00Z"}
    deliver(
        project, 1,
        events=CLICKS,
        orders=[{"order_id": name, "status": "approved", **placed} for name in "abc"],
        order_items=[line("a", 1, 3), line("b", 1, 4, quantity=2), line("c", 1, 5)],
    )  # fmt: skip
    build(project)
    columns = "pre_order_count, pre_unit_count, pre_revenue_amount, pre_is_converted"
    before = _units(project, "hashed", columns)
    assert before[1] == ("eve", "control", 3, 4, 16, 1)
    later = "2025-01-12T10:00:00Z"
    deliver(
        project, 2,
        orders=[{"order_id": "a", "status": "canceled", "valid_from": later, **placed}],
        order_items=[
            line("b", 2, 4, kind="return", quantity=-1, ordered_at=later),
            line("c", 2, -5, kind="discount", ordered_at=later),
        ],
    )  # fmt: skip
    build(project)
    assert _units(project, "hashed", columns) == before


def test_each_type_of_event_can_expose(tmp_path):
    named = "".join(_experiment(kind, exposure=kind) for kind in EVENT_TYPES)
    project = make_shop(tmp_path, extra=SETTINGS + named)
    made = [
        event(kind, f"2025-01-11T10:0{place}:00Z", user_id=kind, product_id="p1", price=1)
        for place, kind in enumerate(EVENT_TYPES)
    ]
    deliver(project, 1, events=made)
    build(project)
    found = query_gold(project, "select experiment, unit_id from gold.fct_experiment_units order by all")
    assert found == [(kind, kind) for kind in sorted(EVENT_TYPES)]


MONTH = """
[[experiments]]
name = "{unit}-{exposure}"
salt = "month"
hypothesis = "It sells more."
start = 2025-01-20
end = 2025-02-16
pre_period_days = 14
layer = "{unit}-{exposure}"
layer_range = [0.1, 0.9]
traffic = 0.8
variants = {{ control = 2, blue = 1, green = 1 }}
unit = "{unit}"
exposure = "{exposure}"
"""
START, END, PRE = _at("2025-01-20 00:00"), _at("2025-02-17 00:00"), _at("2025-01-06 00:00")


KINDS = (("user", "assigned"), ("user", "add_to_cart"), ("session", "begin_checkout"))


@pytest.fixture(scope="module")
def months(simulation, tmp_path_factory):
    """A simulated shop with an experiment of each kind, each in a layer of its own, for a month."""
    made = "".join(MONTH.format(unit=unit, exposure=exposure) for unit, exposure in KINDS)
    project = make_shop(tmp_path_factory.mktemp("months"), raw=simulation.out, extra=SETTINGS + made)
    take_in(project)
    build(project)
    return project


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_sums_of_a_simulated_shop_are_found_again_from_its_raw_events(simulation, months, kind):
    columns = (
        "exposed_at, session_count, cart_session_count, purchase_session_count, order_count, "
        "unit_count, revenue_amount, pre_session_count, pre_revenue_amount"
    )
    found = _units(months, "-".join(kind), columns)
    visits = read_visits(simulation.out)
    expected = (_expected_users if kind[0] == "user" else _expected_sessions)(visits, kind[1])
    assert found == sorted(_assigned(expected, months.settings.experiments[KINDS.index(kind)]))
    assert len({variant for _, variant, *_ in found}) == 3
    assert sum(row[8] for row in found) > 1000


def _assigned(expected, experiment):
    """Rows of those who take part, with the variant in its place."""
    for unit_id, *figures in expected:
        if variant := assign(experiment, unit_id).variant:
            yield (unit_id, variant, *figures)


def _expected_users(visits, exposure):
    users = {}
    for visit in visits.counted:
        users.setdefault(visit.user, []).append(visit)
    for user, mine in users.items():
        moments = [at for visit in mine for at in visit.moments(exposure) if START <= at < END]
        if not moments:
            continue
        exposed = min(moments)
        during = [visit for visit in mine if visit.end >= exposed and visit.start < END]
        before = [visit for visit in mine if visit.start >= PRE and visit.end < START]
        orders = [order for order in visits.orders if order.user == user]
        yield (
            user, exposed, *_sums(during, [order for order in orders if exposed <= order.at < END]), len(before),
            sum(order.amount for order in orders if PRE <= order.at < START),
        )  # fmt: skip


def _expected_sessions(visits, exposure):
    for visit in visits.counted:
        moments = [at for at in visit.moments(exposure) if visit.start >= START and at < END]
        if moments:
            bought = visit.orders(min(moments), END)
            yield (visit.key, min(moments), *_sums([visit], bought), None, None)


def _sums(during, orders):
    return (
        len(during),
        sum(visit.has("add_to_cart") for visit in during),
        sum(visit.has("purchase") for visit in during),
        len(orders),
        sum(order.units for order in orders),
        sum(order.amount for order in orders),
    )


def _rendered(project, sql):
    """A statement with macros, as dbt compiles it."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    from shopwright.warehouse.dbt_config import dbt_arguments

    outcome = dbtRunner().invoke(["compile", "--inline", sql, *QUIET, *dbt_arguments(project)])
    DuckDBConnectionManager.close_all_connections()
    assert outcome.success, outcome.exception
    return outcome.result.results[0].node.compiled_code


def test_sql_and_python_agree_on_a_million_ids(tmp_path):
    macros = (
        "{{ assignment_bucket(\"'checkout'\", 'unit_id') }} as bucket, {{ has_odd_md5('unit_id') }} as is_odd"
    )
    project = make_shop(tmp_path, extra=SETTINGS)
    deliver(project, 1, events=CLICKS)
    sql = _rendered(project, f"select unit_id, {macros} from units")
    with duckdb.connect() as connection:
        connection.execute(
            "create table units as select case when range % 2 = 0 then range::varchar "
            "else 'ünit-' || range end as unit_id from range(1_000_000)"
        )
        rows = connection.execute(sql).fetchall()
    wrong = [
        unit
        for unit, bucket, is_odd in rows
        if bucket != assign_bucket("checkout", unit) or is_odd != _odd(unit)
    ]
    assert (len(rows), wrong) == (1_000_000, [])


def _odd(unit):
    return int(hashlib.md5(unit.encode(), usedforsecurity=False).hexdigest(), 16) % 2 == 1
