"""From a shop's order lines to a judged model and the scores of its customers."""

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
from shopwright.models.lifetime_value.candidates import Choice, Moments, choose, field_at
from shopwright.models.lifetime_value.features import FEATURE_VIEW, HORIZONS, JUDGED
from shopwright.models.lifetime_value.judging import Judged, twelve_months
from shopwright.models.lifetime_value.room import LoadedLifetimeValue
from shopwright.models.protocol import TrainingContext, VersionRef
from shopwright.models.recording import seal
from shopwright.settings import ModelSettings
from tests.models.lifetime_value.marketplace import feature_view, write_shop


@pytest.fixture(scope="module")
def folder(training, tmp_path_factory):
    found = tmp_path_factory.mktemp("artifact")
    training.files(found)
    return found


@pytest.fixture(scope="module")
def loaded(folder):
    return MODEL.load(folder)


def test_the_room_is_one_of_the_models():
    assert MODEL in MODELS


def test_customers_who_buy_as_the_models_say_are_predictable(training):
    assert training.verdict.label == "predictable"
    assert not training.findings


def test_who_is_off_by_more_than_a_tenth_of_the_total_does_not_serve(training):
    bias = training.scores[training.kind]["bias"]
    assert bias.lower < 0.02  # What is off comes by chance: these customers buy as the models say.
    assert training.gate.passes == (abs(bias.value) <= 0.1)


def test_baselines_and_all_candidates_stand_in_the_table_with_the_same_measures(training):
    assert next(iter(training.scores)) == training.kind
    assert {*BASELINES, "bg_nbd", "mbg_nbd", "pareto_nbd", "xgboost", "lightgbm"} == set(training.scores)
    assert len({tuple(own) for own in training.scores.values()}) == 1
    own = training.scores[training.kind]
    assert all(score.lower <= score.value <= score.upper for score in own.values())
    assert training.scores["as before"]["interval_coverage"].reason == "it gives no intervals"


def test_the_outcome_of_the_validation_was_known_at_the_test(training, moments):
    assert moments.validation + np.timedelta64(JUDGED, "D") <= moments.test
    days = [np.datetime64(training.window[name]["snapshot_date"]) for name in ("validation", "test")]
    assert days == [moments.validation, moments.test]
    assert np.datetime64(training.window["training"]["last_snapshot"]) + JUDGED <= days[1]


def test_what_came_after_the_test_snapshot_changes_nothing_that_is_learnt(frame, moments, field, training):
    later = frame.decided_at + np.timedelta64(JUDGED, "D") > moments.test
    other = dict(frame.columns)
    for name in ("value_182d", "purchase_count_182d", "value_365d", "purchase_count_365d"):
        other[name] = np.where(later, 3.0, frame.columns[name])
    changed = replace(frame, columns=other)
    choice = choose(changed, moments, trials=1, seed=1)
    assert choice.rows == training.tables["choice"]
    again = {each.kind: each for each in field_at(changed, moments.test, choice, seed=1)}
    some = frame.take(np.flatnonzero(frame.decided_at == moments.test)[::20])
    for kind, each in field.items():
        np.testing.assert_array_equal(again[kind].expected(some, JUDGED), each.expected(some, JUDGED))


def test_deciles_fall_and_hold_everybody(training):
    rows = training.tables["deciles"]
    foretold = [row["mean_predicted"] for row in rows]
    assert foretold == sorted(foretold, reverse=True)
    assert sum(row["customers"] for row in rows) == training.window["test"]["rows"]
    assert sum(row["share_of_actual"] for row in rows) == pytest.approx(1)
    assert rows[0]["mean_actual"] > 3 * rows[-1]["mean_actual"]


def test_the_point_forecast_of_counts_has_less_absolute_error_and_the_same_total(training):
    rows = {(row["kind"], row["forecast"]): row for row in training.tables["purchases"]}
    mean, point = (rows["pareto_nbd", forecast] for forecast in ("mean", "common quantile"))
    assert point["mae"] < mean["mae"]
    assert point["bias"] == pytest.approx(mean["bias"], abs=1e-6)
    assert point["interval_coverage"] == pytest.approx(0.8, abs=0.03)


def test_twelve_months_are_judged_where_they_are_known(training, frame):
    rows = training.tables["twelve_months"]
    known = frame.decided_at[~np.isnan(frame.columns["value_365d"])]
    assert {row["snapshot_date"] for row in rows} == {str(known.max())[:10]}
    assert {row["kind"] for row in rows} >= {"bg_nbd", "as before"}


def test_a_year_ago_may_have_had_too_few_customers_to_fit_anything(frame, moments):
    few = frame.take((frame.decided_at == moments.test) | (np.arange(len(frame)) % 200 == 0))
    choice = Choice(trees=None, settings={}, rows=[])
    (row,) = twelve_months(few, choice, seed=1)
    assert row["note"].startswith("nothing could be fitted then: ")


def test_every_customer_of_today_has_a_row_of_scores(loaded, gold):
    found = loaded.score(gold)
    assert tuple(found) == tuple(COLUMNS)
    (count,) = gold.execute("select count(distinct customer_id) from silver.int_order_lines").fetchone()
    assert len(found["customer_id"]) == len(set(found["customer_id"])) == count
    for days in HORIZONS:
        value = found[f"value_{days}d"]
        assert (value > 0).all()
        assert (found[f"value_{days}d_lower"] <= found[f"value_{days}d_upper"]).all()
    assert (found["value_365d"] > found["value_182d"]).all()


def test_a_customer_is_explained_by_what_their_score_is_made_of(loaded, gold):
    found = loaded.score(gold)
    best = int(np.argmax(found["value_182d"]))
    why = loaded.explain(gold, found["customer_id"][best])
    assert why.score == pytest.approx(found["value_182d"][best])
    assert np.exp(why.base + sum(why.contributions.values())) == pytest.approx(why.score)
    assert why.score_text == f"{why.score:,.2f} in the next 182 days"
    assert set(why.values) == set(why.contributions)
    assert any("alive with a chance of" in reason for reason in why.reasons)


def test_trees_explain_too(field, gold):
    why = LoadedLifetimeValue(field["xgboost"]).explain(gold, "c7")
    assert np.exp(why.base + sum(why.contributions.values())) == pytest.approx(why.score, rel=1e-4)
    assert {"buys: silent_days", "spends: mean_value"} <= set(why.contributions)


def test_an_unknown_customer_is_told(loaded, gold):
    with pytest.raises(DataError, match="no customer_id 'nobody'"):
        loaded.explain(gold, "nobody")


def test_files_are_plain_and_say_the_features(training, tmp_path):
    described = training.files(tmp_path)["features"]
    assert [each["name"] for each in described["features"]] == list(training.features)
    assert {each.suffix for each in tmp_path.iterdir()} <= {".json", ".ubj", ".txt"}


def test_judged_anew_on_the_same_customers_a_version_gets_the_same_scores(training, context, tmp_path):
    seal(tmp_path, MODEL, training)
    found = MODEL.evaluate(context, VersionRef(tmp_path, "version 1"))
    assert found.scores["version 1"] == training.scores[training.kind]
    assert (found.verdict, found.gate) == (training.verdict, training.gate)
    assert found.tables["deciles"] == training.tables["deciles"]
    assert sum(row["share"] for row in found.tables["standing"]) == pytest.approx(1)
    with pytest.raises(DataError, match="version 1 has no later customers to be judged on yet"):
        MODEL.evaluate(context, VersionRef(tmp_path, "version 1", "new"))


def test_an_earlier_shop_cannot_judge_a_later_version(training, tmp_path):
    seal(tmp_path, MODEL, training)
    short = write_shop(tmp_path.parent / "warehouse.duckdb", days=500)
    with pytest.raises(DataError, match="no later customers"):
        MODEL.evaluate(
            TrainingContext(published=short, settings=ModelSettings()), VersionRef(tmp_path, "version 1")
        )


def test_a_sample_of_customers_adds_up_to_what_they_are_expected_to_spend(field, gold):
    for kind in ("bg_nbd", "lightgbm"):
        loaded = LoadedLifetimeValue(field[kind])
        sample = loaded.sample(gold, rows=40, seed=2)
        assert sample.contributions.shape == (40, len(sample.names))
        assert set(sample.values) == set(sample.names)
    score = loaded.score(gold)["value_182d"]
    assert np.exp(sample.base + sample.contributions.sum(axis=1)).min() >= score.min() * 0.999


def test_a_champion_is_compared_on_the_same_customers(frame, moments, field):
    judged = Judged.of(
        frame, moments.test, {"bg_nbd": field["bg_nbd"], "champion": field["bg_nbd"]}, days=JUDGED, seed=1
    )
    gate = judged.gate(judged.scores()["bg_nbd"], judged.against_baselines(), [])
    assert not gate.passes
    assert any("the champion" in reason for reason in gate.reasons)


def test_a_year_of_orders_leaves_trees_out_and_says_so(tmp_path):
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
    with pytest.raises(DataError, match="no snapshot has been followed by 182 days yet"):
        MODEL.train(TrainingContext(published=published, settings=ModelSettings()))


def test_a_shop_without_the_view_is_told_what_it_needs(tmp_path):
    with duckdb.connect(str(tmp_path / "empty.duckdb")) as connection:
        assert (
            MODEL.missing_requirement(connection)
            == f"{MODEL.needs}, and a build with this version (`shopwright build`)"
        )


def test_the_shop_lacks_nothing(published):
    with connect(published, read_only=True) as connection:
        assert MODEL.missing_requirement(connection) is None


def test_the_audit_compares_thousands_of_decisions_and_finds_nothing(context):
    findings, compared = MODEL.audit(context)
    assert not findings
    assert compared > 2_000


def test_a_view_that_looks_a_month_ahead_is_caught(tmp_path, context):
    honest = "snapshots.snapshot_date > placed.booked_date"
    assert honest in feature_view()
    leaking = feature_view().replace(honest, "snapshots.snapshot_date + 30 > placed.booked_date")
    published = write_shop(tmp_path / "warehouse.duckdb", customers=300, view=leaking)
    findings, _ = MODEL.audit(replace(context, published=published))
    assert {each.kind for each in findings} == {"look-ahead"}
    assert {"repeat_count", "value_total"} <= {each.feature for each in findings}


def test_the_same_data_and_seed_give_the_same_files(training, field, folder, tmp_path):
    save_candidate(field[training.kind], tmp_path)
    assert {file.name for file in folder.iterdir()} == {file.name for file in tmp_path.iterdir()}
    for file in folder.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes()


def test_features_are_those_of_the_view(gold):
    columns = {row[0] for row in gold.execute(f"describe {FEATURE_VIEW.table}").fetchall()}
    assert {each.name for each in FEATURE_VIEW.features} < columns


def test_outcomes_that_are_not_known_leave_no_moment(frame):
    unknown = replace(frame, columns=frame.columns | {"value_182d": np.full(len(frame), np.nan)})
    with pytest.raises(DataError, match="no snapshot"):
        Moments.of(unknown)


def test_a_decision_that_is_there_twice_is_told(tmp_path, published, context):
    twice = tmp_path / "warehouse.duckdb"
    shutil.copyfile(published, twice)
    with duckdb.connect(str(twice)) as connection:
        connection.execute("create table gold.copied as select * from gold.feat_lifetime_value")
        connection.execute("drop view gold.feat_lifetime_value")
        connection.execute(
            "insert into gold.copied select * from gold.copied where value_182d is not null limit 3"
        )
        connection.execute("alter table gold.copied rename to feat_lifetime_value")
    with pytest.raises(DataError, match="holds 3 decisions twice"):
        MODEL.train(replace(context, published=twice))
