"""Experiments on the command line: what is asked wrongly, too early or of a changed shop."""

from __future__ import annotations

import json

import duckdb
import pytest
from tests.cli.experiments.shop import CHECKOUT, READERS, columns_of, flat, is_one_line
from tests.warehouse.shops import make_shop


@pytest.mark.parametrize("command", ["plan", "assign", *READERS])
def test_an_unknown_experiment_is_one_line_with_its_near_match(run, shop, command):
    ids = ["u1"] if command == "assign" else []
    code, out, err = run(command, "checkut", *ids, project=shop)
    assert (code, out) == (1, "")
    assert is_one_line(err)
    assert "no experiment 'checkut' in" in err
    assert "did you mean 'checkout'?" in err


def test_an_unknown_experiment_is_one_json_document_too(run, shop):
    code, out, _ = run("results", "checkut", "--json", project=shop)
    assert (code, json.loads(out)["kind"]) == (1, "ConfigurationError")


@pytest.mark.parametrize("command", ["plan", "daily"])
def test_an_unknown_metric_is_one_line_with_its_near_match(run, shop, command):
    code, out, err = run(command, "checkout", "--metric", "conversion", project=shop)
    assert (code, out, is_one_line(err)) == (1, "", True)
    assert "did you mean 'conversion_rate'?" in err


@pytest.mark.parametrize("command", ["plan", *READERS])
def test_without_a_published_warehouse_it_says_what_to_run(run, tmp_path, command):
    code, out, err = run(command, "checkout", project=make_shop(tmp_path, extra=CHECKOUT))
    assert (code, out, is_one_line(err)) == (1, "", True)
    assert "run `shopwright run` first" in err


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
    assert "run `shopwright build`" in err


@pytest.mark.parametrize("place", ["nowhere/report.html", "."])
def test_a_report_that_cannot_be_written_is_one_line(run, shop, tmp_path, place):
    code, _, err = run("results", "checkout", "--html", tmp_path / place, project=shop)
    assert (code, is_one_line(err)) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("results",),
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
        (CHECKOUT.replace("2025-03-31", "2025-01-31"), "is before start"),
        (CHECKOUT.replace("return_rate", "return_rat"), "did you mean 'return_rate'?"),
        (CHECKOUT + 'exposur = "assigned"\n', "did you mean 'exposure'?"),
        (CHECKOUT + "[experiments.variants]\ncontrol = 1\n", "at least two"),
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
    assert "'next-year' is not in the published warehouse yet; run `shopwright build`" in err


def test_an_experiment_added_since_the_last_build_is_planned_for_already(document, changed_shop):
    planned = document("plan", "next-year", "--effect", "0.5", project=changed_shop)
    assert planned["size"]["days"] > 0
    units = {row["name"]: row["units"] for row in document("list", project=changed_shop)}
    assert units["next-year"] is None
    assert units["checkout"] > 0


@pytest.mark.parametrize("command", ["plan", *READERS])
def test_a_removed_experiment_is_unknown_at_once(run, changed_shop, command):
    code, _, err = run(command, "old-banner", project=changed_shop)
    assert (code, is_one_line(err)) == (1, True)
    assert "no experiment 'old-banner'" in err


@pytest.mark.slow
def test_the_next_build_adds_and_removes_experiments_without_building_the_rest_again(
    document, rebuilt_shop, shop
):
    for table in ("fct_experiment_units", "fct_experiment_readouts"):
        known = columns_of(rebuilt_shop.published, f"select distinct experiment from gold.{table}")
        assert {row["experiment"] for row in known} <= {"checkout", "next-year"}
    before, after = (document("results", "checkout", project=project) for project in (shop, rebuilt_shop))
    assert flat(before) == pytest.approx(flat(after))  # sums of floats depend on the order of rows


def test_an_experiment_that_begins_after_the_data_has_not_begun(run, document, rebuilt_shop, tmp_path):
    found = document("results", "next-year", project=rebuilt_shop)
    (verdict,) = found["verdicts"]
    assert verdict == {
        "variant": "treatment",
        "decision": "keep running",
        "reason": "not started: it starts on 2026-02-01, data through 2025-03-31",
    }
    assert found["units"] == {"control": 0, "treatment": 0}
    assert all(reading["plain"]["absolute"] is None for reading in found["metrics"])
    watched = document("daily", "next-year", project=rebuilt_shop)
    assert (watched["days"], watched["invalid_reason"]) == ([], None)
    assert document("audit", "next-year", "--simulations", "100", project=rebuilt_shop)["suspects"] == []
    file = tmp_path / "report.html"
    for command in ("results", "daily", "audit"):
        options = ["--html", file] if command == "results" else []
        code, out, err = run(command, "next-year", *options, project=rebuilt_shop)
        assert (code, err) == (0, "")
        assert out
    assert "not started" in file.read_text(encoding="utf-8")
    assert {row["name"]: row["units"] for row in document("list", project=rebuilt_shop)}["next-year"] == 0
