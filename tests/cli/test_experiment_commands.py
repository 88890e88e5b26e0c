"""Experiments on the command line: one small shop, built once, and everything that can be asked of it."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from itertools import product
from typing import TYPE_CHECKING

import duckdb
import pytest
from tests.warehouse.shops import make_shop, take_in

from shopwright.experiments.assignment import bucket_of
from shopwright.metrics import METRICS, Kind
from shopwright.simulate import SimulationConfig, simulate
from shopwright.warehouse.build import build

if TYPE_CHECKING:
    from shopwright.settings import Project

CHECKOUT = """
[[experiments]]
name = "checkout"
hypothesis = "A shorter checkout sells more."
start = 2025-02-01
end = 2025-03-31
secondary_metrics = ["revenue_per_user", "time_to_purchase", "average_order_value"]
[[experiments.guardrails]]
metric = "return_rate"
"""
BANNER = """
[[experiments]]
name = "old-banner"
hypothesis = "A <b>banner</b> [red]helps[/red]."
start = 2025-02-01
assignment = "md5_parity"
primary_metric = "time_to_purchase"
"""
NEXT_YEAR = """
[[experiments]]
name = "next-year"
hypothesis = "It will sell more."
start = 2026-02-01
"""
READERS = ("read", "watch", "audit")


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Project:
    """A shop of three months with two experiments in the last two, built."""
    folder = tmp_path_factory.mktemp("tried")
    simulate(SimulationConfig(events=20_000, seed=11), folder / "raw")
    made = make_shop(folder / "shop", raw=folder / "raw", extra=CHECKOUT + BANNER)
    take_in(made)
    build(made)
    return made


@pytest.fixture(scope="module")
def changed_shop(shop, tmp_path_factory) -> Project:
    """The same with one experiment added and one removed since it was built."""
    folder = tmp_path_factory.mktemp("changed") / "shop"
    shutil.copytree(shop.root, folder)
    return make_shop(folder, raw=shop.root.parent / "raw", extra=CHECKOUT + NEXT_YEAR)


@pytest.fixture(scope="module")
def rebuilt_shop(changed_shop, tmp_path_factory) -> Project:
    """That one, built again as an increment."""
    folder = tmp_path_factory.mktemp("rebuilt") / "shop"
    shutil.copytree(changed_shop.root, folder)
    made = make_shop(folder, raw=changed_shop.root.parent / "raw", extra=CHECKOUT + NEXT_YEAR)
    report = build(made)
    assert (report.full_refresh, report.reason) == (False, "")
    return made


@pytest.fixture
def run(capfd, monkeypatch):
    """Run a command about experiments; gives exit code, output and errors."""
    from shopwright.cli.main import main

    def called(command, *arguments, project):
        given = ["shopwright", "experiment", command, *map(str, arguments), "--project", str(project.root)]
        monkeypatch.setattr(sys, "argv", given)
        capfd.readouterr()
        code = 0
        try:
            main()
        except SystemExit as left:
            code = left.code or 0
        return code, *capfd.readouterr()

    return called


@pytest.fixture
def document(run):
    """Run a command with --json; gives what it prints, which is JSON in the narrow sense, without NaN."""

    def called(*arguments, project):
        code, out, err = run(*arguments, "--json", project=project)
        assert (code, err) == (0, "")
        return json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))

    return called


def is_one_line(text):
    return text.startswith("error: ") and text.count("\n") == 1 and "Traceback" not in text


def flat(document, path=()):
    """Every value of a document under its path."""
    inner = document.items() if isinstance(document, dict) else enumerate(document)
    found = {}
    for key, value in inner:
        below = (*path, key)
        found |= flat(value, below) if isinstance(value, dict | list) else {below: value}
    return found


def columns_of(database, query):
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.execute(query)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


# --- list -------------------------------------------------------------------------------------------------


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
    assert all(count > 500 for count in found.values())


def test_a_shop_without_experiments_has_an_empty_list(run, document, tmp_path):
    plain = make_shop(tmp_path)
    code, out, err = run("list", project=plain)
    assert (code, err) == (0, "")
    assert "has no [[experiments]] section" in out
    assert document("list", project=plain) == []


def test_before_the_first_build_the_number_of_units_is_unknown_and_not_zero(document, tmp_path):
    (row,) = document("list", project=make_shop(tmp_path, extra=CHECKOUT))
    assert row["units"] is None


# --- plan and assign --------------------------------------------------------------------------------------


def test_a_plan_says_how_many_units_and_days_it_takes(run, document, shop):
    code, out, err = run("plan", "checkout", "--effect", "0.5", project=shop)
    assert (code, err) == (0, "")
    assert "to find a change of 50.0% in conversion_rate with a chance of 80%" in out
    found = document("plan", "checkout", "--effect", "0.5", project=shop)
    users = "select count(distinct user_id) as users from gold.fct_sessions where not is_bot and session_date > '2025-03-03'"
    assert found["past_units"] == columns_of(shop.published, users)[0]["users"]
    assert 0.01 < found["baseline"] < 0.5
    needed = sum(found["size"]["units"])
    assert found["size"]["days"] == -(-needed // found["units_per_day"])


def test_a_smaller_effect_takes_more_units_and_more_time_finds_a_smaller_one(document, shop):
    large, small = (document("plan", "checkout", "--effect", size, project=shop) for size in ("0.2", "0.1"))
    assert sum(small["size"]["units"]) > 3 * sum(large["size"]["units"])
    effects = list(large["detectable_effects"].values())
    assert effects == sorted(effects, reverse=True)


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_every_metric_can_be_planned_for_or_says_why_not(run, shop, metric):
    code, out, err = run("plan", "checkout", "--metric", metric, project=shop)
    if metric in ("time_to_purchase", "return_rate"):
        assert (code, out, is_one_line(err)) == (1, "", True)
        assert f"{METRICS[metric].title} cannot be planned for" in err
    else:
        assert (code, err) == (0, "")
        assert f"in {metric} with a chance of 80%" in out


def test_units_are_assigned_by_the_documented_hash(document, shop):
    ids = [f"u{number}" for number in range(200)]
    found = document("assign", "checkout", *ids, project=shop)
    assert [row["unit_id"] for row in found] == ids
    for row in found:
        bucket = int(hashlib.md5(f"checkout:{row['unit_id']}".encode()).hexdigest()[:15], 16) % 10_000
        assert row["bucket"] == bucket == bucket_of("checkout", row["unit_id"])
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
    code, out, err = run("read", "checkout", project=shop)
    assert (code, err) == (0, "")
    first, second = out.splitlines()[:2]
    assert first == "checkout: A shorter checkout sells more."
    assert second.startswith("treatment: keep running")
    assert "the sample is too small" in second
    assert "sample ratio: p = " in out
    assert "by segment (not adjusted; to look at, not to decide by)" in out
    assert "rehearsal" not in out


def test_what_people_write_is_no_markup(run, shop, tmp_path):
    file = tmp_path / "banner.html"
    out = run("read", "old-banner", "--html", file, project=shop)[1]
    assert "A <b>banner</b> [red]helps[/red]." in out
    assert "A &lt;b&gt;banner&lt;/b&gt; [red]helps[/red]." in file.read_text(encoding="utf-8")


def test_a_reading_for_machines_agrees_with_the_units_in_gold(document, shop):
    found = document("read", "checkout", project=shop)
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
    assert {row["experiment"] for row in stored} == {"checkout", "old-banner"}
    for name in ("checkout", "old-banner"):
        found = document("read", name, project=shop)
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
    code, out, err = run("read", "checkout", "--html", file, project=shop)
    assert (code, err) == (0, "")
    assert f"Report: {file}" in out
    assert [entry.name for entry in file.parent.iterdir()] == ["checkout.html"]
    markup = re.sub(r"<script[^>]*>.*?</script>", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not re.search(r"""\b(src|href)\s*=|url\(|@import|<link|<iframe""", markup)
    assert "keep running" in markup


def test_a_report_and_json_are_had_together(document, shop, tmp_path):
    file = tmp_path / "checkout.html"
    assert document("read", "checkout", "--html", file, project=shop)["days"] > 50
    assert file.stat().st_size > 1_000_000


# --- watch ------------------------------------------------------------------------------------------------


def test_watching_shows_each_day_and_ends_where_reading_is(run, document, shop):
    code, out, err = run("watch", "checkout", project=shop)
    assert (code, err) == (0, "")
    assert "Decide by the last two columns only" in out
    assert "2025-03-31" in out
    days = document("watch", "checkout", project=shop)
    assert [day["day"] for day in days] == sorted({day["day"] for day in days})
    whole = document("read", "checkout", project=shop)["metrics"][0]["plain"]
    last = days[-1]["naive"]
    assert (last["control_count"], last["treatment_count"]) == (
        whole["control_count"],
        whole["treatment_count"],
    )
    assert flat(last["absolute"]) == pytest.approx(flat(whole["absolute"]))


def test_the_interval_for_every_look_holds_the_one_for_one_look(document, shop):
    for day in document("watch", "checkout", "--metric", "revenue_per_user", project=shop):
        naive, always = (day[name]["absolute"] for name in ("naive", "sequential"))
        if naive and always:
            assert always["interval"]["lower"] <= naive["interval"]["lower"]
            assert always["interval"]["upper"] >= naive["interval"]["upper"]


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_every_metric_can_be_watched_but_quantiles(run, shop, metric):
    code, out, err = run("watch", "checkout", "--metric", metric, project=shop)
    if METRICS[metric].kind is Kind.QUANTILE:
        assert (code, out, is_one_line(err)) == (1, "", True)
        assert "no daily sequence; give --metric" in err
    else:
        assert (code, err) == (0, "")
        assert METRICS[metric].title in out


def test_an_experiment_judged_by_a_quantile_is_read_and_says_why_it_cannot_be_watched(run, document, shop):
    found = document("read", "old-banner", project=shop)
    assert (found["daily"], found["segments"]) == ([], [])
    code, out, err = run("watch", "old-banner", project=shop)
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
    (other,) = found["correlations"]
    assert (other["other"], other["is_independent"]) == ("old-banner", True)


def test_the_same_seed_gives_the_same_audit(document, shop):
    first, again, other = (
        document("audit", "checkout", "--simulations", "100", "--seed", seed, project=shop)
        for seed in (3, 3, 4)
    )
    assert first == again
    assert first["false_positives"] != other["false_positives"]


# --- careless input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["plan", "assign", *READERS])
def test_an_unknown_experiment_is_one_line_with_its_near_match(run, shop, command):
    ids = ["u1"] if command == "assign" else []
    code, out, err = run(command, "checkut", *ids, project=shop)
    assert (code, out) == (1, "")
    assert is_one_line(err)
    assert "no experiment 'checkut' in" in err
    assert "did you mean 'checkout'?" in err


def test_an_unknown_experiment_is_one_json_document_too(run, shop):
    code, out, _ = run("read", "checkut", "--json", project=shop)
    assert (code, json.loads(out)["kind"]) == (1, "ConfigurationError")


@pytest.mark.parametrize("command", ["plan", "watch"])
def test_an_unknown_metric_is_one_line_with_its_near_match(run, shop, command):
    code, out, err = run(command, "checkout", "--metric", "conversion", project=shop)
    assert (code, out, is_one_line(err)) == (1, "", True)
    assert "did you mean 'conversion_rate'?" in err


@pytest.mark.parametrize("command", ["plan", *READERS])
def test_without_a_published_warehouse_it_says_what_to_run(run, tmp_path, command):
    code, out, err = run(command, "checkout", project=make_shop(tmp_path, extra=CHECKOUT))
    assert (code, out, is_one_line(err)) == (1, "", True)
    assert "run 'shopwright run' first" in err


def test_units_are_assigned_before_anything_is_published(run, tmp_path):
    assert run("assign", "checkout", "u1", project=make_shop(tmp_path, extra=CHECKOUT))[0] == 0


@pytest.mark.parametrize("command", ["list", "plan", *READERS])
def test_a_warehouse_of_an_older_version_says_what_to_run(run, tmp_path, command):
    old = make_shop(tmp_path, extra=CHECKOUT)
    old.published.parent.mkdir()
    with duckdb.connect(str(old.published)) as connection:
        connection.execute("create schema gold")
    code, out, err = run(command, *([] if command == "list" else ["checkout"]), project=old)
    assert (code, out, is_one_line(err)) == (1, "", True)
    assert "run 'shopwright build'" in err


@pytest.mark.parametrize("place", ["nowhere/report.html", "."])
def test_a_report_that_cannot_be_written_is_one_line(run, shop, tmp_path, place):
    code, _, err = run("read", "checkout", "--html", tmp_path / place, project=shop)
    assert (code, is_one_line(err)) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("read",),
        ("assign", "checkout"),
        ("plan", "checkout", "--effect", "0"),
        ("plan", "checkout", "--days", "0"),
        ("audit", "checkout", "--simulations", "99"),
        ("audit", "checkout", "--simulations", "many"),
        ("reed", "checkout"),
    ],
    ids=" ".join,
)
def test_misuse_exits_with_2_and_says_nothing_on_standard_output(run, shop, arguments):
    code, out, err = run(*arguments, project=shop)
    assert (code, out) == (2, "")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (CHECKOUT.replace("2025-03-31", "2025-01-31"), "lies before start"),
        (CHECKOUT.replace("return_rate", "return_rat"), "did you mean 'return_rate'?"),
        (CHECKOUT + 'exposur = "assigned"\n', "did you mean 'exposure'?"),
        (CHECKOUT + "[experiments.variants]\ncontrol = 1\n", "two at least"),
        (CHECKOUT + CHECKOUT, "two experiments are named 'checkout'"),
    ],
)
def test_wrong_experiments_are_one_line_that_says_what(run, tmp_path, settings, says):
    (tmp_path / "shopwright.toml").write_text(settings, encoding="utf-8")

    class Here:
        root = tmp_path

    code, out, err = run("list", project=Here)
    assert (code, out, is_one_line(err)) == (1, "", True)
    assert says in err


# --- settings that change ---------------------------------------------------------------------------------


@pytest.mark.parametrize("command", READERS)
def test_an_experiment_added_since_the_last_build_says_what_to_run(run, changed_shop, command):
    code, out, err = run(command, "next-year", project=changed_shop)
    assert (code, out, is_one_line(err)) == (1, "", True)
    assert "'next-year' is not in the published warehouse yet; run 'shopwright build'" in err


def test_an_experiment_added_since_the_last_build_is_planned_for_already(document, changed_shop):
    assert document("plan", "next-year", project=changed_shop)["size"]["days"] > 0
    units = {row["name"]: row["units"] for row in document("list", project=changed_shop)}
    assert units["next-year"] is None
    assert units["checkout"] > 0


@pytest.mark.parametrize("command", ["plan", *READERS])
def test_a_removed_experiment_is_unknown_at_once(run, changed_shop, command):
    code, _, err = run(command, "old-banner", project=changed_shop)
    assert (code, is_one_line(err)) == (1, True)
    assert "no experiment 'old-banner'" in err


def test_the_next_build_adds_and_removes_experiments_without_building_the_rest_again(
    document, rebuilt_shop, shop
):
    for table in ("fct_experiment_units", "fct_experiment_readouts"):
        known = columns_of(rebuilt_shop.published, f"select distinct experiment from gold.{table}")
        assert {row["experiment"] for row in known} <= {"checkout", "next-year"}
    before, after = (document("read", "checkout", project=project) for project in (shop, rebuilt_shop))
    assert flat(before) == pytest.approx(flat(after))  # sums of floats depend on the order of rows


def test_an_experiment_outside_of_the_data_is_invalid_for_want_of_units(
    run, document, rebuilt_shop, tmp_path
):
    found = document("read", "next-year", project=rebuilt_shop)
    (verdict,) = found["verdicts"]
    assert verdict == {
        "variant": "treatment",
        "decision": "invalid",
        "reason": "no units in control and treatment",
    }
    assert found["units"] == {"control": 0, "treatment": 0}
    assert all(reading["plain"]["absolute"] is None for reading in found["metrics"])
    assert document("watch", "next-year", project=rebuilt_shop) == []
    assert document("audit", "next-year", "--simulations", "100", project=rebuilt_shop)["suspects"] == []
    file = tmp_path / "report.html"
    for command in ("read", "watch", "audit"):
        options = ["--html", file] if command == "read" else []
        code, out, err = run(command, "next-year", *options, project=rebuilt_shop)
        assert (code, err) == (0, "")
        assert out
    assert "no units in control and treatment" in file.read_text(encoding="utf-8")
    assert {row["name"]: row["units"] for row in document("list", project=rebuilt_shop)}["next-year"] == 0
