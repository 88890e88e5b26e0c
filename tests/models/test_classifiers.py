"""Kinds of classifiers: the same twice, exact contributions, partial input, and back from their files to the bit."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shopwright.evaluation.calibration import Calibrator
from shopwright.models.classifiers.config import ClassifierConfig
from shopwright.models.classifiers.encoding import Encoder
from shopwright.models.classifiers.estimators import FITS, fit
from shopwright.models.classifiers.predictor import Predictor, expit
from shopwright.models.classifiers.tuning import Rows, log_loss, search
from shopwright.models.training_set import Feature, FeatureView, TrainingSet

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

KINDS = tuple(FITS)
SETTINGS = {
    "logistic": {"C": 1.0},
    "xgboost": {"trees": 30, "max_depth": 3, "learning_rate": 0.2, "subsample": 0.8},
    "lightgbm": {
        "trees": 30,
        "num_leaves": 8,
        "learning_rate": 0.2,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
    },
}
FEATURES = (Feature("views"), Feature("minutes"), Feature("device", "category"), Feature("unknown"))


def frame_of(size: int = 3_000, *, seed: int = 1, level: float = -1.0) -> TrainingSet:
    """Decisions whose outcome follows views and device."""
    rng = np.random.default_rng(seed)
    views, minutes = rng.normal(size=size), rng.normal(size=size)
    device = rng.choice(np.array(["mobile", "desktop", None], dtype=object), size)
    outcome = rng.random(size) < expit(level + views + 1.5 * (device == "mobile"))
    minutes[rng.random(size) < 0.2] = np.nan
    moments = np.arange(size).astype("datetime64[us]")
    return TrainingSet(
        view=FeatureView("gold.feat", "user_id", "decided_at", "known_at", "bought", FEATURES),
        entity=np.arange(size).astype(object),
        keys={},
        decided_at=moments,
        known_at=moments,
        outcome=outcome.astype(np.float64),
        columns={"views": views, "minutes": minutes, "device": device, "unknown": np.full(size, np.nan)},
    )


def predictor_of(kind: str, frame: TrainingSet, **more: object) -> Predictor:
    encoder = Encoder.fit(frame)
    scorer = fit(
        kind, encoder.matrix(frame.columns), frame.outcome, settings={**SETTINGS[kind], **more}, seed=3
    )
    probability = expit(scorer.log_odds(encoder.matrix(frame.columns)))
    calibrator = Calibrator.fit(frame.outcome, probability, groups=frame.entity, rng=np.random.default_rng(1))
    return Predictor(encoder, scorer, calibrator)


def hashes(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_data_and_seed_give_the_same_files_and_scores(kind: str, tmp_path: Path) -> None:
    scores, files = [], []
    for name in ("one", "again"):
        frame = frame_of()
        predictor = predictor_of(kind, frame)
        (tmp_path / name).mkdir()
        predictor.save(tmp_path / name)
        scores.append(predictor.probability(frame.columns).tobytes())
        files.append(hashes(tmp_path / name))
    assert scores[0] == scores[1]
    assert files[0] == files[1]
    assert len(files[0]) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_search_gives_the_same_twice_and_more_trials_are_no_worse(kind: str, tmp_path: Path) -> None:
    frame, later = frame_of(1_500), frame_of(800, seed=2)
    encoder = Encoder.fit(frame)
    training, validation = (Rows(encoder.matrix(each.columns), each.outcome) for each in (frame, later))
    found = []
    for name in ("one", "again"):
        scorer, trials = search(kind, training, validation, trials=3, seed=4)
        (tmp_path / name).mkdir()
        scorer.save(tmp_path / name)
        found.append((hashes(tmp_path / name), trials))
        assert log_loss(later.outcome, scorer.log_odds(validation.matrix)) == min(
            each.log_loss for each in trials
        )
    assert found[0] == found[1]
    assert len(found[0][1]) == (1 if kind == "logistic" else 3)


@pytest.mark.parametrize("kind", KINDS)
def test_contributions_add_up_to_the_log_odds(kind: str) -> None:
    frame = frame_of()
    predictor = predictor_of(kind, frame, positive_weight=3.0)
    matrix = predictor.encoder.matrix(frame.columns)
    columns = predictor.estimator.contributions(matrix)
    features, base = predictor.contributions(frame.columns)
    log_odds = predictor.estimator.log_odds(matrix)
    assert columns.shape == (len(frame), len(predictor.encoder.columns) + 1)
    assert features.shape == (len(frame), len(FEATURES))
    assert columns.sum(axis=1) == pytest.approx(log_odds, abs=2e-5)
    assert features.sum(axis=1) + base == pytest.approx(log_odds, abs=2e-5)
    assert len(np.unique(base)) == 1
    owned = np.array(predictor.encoder.feature_of_column) == "device"
    assert features[:, 2] == pytest.approx(columns[:, :-1][:, owned].sum(axis=1))
    strongest = predictor.importance(frame.columns, max_rows=500)
    assert [each["feature"] for each in strongest][:2] == ["views", "device"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_predictor_comes_back_from_its_files_to_the_bit(kind: str, tmp_path: Path) -> None:
    frame = frame_of()
    predictor = predictor_of(kind, frame, positive_weight=2.0)
    predictor.save(tmp_path)
    loaded = Predictor.load(tmp_path)
    for columns in (frame.columns, {"views": np.array([0.5, np.nan])}):
        assert loaded.probability(columns).tobytes() == predictor.probability(columns).tobytes()
        one, other = (each.contributions(columns) for each in (loaded, predictor))
        assert [part.tobytes() for part in one] == [part.tobytes() for part in other]
    assert loaded.encoder == predictor.encoder


@pytest.mark.parametrize("kind", KINDS)
def test_partial_input_gives_what_unknown_values_give(kind: str) -> None:
    predictor = predictor_of(kind, frame_of())
    views: NDArray[np.float64] = np.array([-2.0, 2.0])
    unknown = {
        "views": views,
        "minutes": np.full(2, np.nan),
        "device": np.array([None, None], dtype=object),
        "unknown": np.full(2, np.nan),
    }
    partial = predictor.probability({"views": views})
    assert partial.tolist() == predictor.probability(unknown).tolist()
    assert 0 <= partial[0] < partial[1] <= 1
    unseen = unknown | {"device": np.array(["fridge", "'; --"], dtype=object)}
    assert predictor.probability(unseen).tolist() == partial.tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_a_weighted_fit_is_put_back_to_the_odds_that_there_are(kind: str) -> None:
    """Weighted or not, probabilities have the mean of the outcomes; without the correction they would be far off."""
    frame, later = frame_of(20_000, level=-3.0), frame_of(20_000, seed=2, level=-3.0)
    encoder = Encoder.fit(frame)
    matrix = encoder.matrix(frame.columns)
    rate = later.outcome.mean()
    for weight in (1.0, 8.0):
        settings = SETTINGS[kind] | {"positive_weight": weight}
        scorer = fit(kind, matrix, frame.outcome, settings=settings, seed=1)
        probability = expit(scorer.log_odds(encoder.matrix(later.columns)))
        assert probability.mean() == pytest.approx(rate, rel=0.15)
    assert expit(scorer.weighted.log_odds(matrix)).mean() > 2.5 * rate


def test_rare_levels_and_unknown_ones_share_no_column() -> None:
    frame = frame_of(2_000)
    devices = np.array(
        [f"d{number % 40:02d}" for number in range(1_900)] + ["rare"] * 20 + [None] * 80, dtype=object
    )
    columns = {**frame.columns, "device": devices}
    encoder = Encoder.fit(
        TrainingSet(**{**{name: getattr(frame, name) for name in frame.__slots__}, "columns": columns})
    )
    assert encoder.levels["device"] == ()
    devices[:1_900] = [f"d{number % 30:02d}" for number in range(1_900)]
    encoder = Encoder.fit(
        TrainingSet(**{**{name: getattr(frame, name) for name in frame.__slots__}, "columns": columns})
    )
    assert len(encoder.levels["device"]) == ClassifierConfig().max_levels
    assert "rare" not in encoder.levels["device"]
    assert encoder.ranges["unknown"] == (None, None)
    assert Encoder.from_dict(encoder.to_dict()) == encoder


def test_log_odds_of_any_size_give_a_probability() -> None:
    assert expit(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]
