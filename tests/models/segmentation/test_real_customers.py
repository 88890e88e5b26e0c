"""The customers of the real invoices, from the raw file to segments."""

from __future__ import annotations

import shutil
from datetime import date

import duckdb
import numpy as np
import pytest

from shopwright.models import lifecycle
from shopwright.models.segmentation import MODEL
from shopwright.models.segmentation.changes import count_changes
from shopwright.models.segmentation.customers import read_customers
from shopwright.models.segmentation.evaluate import STABLE
from shopwright.models.segmentation.train import fit_segmentation
from shopwright.registry import Registry
from shopwright.settings import load_project
from tests.warehouse.real_shops import real_shop

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(real_data, tmp_path_factory):
    return real_shop(tmp_path_factory, "online-retail", real_data / "online_retail")


@pytest.fixture(scope="module")
def project(built, tmp_path_factory):
    """A copy: scores are written into it, and other tests read the shop that it is one of."""
    root = tmp_path_factory.mktemp("segments") / "shop"
    shutil.copytree(built.root, root)
    return load_project(root)


@pytest.fixture(scope="module")
def gold(built):
    with duckdb.connect(str(built.published), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def customers(gold):
    return read_customers(gold)


@pytest.fixture(scope="module")
def segmentation(customers):
    return fit_segmentation(customers)


def test_features_of_today_agree_with_what_customers_are_worth(gold):
    # No order of this shop is canceled by its status, so both tell of the same orders.
    different = gold.execute(
        "select count(*) filter (frequency <> counted_order_count), count(*) filter (monetary <> historical_value_amount), "
        "count(*) filter (f.recency_days <> l.recency_days + 1), count(*) filter (f.tenure_days <> l.tenure_days + 1), count(*) "
        "from gold.feat_segmentation as f join gold.fct_customer_ltv as l using (customer_id) where is_current"
    ).fetchone()
    buyers = gold.execute(
        "select count(distinct customer_id) from gold.fct_orders where is_counted"
    ).fetchone()
    assert different == (0, 0, 0, 0, *buyers)


def test_segments_are_stable_and_match_their_rules(segmentation):
    assert segmentation.clustering.choice.is_stable
    assert segmentation.clustering.choice.selected.stability > 0.8
    assert segmentation.rules.agreement >= 0.94
    assert segmentation.rules.macro_f1 > 0.86
    assert len(set(segmentation.names)) == segmentation.clustering.segments


def test_another_seed_finds_nearly_the_same_segments(segmentation, customers):
    from sklearn.metrics import adjusted_rand_score

    other = fit_segmentation(customers, segmentation.config.model_copy(update={"seed": 2}))
    labels = segmentation.clustering.label(customers)
    assert adjusted_rand_score(labels, other.clustering.label(customers)) > 0.8
    assert other.rules.agreement >= 0.94


def test_sql_and_python_label_all_snapshots_alike(gold, segmentation):
    rules = segmentation.rules
    for snapshot in (date(2011, 1, 1), date(2011, 6, 1), date(2011, 12, 10)):
        customers = read_customers(gold, snapshot_date=snapshot)
        found = gold.execute(
            f"select customer_id, {rules.to_sql()} from gold.feat_segmentation where snapshot_date = ?",
            [snapshot],
        ).fetchall()
        assert dict(found) == dict(zip(customers.ids.tolist(), rules.label(customers).tolist(), strict=True))


def test_training_and_scoring_label_all_customers_as_the_sql_does(gold, project):
    trained = lifecycle.train(project, MODEL)
    training = trained.training
    (scores,) = training.scores.values()
    assert (training.verdict.label, training.findings, trained.is_champion) == (STABLE, (), True)
    assert scores["stability"].value > 0.8
    assert scores["agreement"].value >= 0.94
    assert scores["macro_f1"].value > 0.86
    rows, version = lifecycle.score(project, MODEL)
    sql = (Registry(project).fetch(MODEL.name, version.number) / "rules.sql").read_text()
    with duckdb.connect(str(project.published), read_only=True) as connection:
        told, different = connection.execute(
            f"select count(*), count(*) filter (segment <> ({sql})) from gold.scores_segmentation "
            "join gold.feat_segmentation using (customer_id) where is_current"
        ).fetchone()
    assert (told, different) == (rows, 0)
    assert rows == len(read_customers(gold))


def test_the_audit_of_the_real_features_finds_nothing(project):
    findings, compared = lifecycle.audit(project, MODEL)
    assert findings == ()
    assert compared > 10_000


def test_segment_changes_account_for_all_customers(gold, segmentation):
    labelled = [
        (customers.ids, segmentation.rules.label(customers))
        for customers in (read_customers(gold, snapshot_date=date(2011, month, 1)) for month in (10, 11))
    ]
    found = count_changes(*labelled, names=segmentation.names)
    counts = np.array(found.counts)
    assert counts.sum() == len(labelled[1][0])
    assert counts[:, -1].sum() == 0  # nobody ceases to have ordered
    assert found.stayed > 0.7
