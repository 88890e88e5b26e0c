"""The segmentation package end to end: training, evaluation, audit, artifact, scores and explanations."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from io import StringIO

import duckdb
import numpy as np
import pytest
from rich.console import Console

from shopwright.cli.explain_tables import print_explanation
from shopwright.cli.model_tables import print_training
from shopwright.core.errors import ConfigurationError, DataError
from shopwright.evaluation.leaks import Finding
from shopwright.models.lifecycle import TrainedVersion
from shopwright.models.plots import write_waterfall
from shopwright.models.protocol import TrainingContext, VersionRef
from shopwright.models.recording import seal
from shopwright.models.scores import write_scores
from shopwright.models.segmentation import MODEL
from shopwright.models.segmentation.customers import draw, snapshot_dates
from shopwright.models.segmentation.evaluate import NOT_STABLE, STABLE, assess_segments, gate_segments
from shopwright.registry import Version
from shopwright.settings import ModelSettings
from tests.models.segmentation.conftest import planted_customers
from tests.models.segmentation.shop import TODAY, publish, publish_orders

EARLIER = date(2025, 2, 1)


@pytest.fixture(scope="module")
def spec(quick):
    return replace(MODEL, config=quick)


@pytest.fixture(scope="module")
def customers():
    return planted_customers(800, seed=7)[0]


@pytest.fixture(scope="module")
def published(customers, tmp_path_factory):
    # A month ago the last hundred were none yet, and the first two hundred bought as others do now.
    then = replace(customers, values=np.roll(customers.values, 200, axis=0)).take(np.arange(700))
    march = customers.take(np.arange(750))
    snapshots = {EARLIER: then, date(2025, 3, 1): march, TODAY: customers}
    return publish(tmp_path_factory.mktemp("published"), snapshots)


@pytest.fixture(scope="module")
def training(spec, published):
    return spec.train(TrainingContext(published=published, settings=ModelSettings(seed=5)))


@pytest.fixture(scope="module")
def folder(training, tmp_path_factory):
    made = tmp_path_factory.mktemp("artifact")
    training.files(made)
    return made


@pytest.fixture
def warehouse(published):
    with duckdb.connect(str(published), read_only=True) as connection:
        yield connection


@pytest.fixture
def loaded(spec, folder):
    return spec.load(folder)


def test_planted_segments_are_stable_and_may_go_live(training):
    assert training.verdict.label == STABLE
    assert training.gate.passes
    assert training.findings == ()
    (scores,) = training.scores.values()
    assert {name: score.value > 0.9 for name, score in scores.items() if name != "silhouette"} == {
        "stability": True,
        "agreement": True,
        "macro_f1": True,
    }
    assert all(score.lower is None and score.note.startswith("no interval") for score in scores.values())
    assert training.parameters["seed"] == 5
    assert training.window["training"]["rows"] + training.window["test"]["rows"] == 800


def test_tables_account_for_every_customer(training):
    tables = training.tables
    assert sum(row["customers"] for row in tables["profiles"]) == 800
    assert sum(row["customers_by_rules"] for row in tables["profiles"]) == 800
    assert sum(row["customers"] for row in tables["segment_changes"]) == 800
    assert sum(row["customers"] for row in tables["segment_changes"] if row["from"] == "(new)") == 100
    assert {row["from_date"] for row in tables["segment_changes"]} == {str(EARLIER)}
    assert [row["segments"] for row in tables["choice"] if row["is_chosen"]] == [
        training.parameters["segments"]
    ]
    assert json.loads(json.dumps(tables, allow_nan=False)) == tables


def test_the_same_data_and_seed_give_the_same_files(training, spec, published, folder, tmp_path):
    again = spec.train(TrainingContext(published=published, settings=ModelSettings(seed=5)))
    again.files(tmp_path)
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {
        each.name: each.read_bytes() for each in folder.iterdir()
    }
    assert again.fingerprint == training.fingerprint


def test_the_stored_sql_gives_the_segments_of_the_scores_table(warehouse, loaded, folder):
    columns = loaded.score(warehouse)
    by_sql = warehouse.execute(
        f"select customer_id, {(folder / 'rules.sql').read_text()} from gold.feat_segmentation where is_current"
    ).fetchall()
    assert dict(by_sql) == dict(zip(columns["customer_id"], columns["segment"].tolist(), strict=True))


def test_scores_state_the_segment_of_a_month_ago(warehouse, loaded, spec, folder, tmp_path):
    columns = loaded.score(warehouse)
    then = dict(
        warehouse.execute(
            f"select customer_id, {(folder / 'rules.sql').read_text()} from gold.feat_segmentation where snapshot_date = ?",
            [EARLIER],
        ).fetchall()
    )
    with duckdb.connect(str(tmp_path / "scores.duckdb")) as connection:
        connection.execute("create schema gold")
        write_scores(connection, spec, columns, version=3)
        rows = connection.execute(
            "select customer_id, moved_from, segment_name, as_of_date from gold.scores_segmentation"
        ).fetchall()
    assert {customer: before for customer, before, *_ in rows if before is not None} == then
    assert sum(before is None for _, before, *_ in rows) == 100
    assert {name for *_, name, _ in rows} == set(loaded.segmentation.names)
    assert {day for *_, day in rows} == {date(2025, 3, 9)}  # what was known at midnight of the tenth


def test_an_explanation_names_the_rule_that_is_met(warehouse, loaded, customers):
    columns = loaded.score(warehouse)
    rules = loaded.segmentation.rules
    for place in (0, 300, 790):
        found = loaded.explain(warehouse, str(customers.ids[place]))
        rule = rules.rules[rules.matching_rule(customers)[place]]
        assert found.score_text == columns["segment_name"][place]
        assert found.score == columns["segment"][place] == rule.segment
        assert found.reasons[0] == f"Rule: {rule.text}."
        assert found.values["recency_days"] == customers.column("recency_days")[place]
    assert "not a customer yet" in found.reasons[-1]


def test_an_unknown_customer_is_not_explained(warehouse, loaded):
    with pytest.raises(DataError, match="no customer_id 'o''neill' today"):
        loaded.explain(warehouse, "o''neill")


def test_sentences_are_not_plotted(warehouse, loaded, customers, tmp_path):
    with pytest.raises(ConfigurationError, match="sentences"):
        write_waterfall(loaded.explain(warehouse, str(customers.ids[0])), tmp_path / "why.svg")


def _finding():
    return Finding("look-ahead", "monetary", 3.0, "'monetary' uses the future")


@pytest.mark.parametrize(
    ("config", "findings", "words"),
    [
        ({"min_agreement": 0.999999}, (), "agreement of the rules"),
        ({"min_macro_f1": 0.999999}, (), "macro F1 of the rules"),
        ({}, (_finding(),), "uses the future"),
    ],
)
def test_the_gate_says_why_not(loaded, config, findings, words):
    found = loaded.segmentation
    wrong = replace(found.rules, agreement=0.99, macro_f1=0.99)
    strict = replace(found, rules=wrong, config=found.config.model_copy(update=config))
    gate = gate_segments(strict, findings, None)
    assert not gate.passes
    assert len(gate.reasons) == 1
    assert words in gate.reasons[0]


def test_unstable_segments_do_not_go_live(loaded):
    found = loaded.segmentation
    choice = replace(found.clustering.choice, is_stable=False, reason="no number of them is stable")
    shaky = replace(found, clustering=replace(found.clustering, choice=choice))
    assert assess_segments(shaky, ()).label == NOT_STABLE
    assert gate_segments(shaky, (), 0.9).reasons == (
        f"{choice.segments} segments: no number of them is stable",
    )


def test_a_champion_is_compared_with(spec, published, folder):
    context = TrainingContext(published=published, settings=ModelSettings(seed=5), champion=folder)
    gate = spec.train(context).gate
    assert gate.passes
    assert gate.reasons[-1].endswith("segments of today's customers: 1.00")


def test_reevaluation_on_the_same_customers_gives_the_same_scores(spec, training, published, tmp_path):
    seal(tmp_path, spec, training)
    context = TrainingContext(published=published, settings=ModelSettings(seed=5))
    found = spec.evaluate(context, VersionRef(tmp_path, "version 1"))
    (scores,) = training.scores.values()
    assert found.scores == {"version 1": scores}
    assert found.gate.passes == training.gate.passes
    assert found.tables["segment_changes"] == training.tables["segment_changes"]
    with pytest.raises(DataError, match="no later customers to evaluate version 1 on"):
        spec.evaluate(context, VersionRef(tmp_path, "version 1", "new"))


def test_rules_explain_customers_one_by_one_only(loaded, warehouse):
    with pytest.raises(ConfigurationError, match="Rules put customers"):
        loaded.sample(warehouse, rows=10, seed=1)


def test_customers_beyond_max_rows_are_sampled(spec, published, customers):
    found = spec.train(TrainingContext(published=published, settings=ModelSettings(max_rows=500)))
    assert found.window["training"]["rows"] + found.window["test"]["rows"] == 500
    assert sum(row["customers"] for row in found.tables["segment_changes"]) == 500
    drawn = draw(customers, 500, seed=1)
    assert (drawn.ids[1:] > drawn.ids[:-1]).all()
    assert draw(customers, 800, seed=1) is customers


@pytest.mark.parametrize(
    ("today", "others", "earlier"),
    [
        (date(2025, 3, 31), [date(2025, 3, 1), date(2025, 2, 1)], date(2025, 2, 1)),
        (date(2025, 3, 31), [date(2025, 2, 28), date(2025, 3, 1)], date(2025, 2, 28)),
        (date(2025, 1, 1), [date(2024, 12, 1), date(2024, 11, 1)], date(2024, 12, 1)),
        (date(2025, 1, 20), [date(2025, 1, 1)], None),
    ],
)
def test_changes_count_from_a_month_before(today, others, earlier, customers, tmp_path):
    few = customers.take(np.arange(3))
    file = publish(tmp_path, dict.fromkeys([today, *others], few), today=today)
    with duckdb.connect(str(file), read_only=True) as connection:
        assert snapshot_dates(connection) == (today, earlier)


def test_a_shop_of_this_month_has_no_changes(spec, customers, tmp_path):
    file = publish(tmp_path, {TODAY: customers})
    training = spec.train(TrainingContext(published=file, settings=ModelSettings()))
    training.files(tmp_path)
    with duckdb.connect(str(file), read_only=True) as connection:
        loaded = spec.load(tmp_path)
        assert set(loaded.score(connection)["moved_from"]) == {None}
        assert not any(
            "by the same rules" in reason for reason in loaded.explain(connection, "c000001").reasons
        )
    assert training.tables["segment_changes"] == []
    assert "no snapshot from a month before" in _printed(training)


def test_missing_requirements_are_stated(spec, customers, tmp_path):
    with duckdb.connect() as empty:
        assert (
            spec.missing_requirement(empty)
            == "it needs orders of known customers, and a build with this version (`shopwright build`)"
        )
    file = publish(tmp_path, {TODAY: customers.take(np.arange(0))})
    with duckdb.connect(str(file), read_only=True) as connection:
        assert spec.missing_requirement(connection) == "it needs orders of known customers"


def test_too_few_customers_are_refused(spec, customers, tmp_path):
    file = publish(tmp_path, {TODAY: customers.take(np.arange(40))})
    with pytest.raises(DataError, match="40 customers are too few"):
        spec.train(TrainingContext(published=file, settings=ModelSettings()))


def test_the_audit_passes_features_that_end_at_their_snapshot(spec, tmp_path):
    file = publish_orders(tmp_path, booked="booked_date < snapshot_date")
    findings, compared = spec.audit(TrainingContext(published=file, settings=ModelSettings(seed=3)))
    assert findings == ()
    assert compared > 100


@pytest.mark.parametrize("booked", ["booked_date <= snapshot_date + 30", "booked_date >= date '2024-01-01'"])
def test_the_audit_finds_lines_booked_after_the_snapshot(booked, spec, tmp_path):
    file = publish_orders(tmp_path, booked=booked)
    findings, _ = spec.audit(TrainingContext(published=file, settings=ModelSettings(seed=3)))
    assert {"monetary", "refund_rate", "mean_distinct_items"} <= {each.feature for each in findings}


def _printed(training):
    written = StringIO()
    print_training(Console(file=written, width=120), MODEL, TrainedVersion(training, 1, is_champion=True))
    return written.getvalue()


def test_printed_training_shows_all_tables(training, loaded, warehouse, customers):
    text = _printed(training)
    for row in training.tables["profiles"]:
        assert row["name"] in text
    for words in (
        "stable: ",
        "Scores on the 800 customers of 2025-03-10",
        "Choice of the number of segments",
        "rules.sql",
        "(new)",
        "Champions",
    ):
        assert words in text
    written = StringIO()
    explanation = loaded.explain(warehouse, str(customers.ids[0]))
    version = Version("segmentation", 4, None, (), "", STABLE, training.gate, {}, "", "", {})
    print_explanation(Console(file=written, width=120), explanation, version)
    assert f"c000000: {explanation.score_text} as of 2025-03-10T00:00 by version 4" in written.getvalue()
    assert all(reason.split()[0] in written.getvalue() for reason in explanation.reasons)
