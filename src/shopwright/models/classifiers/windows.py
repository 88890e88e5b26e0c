"""The decisions of a prediction task, and the time windows to train, tune and test on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.engine import connect
from shopwright.core.errors import DataError
from shopwright.evaluation.leaks import find_separating_features, find_split_overlap
from shopwright.evaluation.splits import split_by_time
from shopwright.models.audit import find_look_ahead
from shopwright.models.classifiers.config import DEFAULT_CONFIG
from shopwright.models.training_set import outcome_is_known, read_training_set
from shopwright.registry.manifest import read_window

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from shopwright.evaluation.leaks import Finding
    from shopwright.evaluation.splits import TimeSplit
    from shopwright.models.classifiers.config import ClassifierConfig
    from shopwright.models.classifiers.task import PredictionTask
    from shopwright.models.protocol import TrainingContext, VersionRef
    from shopwright.models.training_set import TrainingSet


@dataclass(frozen=True, slots=True)
class Windows:
    """Decisions split into three time windows."""

    data: TrainingSet
    """All decisions, including those between the windows."""
    split: TimeSplit

    @property
    def training(self) -> TrainingSet:
        """Rows to learn from."""
        return self._window(0)

    @property
    def validation(self) -> TrainingSet:
        """Rows to choose hyperparameters and calibration by."""
        return self._window(1)

    @property
    def test(self) -> TrainingSet:
        """Rows to evaluate on."""
        return self._window(2)

    def by_name(self) -> dict[str, TrainingSet]:
        """Return all three windows by name."""
        return {"training": self.training, "validation": self.validation, "test": self.test}

    def describe(self) -> dict[str, Any]:
        """Return the ends of the windows in ISO 8601, and for each its rows and its rate of the outcome."""
        contents = {
            name: {"rows": len(window), "rate": float(window.outcome.mean())}
            for name, window in self.by_name().items()
            if len(window)
        }
        return {**self.split.describe(), **contents}

    def _window(self, index: int) -> TrainingSet:
        return self.data.take(self.split.masks(self.data.decided_at)[index])


def read_decisions(task: PredictionTask, context: TrainingContext) -> TrainingSet:
    """Read the decisions with a known outcome.

    Raises:
        DataError: there are too few, or there are duplicates.
    """
    where = f"{outcome_is_known(task.view)} and ({task.where or 'true'})"
    with connect(context.published, read_only=True) as connection:
        data = read_training_set(connection, task.view, where=where, max_rows=context.settings.max_rows)
    if len(data) < task.config.min_rows:
        raise DataError(
            f"{task.name}: {len(data):,} decisions with a known outcome, and at least {task.config.min_rows:,} are needed"
        )
    distinct = np.unique(_decision_keys(data).astype(str))
    if len(distinct) < len(data):
        raise DataError(f"{task.view.table} has {len(data) - len(distinct):,} duplicate decisions")
    return data


def split_windows(data: TrainingSet, config: ClassifierConfig = DEFAULT_CONFIG) -> Windows:
    """Split decisions by time, with the longest time until an outcome is known left out between the windows.

    Raises:
        DataError: the history is too short, or a window has too few of either outcome.
    """
    gap = (data.known_at - data.decided_at).max()
    windows = Windows(data, split_by_time(data.decided_at, gap=gap))
    for name, window in windows.by_name().items():
        _check_both_outcomes(data.view.table, name, window, config)
    return windows


def later_windows(
    data: TrainingSet,
    version: VersionRef,
    champion: Path | None,
    config: ClassifierConfig = DEFAULT_CONFIG,
) -> Windows:
    """Split as training would now, but start the test after everything that the compared models learned from.

    Args:
        data: current decisions.
        version: the version to evaluate; its manifest says when its training ended.
        champion: artifact of the model that it is compared with.
        config: limits.

    Raises:
        DataError: there are no such decisions yet, or too few.
    """
    windows = split_windows(data, config)
    split = windows.split
    folders = [version.folder, *([champion] if champion else [])]
    begin = max([split.test_from, *_test_starts(folders)])
    if version.window == "new":
        last_evaluated = np.datetime64(str(read_window(version.folder)["test_until"]), "us")
        begin = max(begin, last_evaluated + np.timedelta64(1, "us"))
    if begin > split.test_until:
        raise DataError(
            f"{data.view.table}: {version.name} has no later decisions to be evaluated on yet. It was evaluated on those up "
            f"to {last_evaluated_day(version.folder)}, and outcomes are known for decisions up to {_day(split.test_until)}"
        )
    later = Windows(data, replace(split, test_from=begin))
    _check_both_outcomes(data.view.table, "later", later.test, config)
    return later


def last_evaluated_day(folder: Path) -> str:
    """Return the day of the last decision that a version was evaluated on in training."""
    return str(read_window(folder)["test_until"])[:10]


def find_leaks(
    task: PredictionTask, context: TrainingContext, data: TrainingSet, split: TimeSplit
) -> tuple[list[Finding], int]:
    """Search for features that reveal the outcome or look ahead, and for a split that mixes times.

    Returns:
        The findings, and the number of decisions compared after their future was rewritten.
    """
    training = data.take(split.masks(data.decided_at)[0])
    names = [feature.name for feature in data.features]
    look_ahead, compared = find_look_ahead(
        context.published,
        task.view,
        task.rewrites,
        where=task.where,
        seed=context.settings.seed,
    )
    findings = [
        *find_separating_features([training.columns[name] for name in names], names, training.outcome),
        *find_split_overlap(split, data.decided_at, data.known_at, entity=_decision_keys(data)),
        *look_ahead,
    ]
    return findings, compared


def _test_starts(folders: Iterable[Path]) -> list[np.datetime64]:
    return [np.datetime64(str(read_window(folder)["test_from"]), "us") for folder in folders]


def _day(time: np.datetime64) -> str:
    return str(time.astype("datetime64[D]"))


def _check_both_outcomes(table: str, name: str, window: TrainingSet, config: ClassifierConfig) -> None:
    """Require enough rows of both outcomes in a window."""
    negatives, positives = int((window.outcome == 0).sum()), int((window.outcome == 1).sum())
    if min(negatives, positives) < config.min_rows_per_class:
        raise DataError(
            f"{table}: {positives:,} of {len(window):,} decisions in the {name} window have the outcome; at "
            f"least {config.min_rows_per_class} with and without it are needed to learn or evaluate"
        )


def _decision_keys(data: TrainingSet) -> NDArray[np.object_]:
    """Return what identifies each decision, entity, keys and time, as one string."""
    texts = data.entity.astype(str)
    for values in (*data.keys.values(), data.decided_at):
        texts = np.char.add(np.char.add(texts.astype(str), "|"), values.astype(str))
    return texts.astype(object)
