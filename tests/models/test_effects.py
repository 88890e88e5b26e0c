"""What features do to scores, as numbers and as pictures."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shopwright.core.errors import ConfigurationError
from shopwright.models.effect_plots import write_beeswarm, write_dependence
from shopwright.models.effects import MAX_VALUES, dependence, summarize
from shopwright.models.protocol import Sample
from shopwright.models.table_plots import draw_tables

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 400


@pytest.fixture
def sample() -> Sample:
    """Recency adds half of itself, carts take away, the device adds by its level, and nothing adds nothing."""
    rng = np.random.default_rng(1)
    recency, carts = rng.normal(size=ROWS), rng.integers(1, 5, ROWS).astype(np.float64)
    carts[:40] = np.nan
    device = rng.choice(np.array(["mobile", "desktop", None], dtype=object), ROWS)
    added = [
        0.5 * recency,
        np.where(np.isnan(carts), 0.3, -0.2 * carts),
        0.1 * (device == "mobile"),
        0 * recency,
    ]
    return Sample(
        names=("device", "recency", "carts", "nothing"),
        contributions=np.column_stack([added[2], added[0], added[1], added[3]]),
        values={"device": device, "recency": recency, "carts": carts, "nothing": np.full(ROWS, np.nan)},
        base=0.7,
        scale="log odds",
        population="decisions",
    )


def test_features_are_told_strongest_first_with_their_direction(sample: Sample) -> None:
    rows = summarize(sample)
    assert [row["feature"] for row in rows] == ["carts", "recency", "device", "nothing"]
    assert [row["direction"] for row in rows] == [pytest.approx(-1), pytest.approx(1), None, None]
    assert rows[1]["mean_absolute_contribution"] == pytest.approx(np.abs(sample.contributions[:, 1]).mean())
    assert rows[1]["from"] < 0 < rows[1]["to"]


def test_a_number_of_few_values_has_a_row_for_each_and_one_for_unknown(sample: Sample) -> None:
    rows = dependence(sample, "carts")
    assert [(row["from"], row["to"]) for row in rows[:-1]] == [(n, n) for n in (1, 2, 3, 4)]
    assert [row["mean_contribution"] for row in rows[:-1]] == pytest.approx([-0.2, -0.4, -0.6, -0.8])
    assert rows[-1]["value"] is None
    assert (rows[-1]["rows"], rows[-1]["mean_contribution"]) == (40, pytest.approx(0.3))
    assert sum(row["rows"] for row in rows) == ROWS


def test_a_number_of_many_values_is_told_by_ranges_that_follow_one_another(sample: Sample) -> None:
    rows = dependence(sample, "recency")
    assert 5 < len(rows) <= MAX_VALUES
    assert sum(row["rows"] for row in rows) == ROWS
    assert all(one["to"] < other["from"] for one, other in pairwise(rows))
    assert all(row["from"] / 2 <= row["mean_contribution"] <= row["to"] / 2 for row in rows)


def test_a_category_is_told_by_its_levels(sample: Sample) -> None:
    rows = {row["value"]: row for row in dependence(sample, "device")}
    assert set(rows) == {"mobile", "desktop", None}
    assert rows["mobile"]["mean_contribution"] == pytest.approx(0.1)
    assert rows["desktop"]["contribution_to"] == 0


def test_a_feature_that_was_never_known_has_one_row(sample: Sample) -> None:
    (row,) = dependence(sample, "nothing")
    assert (row["value"], row["rows"]) == (None, ROWS)


def test_a_feature_that_there_is_not_is_told_with_the_near_one(sample: Sample, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no feature 'recencey'; did you mean 'recency'"):
        dependence(sample, "recencey")
    with pytest.raises(ConfigurationError, match="no feature"):
        write_dependence(sample, "recencey", tmp_path / "x.png")


def test_pictures_are_pictures(sample: Sample, tmp_path: Path) -> None:
    write_beeswarm(sample, tmp_path / "all.png")
    assert (tmp_path / "all.png").read_bytes().startswith(b"\x89PNG")
    for name in ("recency", "device"):
        write_dependence(sample, name, tmp_path / f"{name}.svg")
        assert "<svg" in (tmp_path / f"{name}.svg").read_text(encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"ending in \.svg or \.png"):
        write_beeswarm(sample, tmp_path / "all.gif")


def test_tables_with_a_picture_are_drawn_and_the_others_are_not(tmp_path: Path) -> None:
    tables = {
        "importance": [{"feature": "recency", "mean_absolute_contribution": 0.4}],
        "reliability": [
            {"predicted": 0.2, "observed": 0.25, "observed_lower": 0.1, "observed_upper": 0.4, "count": 90},
            {"predicted": 0.7, "observed": 0.6, "observed_lower": 0.5, "observed_upper": 0.8, "count": 80},
        ],
        "trials": [{"kind": "xgboost", "log_loss": 0.6}],
        "deciles": [],
    }
    files = draw_tables(tables, tmp_path)
    assert sorted(file.name for file in files) == ["importance.png", "reliability.png"]
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in files)
