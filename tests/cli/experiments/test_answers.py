"""Experiments on the command line: everything that can be asked of a shop."""

from __future__ import annotations

import hashlib
import re
from itertools import product

import pytest
from tests.cli.experiments.shop import CHECKOUT, columns_of, flat, is_one_line
from tests.warehouse.shops import make_shop

from shopwright.assignment import assign_bucket
from shopwright.metrics import METRICS, Kind

# --- list -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_list_names_each_experiment_with_its_units(run, document, shop):
    code, out, err = run("list", project=shop)
    assert (code, err) == (0, "")
    assert re.search(r"checkout .*2025-02-01 to 2025-03-31 .*hash .*conversion_rate", out)
    assert re.search(r"old-banner .*2025-02-01 to open .*md5_parity .*time_to_purchase", out)
    units = columns_of(
        shop.published, "select experiment, count(*) as units from gold.fct_experiment_units group by all"
    )
    found = {row["name"]: row["units"] for row in document("list", project=shop)}
    assert found == {row["experiment"]: row["units"] for row in units}
    assert found.pop("express") > 50
    assert all(count > 500 for count in found.values())


def test_a_shop_without_experiments_has_an_empty_list(run, document, tmp_path):
    plain = make_shop(tmp_path)
    code, out, err = run("list", project=plain)
    assert (code, err) == (0, "")
    assert "No [[experiments]] section in" in out
    assert document("list", project=plain) == []


def test_before_the_first_build_the_number_of_units_is_unknown_and_not_zero(document, tmp_path):
    (row,) = document("list", project=make_shop(tmp_path, extra=CHECKOUT))
    assert (row["units"], row["simulated_events"], row["simulated_elsewhere"]) == (None, None, None)


# --- plan and assign --------------------------------------------------------------------------------------


def test_a_plan_says_how_many_units_and_days_it_takes(run, document, shop):
    code, out, err = run("plan", "checkout", "--effect", "0.5", project=shop)
    assert (code, err) == (0, "")
    assert "detect a change of 50.0% in conversion_rate with power 80%" in out
    found = document("plan", "checkout", "--effect", "0.5", project=shop)
    users = "select count(distinct user_id) as users from gold.fct_sessions where not is_bot and session_date > '2025-03-03'"
    assert found["past_units"] == columns_of(shop.published, users)[0]["users"]
    assert 0.01 < found["baseline"] < 0.5
    assert (found["history_from"], found["history_days"]) == ("2025-03-04", 28)
    assert found["simulated_events"] == {}
    assert found["horizons"][2]["units"] == found["past_units"]
    assert f"Based on the last 28 days of data, from 2025-03-04: {found['past_units']:,} users, " in out
    assert "Simulated data" not in out


def test_a_smaller_effect_takes_more_units_and_more_time_finds_a_smaller_one(document, shop):
    large, small = (document("plan", "checkout", "--effect", size, project=shop) for size in ("0.2", "0.1"))
    assert sum(small["size"]["units"]) > 3 * sum(large["size"]["units"])
    effects = [each["detectable_effect"] for each in large["horizons"]]
    assert effects == sorted(effects, reverse=True)


def test_a_plan_by_fewer_days_than_asked_for_says_so(run, document, shop):
    found = document("plan", "checkout", "--days", "400", project=shop)
    days = columns_of(
        shop.published, "select max(session_date) - min(session_date) + 1 as days from gold.fct_sessions"
    )[0]["days"]
    assert found["history_days"] == days
    assert found["units_per_day"] == pytest.approx(found["past_units"] / days)
    assert (
        f"Note: the data has only {days} of the 400 requested days."
        in run("plan", "checkout", "--days", "400", project=shop)[1]
    )


@pytest.mark.parametrize("name", ["checkout", "express"])
def test_a_plan_sees_the_past_as_the_warehouse_would_have(document, shop, name):
    """Sized by the very days in which the experiment ran, a plan counts its units and what they did."""
    days = 59 if name == "checkout" else 31
    found = document("plan", name, "--days", str(days), "--metric", "revenue_per_user", project=shop)
    units = columns_of(
        shop.published,
        "select count(*) as units, avg(revenue_amount) as revenue from gold.fct_experiment_units "
        f"where experiment = '{name}'",
    )[0]
    assert found["past_units"] == units["units"] > 0
    assert found["baseline"] == pytest.approx(float(units["revenue"]))


def test_a_plan_for_an_exposing_event_names_it(run, shop):
    out = run("plan", "express", project=shop)[1]
    assert re.search(r"\d+ sessions with a begin_checkout, conversion_rate \d", out)


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_every_metric_can_be_planned_for_or_says_why_not(run, shop, metric):
    code, out, err = run("plan", "checkout", "--metric", metric, project=shop)
    if metric in ("time_to_purchase", "return_rate"):
        assert (code, out, is_one_line(err)) == (1, "", True)
        assert f"{METRICS[metric].title} cannot be planned for" in err
    else:
        assert (code, err) == (0, "")
        assert f"in {metric} with power 80%" in out


def test_units_are_assigned_by_the_documented_hash(document, shop):
    ids = [f"u{number}" for number in range(200)]
    found = document("assign", "checkout", *ids, project=shop)
    assert [row["unit_id"] for row in found] == ids
    for row in found:
        bucket = int(hashlib.md5(f"checkout:{row['unit_id']}".encode()).hexdigest()[:15], 16) % 10_000
        assert row["bucket"] == bucket == assign_bucket("checkout", row["unit_id"])
        assert row["variant"] == ("control" if bucket < 5_000 else "treatment")


def test_known_buckets_never_change(run, document, shop):
    code, out, err = run("assign", "checkout", "541320447", project=shop)
    assert (code, err) == (0, "")
    assert "bucket 7547 of 10000" in out
    (first,) = document("assign", "old-banner", "541320447", project=shop)
    odd = int(hashlib.md5(b"541320447").hexdigest(), 16) % 2
    assert (first["variant"], first["bucket"]) == (("control", "treatment")[odd], None)


def test_units_in_the_warehouse_are_where_assign_says(document, shop):
    for name in ("checkout", "old-banner"):
        rows = columns_of(
            shop.published,
            f"select unit_id, variant from gold.fct_experiment_units where experiment = '{name}'",
        )
        seen = {row["unit_id"]: row["variant"] for row in rows}
        told = document("assign", name, *seen, project=shop)
        assert {row["unit_id"]: row["variant"] for row in told} == seen


# --- read -------------------------------------------------------------------------------------------------


def test_a_reading_begins_with_the_verdict(run, shop):
    code, out, err = run("results", "checkout", project=shop)
    assert (code, err) == (0, "")
    first, second = out.splitlines()[:2]
    assert first == "checkout: A shorter checkout sells more."
    assert second.startswith("treatment: keep running")
    assert "the sample is too small" in second
    assert "sample ratio: p = " in out
    assert "by segment (not adjusted, for exploration only)" in out
    assert "Simulated data" not in out


def test_what_people_write_is_no_markup(run, shop, tmp_path):
    file = tmp_path / "banner.html"
    out = run("results", "old-banner", "--html", file, project=shop)[1]
    assert "A <b>banner</b> [red]helps[/red]." in out
    assert "A &lt;b&gt;banner&lt;/b&gt; [red]helps[/red]." in file.read_text(encoding="utf-8")


def test_a_reading_for_machines_agrees_with_the_units_in_gold(document, shop):
    found = document("results", "checkout", project=shop)
    rows = columns_of(
        shop.published,
        """
        select variant, count(*) as units, avg(is_converted) as converted, sum(revenue_amount) as revenue,
            sum(order_count) as orders, median(seconds_to_purchase) as seconds
        from gold.fct_experiment_units where experiment = 'checkout' group by variant
        """,
    )
    by_variant = {row["variant"]: row for row in rows}
    assert found["units"] == {name: row["units"] for name, row in by_variant.items()}
    assert found["as_of"] == "2025-03-31"
    plain = {reading["metric"]: reading["plain"] for reading in found["metrics"]}
    assert list(plain) == [
        *("conversion_rate", "revenue_per_user", "time_to_purchase", "average_order_value", "return_rate")
    ]
    for side, variant in product(("control", "treatment"), repeat=2):
        if side == variant:
            row = by_variant[variant]
            value = float(row["revenue"])
            assert plain["conversion_rate"][side] == pytest.approx(row["converted"])
            assert plain["revenue_per_user"][side] == pytest.approx(value / row["units"])
            assert plain["average_order_value"][side] == pytest.approx(value / int(row["orders"]))
            assert plain["time_to_purchase"][side] == pytest.approx(row["seconds"])
    rail = found["metrics"][-1]
    assert (rail["role"], rail["guardrail"]["verdict"]) == ("guardrail", "unclear")  # nothing ever came back
    assert rail["plain"]["relative"] is None


def test_the_readouts_in_gold_say_what_read_says(document, shop):
    stored = columns_of(shop.published, "select * from gold.fct_experiment_readouts")
    assert {row["experiment"] for row in stored} == {"checkout", "old-banner", "express"}
    for name in ("checkout", "old-banner"):
        found = document("results", name, project=shop)
        rows = {row["metric"]: row for row in stored if row["experiment"] == name}
        assert set(rows) == {reading["metric"] for reading in found["metrics"]}
        for reading in found["metrics"]:
            assert_stored(rows[reading["metric"]], reading, found)


def assert_stored(row, reading, found):
    best = reading["adjusted"] or reading["plain"]
    relative = best["relative"] or {"value": None, "interval": None}
    verdict = found["verdicts"][0]
    assert row["as_of_date"].isoformat() == found["as_of"]
    assert (row["decision"], row["decision_reason"]) == (verdict["decision"], verdict["reason"])
    assert (row["role"], row["variant"], row["method"]) == (
        reading["role"],
        reading["variant"],
        best["method"],
    )
    assert (row["control_unit_count"], row["unit_count"]) == (best["control_count"], best["treatment_count"])
    told = {
        "control_value": best["control"],
        "value": best["treatment"],
        "relative_change": relative["value"],
        "relative_lower": relative["interval"] and relative["interval"]["lower"],
        "corrected_pvalue": reading["corrected_pvalue"],
        "chance_to_win": reading["belief"]["chance_to_win"],
    }
    assert {name: row[name] for name in told} == pytest.approx(told)


def test_every_column_of_the_readouts_in_gold_says_what_it_means(shop):
    described = columns_of(
        shop.published,
        "select column_name, comment from duckdb_columns() where table_name = 'fct_experiment_readouts'",
    )
    assert len(described) > 20
    assert all(row["comment"] for row in described)


def test_the_report_is_one_file_that_names_no_other(run, shop, tmp_path):
    file = tmp_path / "a folder" / "checkout.html"
    file.parent.mkdir()
    code, out, err = run("results", "checkout", "--html", file, project=shop)
    assert (code, err) == (0, "")
    assert f"Report: {file}" in out
    assert [entry.name for entry in file.parent.iterdir()] == ["checkout.html"]
    markup = re.sub(r"<script[^>]*>.*?</script>", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not re.search(r"""\b(src|href)\s*=|url\(|@import|<link|<iframe""", markup)
    assert "keep running" in markup


def test_a_report_and_json_are_had_together(document, shop, tmp_path):
    file = tmp_path / "checkout.html"
    assert document("results", "checkout", "--html", file, project=shop)["days"] > 50
    assert file.stat().st_size > 1_000_000


# --- watch ------------------------------------------------------------------------------------------------


def test_watching_shows_each_day_and_ends_where_reading_is(run, document, shop):
    code, out, err = run("daily", "checkout", project=shop)
    assert (code, err) == (0, "")
    assert "Decide by the last two columns only" in out
    assert "2025-03-31" in out
    assert ": invalid" not in out
    assert "Simulated data" not in out
    found = document("daily", "checkout", project=shop)
    assert (found["metric"], found["invalid_reason"]) == ("conversion_rate", None)
    assert (found["simulated_events"], found["simulated_elsewhere"]) == (0, {})
    days = found["days"]
    assert [day["day"] for day in days] == sorted({day["day"] for day in days})
    whole = document("results", "checkout", project=shop)["metrics"][0]["plain"]
    last = days[-1]["naive"]
    assert (last["control_count"], last["treatment_count"]) == (
        whole["control_count"],
        whole["treatment_count"],
    )
    assert flat(last["absolute"]) == pytest.approx(flat(whole["absolute"]))


def test_the_interval_for_every_look_holds_the_one_for_one_look(document, shop):
    for day in document("daily", "checkout", "--metric", "revenue_per_user", project=shop)["days"]:
        naive, always = (day[name]["absolute"] for name in ("naive", "sequential"))
        if naive and always:
            assert always["interval"]["lower"] <= naive["interval"]["lower"]
            assert always["interval"]["upper"] >= naive["interval"]["upper"]


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_every_metric_can_be_watched_but_quantiles(run, shop, metric):
    code, out, err = run("daily", "checkout", "--metric", metric, project=shop)
    if METRICS[metric].kind is Kind.QUANTILE:
        assert (code, out, is_one_line(err)) == (1, "", True)
        assert "no daily results; give --metric" in err
    else:
        assert (code, err) == (0, "")
        assert METRICS[metric].title in out


def test_an_experiment_judged_by_a_quantile_is_read_and_says_why_it_cannot_be_watched(run, document, shop):
    found = document("results", "old-banner", project=shop)
    assert (found["daily"], found["segments"]) == ([], [])
    code, out, err = run("daily", "old-banner", project=shop)
    assert (code, out, is_one_line(err)) == (1, "", True)


# --- audit ------------------------------------------------------------------------------------------------


def test_an_audit_checks_metrics_hash_and_other_experiments(run, document, shop):
    code, out, err = run("audit", "checkout", "--simulations", "100", project=shop)
    assert (code, err) == (0, "")
    assert "With old-banner:" in out
    assert "Sample ratio: as planned" in out
    found = document("audit", "checkout", "--simulations", "100", project=shop)
    rates = {each["metric"]: each for each in found["false_positives"]}
    assert rates["conversion_rate"]["is_sound"] is True
    assert (rates["return_rate"]["rate"], rates["return_rate"]["is_sound"]) == (None, None)
    assert found["sample_ratio"]["is_mismatch"] is False
    assert found["suspects"] == []
    other, express = found["correlations"]
    assert (other["other"], other["is_independent"]) == ("old-banner", True)
    assert (express["is_independent"], express["reason"]) == (None, "its units are sessions, not users")
    assert "With express: no correlation: its units are sessions, not users" in out
    assert "Split over time: the same on all days" in out
    assert (found["split_over_time"]["is_changed"], found["unknown_variants"]) == (False, [])
    assert rates["conversion_rate"]["method"] == "cuped"


def test_the_same_seed_gives_the_same_audit(document, shop):
    first, again, other = (
        document("audit", "checkout", "--simulations", "100", "--seed", seed, project=shop)
        for seed in (3, 3, 4)
    )
    assert first == again
    assert first["false_positives"] != other["false_positives"]
