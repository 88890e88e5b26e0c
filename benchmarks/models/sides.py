"""What is timed, each as a process of its own: ``python -m benchmarks.models.sides NAME SHOP FOLDER``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.engine import connect
from shopwright.evaluation.splits import split_by_time
from shopwright.models.abandonment.features import FEATURE_VIEW, WHERE
from shopwright.models.training_set import outcome_is_known, read_training_set

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shopwright.models.training_set import TrainingSet

MAX_ROWS = 1_000_000
"""As the setting ``max_rows`` has it."""
TRIALS = 20
SEED = 1


def published_database(shop: Path) -> Path:
    """Return the published database of a shop."""
    return shop / "published" / "warehouse.duckdb"


def view(shop: Path, folder: Path) -> None:
    """Write every decision of the shop with its features, by the warehouse's view."""
    with connect(published_database(shop), read_only=True) as connection:
        connection.execute("set threads = 2")
        connection.execute(
            f"copy (from {FEATURE_VIEW.table}) to '{folder / 'view.parquet'}' (format parquet)"
        )


def pandas(shop: Path, folder: Path) -> None:  # noqa: ARG001  # a side's signature
    """Compute the same in pandas, from Parquet files of steps and sessions in the order of users and time."""
    import pandas as pd  # noqa: PLC0415  # not part of an install without the benchmarks' extra

    from benchmarks.models.by_pandas import features  # noqa: PLC0415

    decisions = features(
        pd.read_parquet(folder / "steps.parquet"), pd.read_parquet(folder / "sessions.parquet")
    )
    decisions.to_parquet(folder / "pandas.parquet", index=False)


def sklearn(shop: Path, folder: Path) -> None:
    """Train gradient boosting and isotonic calibration by scikit-learn, on the rows and windows that our training uses.

    As many settings as ours tries of one kind are tried, chosen by log loss on the validation window. No intervals, no
    baselines, no leak audit, and one kind of model where ours compares three.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415
    from sklearn.metrics import log_loss, roc_auc_score  # noqa: PLC0415

    with connect(published_database(shop), read_only=True) as connection:
        data = read_training_set(
            connection,
            FEATURE_VIEW,
            where=f"{outcome_is_known(FEATURE_VIEW)} and ({WHERE})",
            max_rows=MAX_ROWS,
        )
    split = split_by_time(data.decided_at, gap=(data.known_at - data.decided_at).max())
    (training, y_train), (validation, y_validation), (test, y_test) = (
        (_matrix(data.take(mask)), data.outcome[mask]) for mask in split.masks(data.decided_at)
    )
    rng = np.random.default_rng(SEED)
    candidates = []
    for _ in range(TRIALS):
        model = HistGradientBoostingClassifier(
            max_iter=int(np.exp(rng.uniform(np.log(60), np.log(400)))),
            learning_rate=float(np.exp(rng.uniform(np.log(0.02), np.log(0.3)))),
            max_leaf_nodes=int(np.exp(rng.uniform(np.log(4), np.log(64)))),
            l2_regularization=float(np.exp(rng.uniform(np.log(0.1), np.log(30)))),
            early_stopping=False,
            random_state=SEED,
        ).fit(training, y_train)
        probability = model.predict_proba(validation)[:, 1]
        candidates.append((log_loss(y_validation, probability), model, probability))
    _, best, probability = min(candidates, key=lambda candidate: candidate[0])
    calibrated = IsotonicRegression(out_of_bounds="clip").fit(probability, y_validation)
    score = calibrated.predict(best.predict_proba(test)[:, 1])
    result = {"rows": len(data), "roc_auc": float(roc_auc_score(y_test, score))}
    (folder / "sklearn.json").write_text(json.dumps(result), encoding="utf-8")


def _matrix(data: TrainingSet) -> NDArray[np.float64]:
    """Encode features: numbers unchanged, strings as codes."""
    return np.column_stack([_encode(values) for values in data.columns.values()])


def _encode(values: NDArray[Any]) -> NDArray[np.float64]:
    if values.dtype.kind == "f":
        return values
    return np.unique(values.astype(str), return_inverse=True)[1].astype(np.float64)


SIDES = {side.__name__: side for side in (view, pandas, sklearn)}

if __name__ == "__main__":
    SIDES[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
