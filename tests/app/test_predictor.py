"""The predictor: groups that the model knows, and what the session was told by."""

from __future__ import annotations

import pytest

from shopwright.app import api_client
from shopwright.reports import PublishedWarehouse, read_filter_values

PREDICTION = {
    "probability": 0.4,
    "risk_band": "medium",
    "model": "abandonment",
    "model_version": "1",
    "data_date": "2025-01-07",
    "outside_training": [],
    "reasons": {
        "base": 0.1,
        "contributions": {"total_views": 0.2, "experiment_group": 0.3},
        "log_odds": 0.6,
    },
}


@pytest.fixture
def predictor(open_page, clicks, monkeypatch):
    """The page over an answer of the service."""
    monkeypatch.setattr(api_client, "predict", lambda _session: PREDICTION)
    return open_page(clicks, "predictor.py")


def _chart(page):
    return page.get("plotly_chart")[0].proto.spec


def test_only_groups_of_the_shops_own_scheme_are_offered(predictor, clicks):
    with PublishedWarehouse(clicks.published, threads=2).connection() as connection:
        assert any(":" in name for name in read_filter_values(connection).experiments)
    assert predictor.selectbox[0].options == ["control", "treatment", "unknown"]


def test_an_unknown_group_is_labeled_unknown(predictor):
    assert "unknown" not in _chart(predictor)
    predictor.selectbox[0].select("unknown").run()
    assert not predictor.exception
    assert "experiment group = unknown" in _chart(predictor)
    assert "total views = 6" in _chart(predictor)
