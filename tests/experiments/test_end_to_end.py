"""From raw files to a verdict: what is planted is found, what is not there is not, and what is broken is traced."""

from __future__ import annotations

import json
import shutil

import pytest

from shopwright.assignment.sql import variant_sql
from shopwright.core.engine import connect
from shopwright.core.sql import quote_text
from shopwright.lake.delta import Lake, read_sql
from shopwright.simulate import SimulationConfig, simulate
from shopwright.simulate.effects import count_marked_events, simulate_effect
from shopwright.warehouse.build import build
from tests.warehouse.shops import make_shop, run, take_in

pytestmark = pytest.mark.slow

TRIED = """
[[experiments]]
name = "checkout"
hypothesis = "A shorter checkout sells more."
start = 2025-01-01
end = 2025-03-31
primary_metric = "purchases_per_user"
secondary_metrics = ["conversion_rate", "average_order_value"]
"""
TRIED_IN_OCTOBER = """
[[experiments]]
name = "checkout"
hypothesis = "A shorter checkout sells more."
start = 2019-10-01
end = 2019-10-31
assignment = "md5_parity"
secondary_metrics = ["revenue_per_user"]
"""


def built(root, raw, *, has_effect=False, tried=TRIED, adapter="event_stream"):
    """Build a shop from raw files to tested gold; ``has_effect`` loads a copy with a simulated effect instead."""
    project = make_shop(root, raw=raw, adapter=adapter, extra=tried)
    if has_effect:
        simulate_effect(project, raw, root / "simulated", experiment="checkout", share=0.05)
        project = make_shop(root, raw="simulated", adapter=adapter, extra=tried)
    take_in(project)
    build(project)
    return project


def asked(project, command, *options):
    """What a command says about the experiment."""
    done = run(project, "experiment", command, "checkout", *options, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def metric_of(reading, name):
    (found,) = (each for each in reading["metrics"] if each["metric"] == name)
    return found


def is_open(effect):
    return effect["interval"]["lower"] <= 0 <= effect["interval"]["upper"]


# --- an effect, and none ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """A million events of a shop in which nothing is tried."""
    config = SimulationConfig(events=1_000_000, seed=21, experiment_effect=0.0, files="parquet")
    return simulate(config, tmp_path_factory.mktemp("million") / "raw").out


@pytest.fixture(scope="module")
def untouched(raw, tmp_path_factory):
    """That shop as it is."""
    return built(tmp_path_factory.mktemp("untouched") / "shop", raw)


@pytest.fixture(scope="module")
def simulated(raw, tmp_path_factory):
    """The same with a twentieth of the treated users' cart events changed to purchases."""
    return built(tmp_path_factory.mktemp("simulated") / "shop", raw, has_effect=True)


def test_an_effect_that_is_planted_is_found_and_holds_at_every_look(simulated):
    reading = asked(simulated, "results")
    (verdict,) = reading["verdicts"]
    assert verdict["decision"] == "ship"
    assert "always valid" in verdict["reason"]
    for name in ("purchases_per_user", "conversion_rate"):
        assert metric_of(reading, name)["sequential"]["relative"]["interval"]["lower"] > 0


def test_without_it_nothing_is_found(untouched):
    reading = asked(untouched, "results")
    (verdict,) = reading["verdicts"]
    assert verdict["decision"] == "keep running"
    assert "the sample is too small" in verdict["reason"]
    for metric in reading["metrics"]:
        assert is_open(metric["plain"]["relative"])
        assert is_open(metric["sequential"]["relative"])
    assert all(day["always_valid_pvalue"] > 0.05 for day in reading["daily"])
    assert reading["simulated_events"] == 0


def test_simulated_data_says_so_and_is_counted_as_in_the_lake(simulated):
    events = read_sql("events", [file.path for file in Lake(simulated.lake).files("events")])
    with connect() as connection:
        (marked,) = count_marked_events(connection, events)
        (total,) = connection.execute(f"select count(*) from ({events})").fetchone()
    assert marked.marked == total
    changed = marked.changed
    assert changed > 500
    assert asked(simulated, "results")["simulated_events"] == changed
    told = run(simulated, "experiment", "results", "checkout").stdout
    assert f"Simulated data: {changed:,} events carry a simulated effect of this experiment." in told


def test_the_effect_that_is_read_is_as_large_as_the_one_that_was_planted(simulated, untouched):
    with_it, without = (asked(project, "results") for project in (simulated, untouched))
    assert with_it["units"] == without["units"]
    before, after = (metric_of(reading, "purchases_per_user")["plain"] for reading in (without, with_it))
    assert after["control"] == before["control"]
    gained = (after["treatment"] - before["treatment"]) * after["treatment_count"]
    # a cart event of a bot, or before the visit that exposes, is planted and does not count
    assert 0.95 * with_it["simulated_events"] < gained <= with_it["simulated_events"] + 1e-6


def test_each_day_of_simulated_data_is_closer_to_the_truth(simulated):
    days = asked(simulated, "daily")["days"]
    assert days[-1]["sequential"]["relative"]["interval"]["lower"] > 0
    falling = [day["always_valid_pvalue"] for day in days if day["always_valid_pvalue"] is not None]
    assert falling == sorted(falling, reverse=True)


# --- a broken split ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def torn(tmp_path_factory):
    """A shop of 200,000 events whose tablets lost all that treated users did."""
    config = SimulationConfig(events=200_000, seed=22, experiment_effect=0.0, files="parquet")
    folder = tmp_path_factory.mktemp("torn")
    made = simulate(config, folder / "raw")
    project = make_shop(folder / "shop", raw=made.out, extra=TRIED)
    variant = variant_sql(project.settings.experiments[0], "user_id", "null")
    with connect() as connection:
        for file in made.files["events"]:
            lost = f"device = 'tablet' and {variant} = 'treatment'"
            kept = file.with_suffix(".kept")
            connection.execute(
                f"copy (from read_parquet({quote_text(str(file))}) where not coalesce({lost}, false)) "
                f"to {quote_text(str(kept))} (format parquet)"
            )
            shutil.move(kept, file)
    take_in(project)
    build(project)
    return project


def test_a_split_that_chance_does_not_explain_is_invalid(torn):
    reading = asked(torn, "results")
    (verdict,) = reading["verdicts"]
    assert verdict["decision"] == "invalid"
    assert verdict["reason"].startswith("sample ratio mismatch: ")
    assert "`shopwright experiment audit" in verdict["reason"]


def test_the_audit_traces_it_to_the_device(torn):
    found = asked(torn, "audit", "--simulations", "100")
    assert found["sample_ratio"]["is_mismatch"] is True
    first = found["suspects"][0]
    assert (first["dimension"], first["value"], first["explains_all"]) == ("device", "tablet", True)
    devices = [each["value"] for each in found["suspects"] if each["dimension"] == "device"]
    assert devices == ["tablet"]
    told = run(torn, "experiment", "audit", "checkout", "--simulations", "100").stdout
    assert "Sample ratio mismatch: " in told
    assert "tablet" in told


# --- the real file ----------------------------------------------------------------------------------------


def test_a_real_file_is_read_and_found_too_small_rather_than_anything_claimed(real_data, tmp_path):
    file = real_data / "rees46" / "2019-Oct.csv"
    project = built(tmp_path / "shop", file, adapter="rees46", tried=TRIED_IN_OCTOBER)
    reading = asked(project, "results")
    (verdict,) = reading["verdicts"]
    assert verdict["decision"] == "keep running"
    assert "the sample is too small" in verdict["reason"]
    assert reading["simulated_events"] == 0
    assert min(reading["units"].values()) > 100


def test_an_effect_simulated_on_a_real_file_is_not_claimed_either_and_is_no_secret(real_data, tmp_path):
    file = real_data / "rees46" / "2019-Oct.csv"
    project = built(tmp_path / "shop", file, adapter="rees46", tried=TRIED_IN_OCTOBER, has_effect=True)
    reading = asked(project, "results")
    assert reading["verdicts"][0]["decision"] == "keep running"
    assert reading["simulated_events"] > 0
