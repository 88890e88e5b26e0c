"""From a shop's order lines to a comparison model and the scores of its customers."""

from __future__ import annotations

import shutil
from dataclasses import replace

import duckdb
import numpy as np
import pytest

from shopwright.core.engine import connect
from shopwright.core.errors import DataError
from shopwright.models import MODELS
from shopwright.models.lifetime_value import COLUMNS, MODEL
from shopwright.models.lifetime_value.artifact import save_candidate
from shopwright.models.lifetime_value.baselines import BASELINES
from shopwright.models.lifetime_value.candidates import Selection, Snapshots, fit_candidates, select_candidate
from shopwright.models.lifetime_value.comparison import Comparison, long_horizon_rows
from shopwright.models.lifetime_value.features import FEATURE_VIEW
from shopwright.models.lifetime_value.score import LoadedLifetimeValue
from shopwright.models.protocol import TrainingContext, VersionRef
from shopwright.models.recording import seal
from shopwright.settings import ModelSettings
from tests.models.lifetime_value.marketplace import CONFIG, feature_view, write_shop


@pytest.fixture(scope="module")
def folder(training, tmp_path_factory):
    found = tmp_path_factory.mktemp("artifact")
    training.files(found)
    return found


@pytest.fixture(scope="module")
def loaded(folder):
    return MODEL.load(folder)


def test_the_spec_is_one_of_the_models():
    assert MODEL in MODELS


def test_customers_who_buy_as_the_models_say_are_predictable(training):
    assert training.verdict.label == "predictable"
    assert not training.findings


def test_a_biased_model_does_not_go_live(training):
    bias = training.scores[training.kind]["bias"]
    assert bias.lower < 0.02  # What is off comes by chance: these customers buy as the models say.
    assert training.gate.passes == (abs(bias.value) <= 0.1)


def test_baselines_and_candidates_have_the_same_metrics(training):
    assert next(iter(training.scores)) == training.kind
    assert {*BASELINES, "bg_nbd", "mbg_nbd", "pareto_nbd", "xgboost", "lightgbm"} == set(training.scores)
    assert len({tuple(own) for own in training.scores.values()}) == 1
    own = training.scores[training.kind]
    assert all(score.lower <= score.value <= score.upper for score in own.values())
    assert training.scores["spending rate"]["interval_coverage"].reason == "it has no intervals"


def test_the_outcome_of_the_validation_was_known_at_the_test(training, snapshots):
    assert snapshots.validation + np.timedelta64(CONFIG.horizon_days, "D") <= snapshots.test
    days = [np.datetime64(training.window[name]["snapshot_date"]) for name in ("validation", "test")]
    assert days == [snapshots.validation, snapshots.test]
    assert np.datetime64(training.window["training"]["last_snapshot"]) + CONFIG.horizon_days <= days[1]


def test_data_after_the_test_snapshot_does_not_change_training(frame, snapshots, candidates, training):
    later = frame.decided_at + np.timedelta64(CONFIG.horizon_days, "D") > snapshots.test
    other = dict(frame.columns)
    for name in ("value_182d", "purchase_count_182d", "value_365d", "purchase_count_365d"):
        other[name] = np.where(later, 3.0, frame.columns[name])
    changed = replace(frame, columns=other)
    choice = select_candidate(changed, snapshots, CONFIG, trials=1, seed=1)
    assert choice.rows == training.tables["selection"]
    again = {each.kind: each for each in fit_candidates(changed, snapshots.test, choice, CONFIG, seed=1)}
    some = frame.take(np.flatnonzero(frame.decided_at == snapshots.test)[::20])
    for kind, each in candidates.items():
        np.testing.assert_array_equal(
            again[kind].expected(some, CONFIG.horizon_days), each.expected(some, CONFIG.horizon_days)
        )


def test_deciles_decrease_and_cover_all_customers(training):
    rows = training.tables["deciles"]
    predicted = [row["mean_predicted"] for row in rows]
    assert predicted == sorted(predicted, reverse=True)
    assert sum(row["customers"] for row in rows) == training.window["test"]["rows"]
    assert sum(row["share_of_actual"] for row in rows) == pytest.approx(1)
    assert rows[0]["mean_actual"] > 3 * rows[-1]["mean_actual"]


def test_the_point_forecast_of_counts_has_less_absolute_error_and_the_same_total(training):
    rows = {(row["kind"], row["forecast"]): row for row in training.tables["purchases"]}
    mean, point = (rows["pareto_nbd", forecast] for forecast in ("mean", "common quantile"))
    assert point["mae"] < mean["mae"]
    assert point["bias"] == pytest.approx(mean["bias"], abs=1e-6)
    assert point["interval_coverage"] == pytest.approx(0.8, abs=0.03)


def test_the_long_horizon_is_evaluated_where_it_is_known(training, frame):
    rows = training.tables["long_horizon"]
    known = frame.decided_at[~np.isnan(frame.columns["value_365d"])]
    assert {row["snapshot_date"] for row in rows} == {str(known.max())[:10]}
    assert {row["kind"] for row in rows} >= {"bg_nbd", "spending rate"}


def test_too_few_customers_a_year_ago_leave_a_note(frame, snapshots):
    few = frame.take((frame.decided_at == snapshots.test) | (np.arange(len(frame)) % 200 == 0))
    choice = Selection(boosting=None, parameters={}, rows=[])
    (row,) = long_horizon_rows(few, choice, CONFIG, seed=1)
    assert row["note"].startswith("no model could be fitted at that time")


def test_every_customer_of_today_has_a_row_of_scores(loaded, gold):
    found = loaded.score(gold)
    assert tuple(found) == tuple(COLUMNS)
    (count,) = gold.execute("select count(distinct customer_id) from silver.int_order_lines").fetchone()
    assert len(found["customer_id"]) == len(set(found["customer_id"])) == count
    for prefix in ("horizon", "long_horizon"):
        value = found[f"{prefix}_value"]
        assert (value > 0).all()
        assert (found[f"{prefix}_value_lower"] <= found[f"{prefix}_value_upper"]).all()
    assert (found["long_horizon_value"] > found["horizon_value"]).all()


def test_contributions_of_an_explanation_add_up_to_the_score(loaded, gold):
    found = loaded.score(gold)
    best = int(np.argmax(found["horizon_value"]))
    why = loaded.explain(gold, found["customer_id"][best])
    assert why.score == pytest.approx(found["horizon_value"][best])
    assert np.exp(why.base + sum(why.contributions.values())) == pytest.approx(why.score)
    assert why.score_text == f"{why.score:,.2f} in the next 182 days"
    assert set(why.values) == set(why.contributions)
    assert any("Probability of being alive" in reason for reason in why.reasons)


def test_trees_explain_too(candidates, gold):
    why = LoadedLifetimeValue(candidates["xgboost"]).explain(gold, "c7")
    assert np.exp(why.base + sum(why.contributions.values())) == pytest.approx(why.score, rel=1e-4)
    assert {"buys: silent_days", "spends: mean_value"} <= set(why.contributions)


def test_an_unknown_customer_is_reported(loaded, gold):
    with pytest.raises(DataError, match="no customer_id 'nobody'"):
        loaded.explain(gold, "nobody")


def test_artifacts_are_plain_files_and_state_the_features(training, tmp_path):
    described = training.files(tmp_path)["features"]
    assert [each["name"] for each in described["features"]] == list(training.features)
    assert {each.suffix for each in tmp_path.iterdir()} <= {".json", ".ubj", ".txt"}


def test_reevaluation_on_the_same_customers_gives_the_same_scores(training, context, tmp_path):
    seal(tmp_path, MODEL, training)
    found = MODEL.evaluate(context, VersionRef(tmp_path, "version 1"))
    assert found.scores["version 1"] == training.scores[training.kind]
    assert (found.verdict, found.gate) == (training.verdict, training.gate)
    assert found.tables["deciles"] == training.tables["deciles"]
    assert sum(row["share"] for row in found.tables["predictive_cdf"]) == pytest.approx(1)
    with pytest.raises(DataError, match="no later customers to evaluate version 1 on"):
        MODEL.evaluate(context, VersionRef(tmp_path, "version 1", "new"))


def test_a_version_is_not_evaluated_on_earlier_data(training, tmp_path):
    seal(tmp_path, MODEL, training)
    short = write_shop(tmp_path.parent / "warehouse.duckdb", days=500)
    with pytest.raises(DataError, match="no later customers"):
        MODEL.evaluate(
            TrainingContext(published=short, settings=ModelSettings()), VersionRef(tmp_path, "version 1")
        )


def test_contributions_of_a_sample_add_up(candidates, gold):
    for kind in ("bg_nbd", "lightgbm"):
        loaded = LoadedLifetimeValue(candidates[kind])
        sample = loaded.sample(gold, rows=40, seed=2)
        assert sample.contributions.shape == (40, len(sample.names))
        assert set(sample.values) == set(sample.names)
    score = loaded.score(gold)["horizon_value"]
    assert np.exp(sample.base + sample.contributions.sum(axis=1)).min() >= score.min() * 0.999


def test_a_champion_is_compared_on_the_same_customers(frame, snapshots, candidates):
    comparison = Comparison.from_candidates(
        frame,
        snapshots.test,
        {"bg_nbd": candidates["bg_nbd"], "champion": candidates["bg_nbd"]},
        CONFIG,
        days=CONFIG.horizon_days,
        seed=1,
    )
    gate = comparison.check_gate(comparison.scores()["bg_nbd"], comparison.baseline_differences(), [])
    assert not gate.passes
    assert any("the champion" in reason for reason in gate.reasons)


def test_a_year_of_orders_leaves_trees_out_with_a_note(tmp_path):
    published = write_shop(tmp_path / "warehouse.duckdb", days=330, customers=700, every=30)
    training = MODEL.train(TrainingContext(published=published, settings=ModelSettings(trials=1)))
    assert training.window["validation"] is None
    for kind in ("xgboost", "lightgbm"):
        assert kind not in training.scores
        said = f"{kind} left out: no outcome of 182 days was known"
        assert any(note.startswith(said) for note in training.notes)
    likelihoods = [row["log_likelihood"] for row in training.tables["fits"]]
    assert training.tables["fits"][0]["kind"] == training.kind
    assert likelihoods[0] == pytest.approx(max(likelihoods), abs=0.1)


def test_half_a_year_of_orders_is_too_little(tmp_path):
    published = write_shop(tmp_path / "warehouse.duckdb", days=150, customers=100, every=30)
    with pytest.raises(DataError, match="no snapshot is 182 days old yet"):
        MODEL.train(TrainingContext(published=published, settings=ModelSettings()))


def test_a_shop_without_the_view_misses_a_requirement(tmp_path):
    with duckdb.connect(str(tmp_path / "empty.duckdb")) as connection:
        assert (
            MODEL.missing_requirement(connection)
            == f"{MODEL.needs}, and a build with this version (`shopwright build`)"
        )


def test_a_complete_shop_misses_nothing(published):
    with connect(published, read_only=True) as connection:
        assert MODEL.missing_requirement(connection) is None


def test_the_audit_compares_thousands_of_decisions_and_finds_nothing(context):
    findings, compared = MODEL.audit(context)
    assert not findings
    assert compared > 2_000


def test_a_view_that_looks_a_month_ahead_is_caught(tmp_path, context):
    honest = "snapshots.snapshot_date > booked_days.booked_date"
    assert honest in feature_view()
    leaking = feature_view().replace(honest, "snapshots.snapshot_date + 30 > booked_days.booked_date")
    published = write_shop(tmp_path / "warehouse.duckdb", customers=300, view=leaking)
    findings, _ = MODEL.audit(replace(context, published=published))
    assert {each.kind for each in findings} == {"look-ahead"}
    assert {"repeat_count", "value_total"} <= {each.feature for each in findings}


def test_the_same_data_and_seed_give_the_same_files(training, candidates, folder, tmp_path):
    save_candidate(candidates[training.kind], tmp_path)
    assert {file.name for file in folder.iterdir()} == {file.name for file in tmp_path.iterdir()}
    for file in folder.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes()


def test_features_are_those_of_the_view(gold):
    columns = {row[0] for row in gold.execute(f"describe {FEATURE_VIEW.table}").fetchall()}
    assert {each.name for each in FEATURE_VIEW.features} < columns


def test_without_known_outcomes_there_is_no_snapshot(frame):
    unknown = replace(frame, columns=frame.columns | {"value_182d": np.full(len(frame), np.nan)})
    with pytest.raises(DataError, match="no snapshot"):
        Snapshots.from_training_set(unknown, CONFIG)


def test_duplicate_decisions_are_reported(tmp_path, published, context):
    twice = tmp_path / "warehouse.duckdb"
    shutil.copyfile(published, twice)
    with duckdb.connect(str(twice)) as connection:
        connection.execute("create table gold.copied as select * from gold.feat_lifetime_value")
        connection.execute("drop view gold.feat_lifetime_value")
        connection.execute(
            "insert into gold.copied select * from gold.copied where horizon_value is not null limit 3"
        )
        connection.execute("alter table gold.copied rename to feat_lifetime_value")
    with pytest.raises(DataError, match="has 3 duplicate decisions"):
        MODEL.train(replace(context, published=twice))
