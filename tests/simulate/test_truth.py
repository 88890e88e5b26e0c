"""What truth.json says is what a query over the files finds."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from shopwright.core.errors import ConfigurationError
from shopwright.simulate import Simulation, SimulationConfig, simulate

if TYPE_CHECKING:
    from pathlib import Path

REES46_NAMES = {"product_view": "view", "add_to_cart": "cart"}


@pytest.fixture(scope="module")
def shop(clicks: Simulation, stream: Simulation) -> duckdb.DuckDBPyConnection:
    """Both shops in tables: ``clicks`` and ``stream``, ``catalog`` and ``profiles``."""
    shop = duckdb.connect()
    csv, lines = (
        f"{made.out.as_posix()}/{glob}" for made, glob in ((clicks, "*.csv"), (stream, "events/*.jsonl"))
    )
    shop.execute(f"""
        CREATE TABLE clicks AS
        SELECT * REPLACE (strptime(event_time, '%Y-%m-%d %H:%M:%S UTC') AS event_time), filename
        FROM read_csv('{csv}', all_varchar = true, quote = '', filename = true)
    """)
    shop.execute(f"""
        CREATE TABLE stream AS
        SELECT * EXCLUDE (properties, timestamp), timestamp::TIMESTAMP AS happened_at,
            properties ->> 'product_id' AS product_id, (properties ->> 'price')::DECIMAL(12, 2) AS price,
            (properties ->> 'quantity')::INT AS quantity, properties ->> 'order_id' AS order_id
        FROM read_json('{lines}', columns = {{
            event_id: 'VARCHAR', event_type: 'VARCHAR', "timestamp": 'VARCHAR', user_id: 'VARCHAR',
            session_id: 'VARCHAR', device: 'VARCHAR', country: 'VARCHAR', channel: 'VARCHAR',
            experiment_group: 'VARCHAR', properties: 'JSON'}})
    """)
    shop.execute(f"CREATE TABLE catalog AS FROM read_json('{stream.out.as_posix()}/catalog.jsonl')")
    shop.execute(f"CREATE TABLE profiles AS FROM read_json('{stream.out.as_posix()}/users.jsonl')")
    return shop


def one(shop: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = shop.execute(query).fetchone()
    assert row is not None
    return row[0] if len(row) == 1 else row


SESSIONS = """
    SELECT count(*) FILTER (gap IS NULL OR gap > INTERVAL 30 MINUTE) FROM (
        SELECT {at} - lag({at}) OVER (PARTITION BY user_id ORDER BY {at}) AS gap FROM {table}
    )
"""


@pytest.mark.parametrize("name", ["clicks", "stream"])
def test_totals_are_found_in_the_files(
    request: pytest.FixtureRequest, shop: duckdb.DuckDBPyConnection, name: str
) -> None:
    totals = request.getfixturevalue(name).truth["totals"]
    at, session = ("event_time", "user_session") if name == "clicks" else ("happened_at", "session_id")
    found = dict(shop.execute(f"SELECT event_type, count(*) FROM {name} GROUP BY 1").fetchall())
    expected = {kind: count for kind, count in totals["events_by_type"].items() if count}
    if name == "clicks":
        expected = {REES46_NAMES.get(kind, kind): count for kind, count in expected.items()}
    assert found == expected
    assert one(shop, f"SELECT count(DISTINCT user_id), count(DISTINCT {session}) FROM {name}") == (
        totals["users"],
        totals["sessions"],
    )
    assert one(shop, SESSIONS.format(at=at, table=name)) == totals["sessions"]
    amount = "price::DECIMAL(12, 2)" if name == "clicks" else "price * quantity"
    revenue = one(shop, f"SELECT sum({amount}) FROM {name} WHERE event_type = 'purchase'")
    assert str(revenue) == totals["gross_amount"]


@pytest.mark.parametrize("name", ["clicks", "stream"])
def test_no_clean_row_is_written_twice(shop: duckdb.DuckDBPyConnection, name: str) -> None:
    assert one(shop, f"SELECT (SELECT count(*) FROM (SELECT DISTINCT * FROM {name})) = count(*) FROM {name}")


def test_a_session_hint_is_one_session_by_the_gap_rule(shop: duckdb.DuckDBPyConnection) -> None:
    widest = one(
        shop,
        """
        SELECT max(gap) FROM (
            SELECT happened_at - lag(happened_at) OVER (PARTITION BY session_id ORDER BY happened_at) AS gap FROM stream
        )
    """,
    )
    assert widest.total_seconds() < 30 * 60


def test_files_hold_their_own_month_in_order_of_time(shop: duckdb.DuckDBPyConnection) -> None:
    names = "SELECT DISTINCT strftime(event_time, '%Y-%b.csv') = parse_filename(filename) FROM clicks"
    assert shop.execute(names).fetchall() == [(True,)]
    back = (
        "SELECT event_time < lag(event_time) OVER (PARTITION BY filename ORDER BY rowid) AS back FROM clicks"
    )
    assert one(shop, f"SELECT count(*) FILTER (back) FROM ({back})") == 0


@pytest.mark.parametrize(
    ("wanted", "format"), [(20_000, "rees46"), (20_000, "event_stream"), (100_000, "rees46")]
)
def test_there_are_as_many_events_as_asked_for(tmp_path: Path, wanted: int, format: str) -> None:  # noqa: A002
    for seed in (1, 2):
        config = SimulationConfig.model_validate({"events": wanted, "format": format, "seed": seed})
        made = simulate(config, tmp_path / str(seed))
        assert made.rows == pytest.approx(wanted, rel=0.1)


def test_more_users_than_events_can_carry_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"ask for at most \d+ users"):
        simulate(SimulationConfig(events=2_000, users=5_000), tmp_path)


def test_click_rows_look_like_the_real_ones(shop: duckdb.DuckDBPyConnection) -> None:
    no_code, no_brand = one(
        shop,
        """
        SELECT avg((category_code IS NULL)::INT), avg((brand IS NULL)::INT)
        FROM (SELECT DISTINCT product_id, category_code, brand FROM clicks)
    """,
    )
    assert no_code == pytest.approx(1 / 3, abs=0.05)
    assert no_brand == pytest.approx(0.14, abs=0.04)
    shapes = "length(category_id) = 19 AND length(user_id) = 9 AND length(user_session) = 36"
    assert one(shop, f"SELECT bool_and({shapes}) FROM clicks")
    assert one(shop, "SELECT bool_and(regexp_full_match(price, '\\d+\\.\\d\\d')) FROM clicks")


def test_hours_weekdays_and_months_differ(shop: duckdb.DuckDBPyConnection) -> None:
    evening, night = one(
        shop,
        """
        SELECT count(*) FILTER (hour(event_time) BETWEEN 18 AND 20), count(*) FILTER (hour(event_time) BETWEEN 2 AND 4)
        FROM clicks
    """,
    )
    assert evening > 3 * night
    weekend, midweek = one(
        shop,
        """
        SELECT count(*) FILTER (isodow(event_time) = 7) / 13, count(*) FILTER (isodow(event_time) = 3) / 13
        FROM clicks
    """,
    )
    assert weekend > 1.05 * midweek
    assert one(shop, "SELECT count(DISTINCT month(event_time)) FROM clicks") == 3


def test_an_event_states_the_price_of_its_time(shop: duckdb.DuckDBPyConnection) -> None:
    wrong, changed = one(
        shop,
        """
        SELECT count(*) FILTER (stream.price <> catalog.price), count(DISTINCT (stream.product_id, stream.price))
            - count(DISTINCT stream.product_id)
        FROM stream ASOF JOIN catalog
            ON stream.product_id = catalog.product_id::VARCHAR AND stream.happened_at >= catalog.updated_at
        WHERE stream.product_id IS NOT NULL
    """,
    )
    assert wrong == 0
    assert changed > 0


def test_lines_of_one_order_share_its_moment(shop: duckdb.DuckDBPyConnection, stream: Simulation) -> None:
    orders, most, moments, repeated = one(
        shop,
        """
        SELECT count(*), max(lines), max(moments), count(*) FILTER (lines > products) FROM (
            SELECT order_id, count(*) AS lines, count(DISTINCT happened_at) AS moments, count(DISTINCT product_id) AS products
            FROM stream WHERE event_type = 'purchase' GROUP BY order_id
        )
    """,
    )
    assert orders == stream.truth["totals"]["orders"]
    assert most > 1
    assert moments == 1
    assert repeated == 0


def test_profiles_have_versions_that_differ(shop: duckdb.DuckDBPyConnection, stream: Simulation) -> None:
    same, versions, users = one(
        shop,
        """
        SELECT count(*) FILTER (state = before), count(*), count(DISTINCT user_id) FROM (
            SELECT *, (city, segment, is_subscribed) AS state, lag((city, segment, is_subscribed)) OVER (
                PARTITION BY user_id ORDER BY updated_at) AS before
            FROM profiles
        )
    """,
    )
    known = stream.truth["profiles"]
    assert (same, versions, users) == (0, known["versions"], known["users"])
    assert versions - users == known["changes"] > 0


def test_an_event_happens_where_the_user_lives(shop: duckdb.DuckDBPyConnection) -> None:
    moved = one(
        shop,
        """
        SELECT count(*) FILTER (visit.country <> profiles.country) FROM (
            SELECT user_id, min(happened_at) AS happened_at, any_value(country) AS country FROM stream GROUP BY session_id, user_id
        ) AS visit
        ASOF JOIN profiles ON visit.user_id = profiles.user_id AND visit.happened_at >= profiles.updated_at
    """,
    )
    assert moved == 0


def test_a_churned_user_never_comes_again(shop: duckdb.DuckDBPyConnection, stream: Simulation) -> None:
    churned = stream.truth["churned_users"]
    assert churned["is_complete"]
    assert churned["count"] == len(churned["users"]) > 0
    shop.execute("CREATE OR REPLACE TABLE churned (user_id VARCHAR, churned_at TIMESTAMP)")
    shop.executemany("INSERT INTO churned VALUES (?, ?)", list(churned["users"].items()))
    late = one(
        shop, "SELECT count(*) FROM stream JOIN churned USING (user_id) WHERE happened_at > churned_at"
    )
    assert late == 0


def test_bots_are_listed_and_look_like_bots(shop: duckdb.DuckDBPyConnection, stream: Simulation) -> None:
    bots = stream.truth["bots"]["user_ids"]
    assert bots
    views, purchases, sessions = one(
        shop,
        f"""
        SELECT count(*) FILTER (event_type = 'product_view'), count(*) FILTER (event_type = 'purchase'),
            count(DISTINCT session_id)
        FROM stream WHERE user_id IN ({str(bots)[1:-1]})
    """,
    )
    assert views >= 100 * sessions > 0
    assert purchases == 0
    people = one(
        shop,
        f"SELECT max(n) FROM (SELECT count(*) AS n FROM stream WHERE user_id NOT IN ({str(bots)[1:-1]}) "
        "GROUP BY session_id)",
    )
    assert people < views / sessions * 2


def test_the_group_is_the_md5_parity_of_the_user(shop: duckdb.DuckDBPyConnection) -> None:
    for user, group in shop.execute("SELECT DISTINCT user_id, experiment_group FROM stream").fetchall():
        odd = int(hashlib.md5(user.encode(), usedforsecurity=False).hexdigest(), 16) % 2
        assert group == ("treatment" if odd else "control")


def test_the_planted_effect_is_in_the_files(shop: duckdb.DuckDBPyConnection, stream: Simulation) -> None:
    rates = dict(
        shop.execute("""
        SELECT experiment_group, avg(bought) FROM (
            SELECT session_id, experiment_group, bool_or(event_type = 'purchase')::INT AS bought FROM stream
            GROUP BY ALL HAVING bool_or(event_type = 'add_to_cart')
        ) GROUP BY 1
    """).fetchall()
    )
    groups = stream.truth["experiment"]["groups"]
    for name, rate in rates.items():
        assert rate == pytest.approx(groups[name]["orders"] / groups[name]["cart_sessions"])
    assert rates["treatment"] > 1.15 * rates["control"]
    expected = {name: group["expected_purchase_rate"] for name, group in groups.items()}
    assert expected["treatment"] / expected["control"] == pytest.approx(1.4, abs=0.12)


def test_no_group_is_stated_before_the_experiment_starts(tmp_path: Path) -> None:
    config = SimulationConfig.model_validate({"events": 3_000, "experiment_start": "2025-02-10"})
    made = simulate(config, tmp_path)
    for line in made.files["events"][1].read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event["timestamp"] < "2025-02-09T23":
            assert "experiment_group" not in event
        if event["timestamp"] > "2025-02-10T03":
            assert "experiment_group" in event


def test_truth_on_disk_is_the_truth_returned(stream: Simulation) -> None:
    assert json.loads(stream.truth_path.read_text(encoding="utf-8")) == stream.truth
    assert stream.truth["is_complete"]
    assert sum(sum(month.values()) for month in stream.truth["events_by_month"].values()) == stream.rows


@pytest.mark.parametrize("name", ["clicks", "stream"])
def test_the_chance_of_every_purchase_is_written_beside_what_became_of_it(
    name: str, request: pytest.FixtureRequest
) -> None:
    made: Simulation = request.getfixturevalue(name)
    table = f"read_parquet('{made.decisions_path.as_posix()}')"
    with duckdb.connect() as connection:
        count, bought, expected, distinct = one(
            connection,
            "SELECT count(*), count(*) FILTER (is_purchase), sum(purchase_chance), "
            f"count(DISTINCT (user_id, session_start_at)) FROM {table}",
        )
        least, most = one(connection, f"SELECT min(purchase_chance), max(purchase_chance) FROM {table}")
    assert made.out / "truth" / "decisions.parquet" == made.decisions_path
    assert count == distinct == made.truth["abandonment"]["decisions"]
    assert bought == made.truth["totals"]["orders"]
    assert 0 < least < most < 1
    # Four standard errors of a sum of yes-or-no outcomes.
    assert abs(bought - expected) < 4 * (count / 4) ** 0.5
