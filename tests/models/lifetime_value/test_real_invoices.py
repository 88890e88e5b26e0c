"""The customers of the real invoices: what half a year of them tells of the next."""

from __future__ import annotations

import shutil

import duckdb
import pytest

from shopwright.models import lifecycle
from shopwright.models.lifetime_value import MODEL
from shopwright.registry import Registry
from shopwright.settings import load_project
from tests.warehouse.real_shops import real_shop

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(real_data, tmp_path_factory):
    """A copy: scores are written into it, and other tests read the shop that it is one of."""
    built = real_shop(tmp_path_factory, "online-retail", real_data / "online_retail")
    root = tmp_path_factory.mktemp("values") / "shop"
    shutil.copytree(built.root, root)
    return load_project(root)


@pytest.fixture(scope="module")
def trained(project):
    return lifecycle.train(project, MODEL)


def test_value_is_ranked_well_but_no_better_than_by_what_was_spent_so_far(trained):
    training = trained.training
    own, plain = (training.scores[name] for name in (training.kind, "value so far"))
    assert own["gini"].value == pytest.approx(0.825, abs=0.01)
    assert plain["gini"].value == pytest.approx(0.839, abs=0.01)
    assert own["gini"].value > training.scores["spending rate"]["gini"].value + 0.04
    assert training.verdict.baseline == "value so far"
    assert training.verdict.label == "not predictable with this data"
    assert not trained.is_champion


def test_intervals_hold_what_they_promise_on_the_next_half_year(trained):
    own = trained.training.scores[trained.training.kind]
    assert 0.77 <= own["interval_coverage"].value <= 0.83


def test_nothing_leaks(trained):
    assert not trained.training.findings


def test_every_customer_has_a_value_once_a_version_serves(project, trained):
    Registry(project).promote(MODEL.name, trained.version, force_reason="to score with it")
    rows, _ = lifecycle.score(project, MODEL)
    with duckdb.connect(str(project.published), read_only=True) as connection:
        found = connection.execute(
            "select count(*), count(distinct customer_id), count(long_horizon_value), "
            "count(*) filter (horizon_value_lower <= horizon_value and horizon_value <= horizon_value_upper * 1.5), "
            "max(as_of_date)::varchar from gold.scores_lifetime_value"
        ).fetchone()
    assert found[:3] == (rows, rows, rows)
    assert rows > 4_000
    assert found[3] > 0.99 * rows
    assert found[4] == "2011-12-09"


def test_the_best_customer_is_explained(project, trained):
    explanation, version = lifecycle.explain(project, MODEL, "14646")
    assert version.number == trained.version
    assert explanation.score > 50_000
    assert explanation.contributions["value_per_purchase"] > 1
