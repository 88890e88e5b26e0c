"""The decisions of a question, and the windows of time that they are learnt from and judged on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.engine import connect
from shopwright.core.errors import DataError
from shopwright.evaluation.leaks import find_separating_features, find_split_overlap
from shopwright.evaluation.splits import split_by_time
from shopwright.models.audit import find_look_ahead
from shopwright.models.training_set import outcome_is_known, read_training_set
from shopwright.registry.manifest import read_window

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from shopwright.evaluation.leaks import Finding
    from shopwright.evaluation.splits import TimeSplit
    from shopwright.models.classifiers.task import PredictionTask
    from shopwright.models.protocol import TrainingContext, VersionRef
    from shopwright.models.training_set import TrainingSet

FEWEST_ROWS = 500
"""Decisions without which nothing is learnt."""
FEWEST_OF_EACH = 30
"""Decisions of either outcome without which a window cannot judge."""


@dataclass(frozen=True, slots=True)
class Windows:
    """The three windows of a frame."""

    data: TrainingSet
    split: TimeSplit

    @property
    def training(self) -> TrainingSet:
        """What is learnt from."""
        return self._part(0)

    @property
    def validation(self) -> TrainingSet:
        """What settings and calibration are chosen by."""
        return self._part(1)

    @property
    def test(self) -> TrainingSet:
        """What judges."""
        return self._part(2)

    def parts(self) -> dict[str, TrainingSet]:
        """All three by name."""
        return {"training": self.training, "validation": self.validation, "test": self.test}

    def describe(self) -> dict[str, Any]:
        """Their ends in ISO 8601, and of each the rows and the share with the outcome."""
        rows = {
            name: {"rows": len(part), "rate": float(part.outcome.mean())}
            for name, part in self.parts().items()
            if len(part)
        }
        return {**self.split.describe(), **rows}

    def _part(self, place: int) -> TrainingSet:
        return self.data.take(self.split.masks(self.data.decided_at)[place])


def read_decisions(question: PredictionTask, context: TrainingContext) -> TrainingSet:
    """The decisions whose outcome is known.

    Raises:
        DataError: there are too few, or one is there twice.
    """
    view = question.view
    where = f"{outcome_is_known(view)} and ({question.where or 'true'})"
    with connect(context.published, read_only=True) as connection:
        frame = read_training_set(connection, view, where=where, max_rows=context.settings.max_rows)
    if len(frame) < FEWEST_ROWS:
        raise DataError(
            f"{question.name}: {len(frame):,} decisions with a known outcome, and at least {FEWEST_ROWS:,} are needed"
        )
    keys = np.unique(_decisions(frame).astype(str))
    if len(keys) < len(frame):
        raise DataError(f"{view.table} holds {len(frame) - len(keys):,} decisions twice")
    return frame


def split_windows(frame: TrainingSet) -> Windows:
    """By time, with the longest time until an outcome is known left out between the windows.

    Raises:
        DataError: the history is too short, or a window has too few of either outcome.
    """
    gap = (frame.known_at - frame.decided_at).max()
    windows = Windows(frame, split_by_time(frame.decided_at, gap=gap))
    for name, part in windows.parts().items():
        _check_both(frame.view.table, name, part)
    return windows


def later_windows(frame: TrainingSet, given: VersionRef, champion: Path | None) -> Windows:
    """The windows as training would cut them now, the test begun later where a model had not known all it learnt from before.

    Args:
        frame: decisions of now.
        given: what is to be judged; its manifest says when its training ended.
        champion: what it is compared with; learnt from nothing of the window either.

    Raises:
        DataError: there are no such decisions yet, or too few.
    """
    windows = split_windows(frame)
    split = windows.split
    starts = [split.test_from, *_test_starts([given.folder, *([champion] if champion else [])])]
    begin = max(starts)
    if given.window == "new":
        judged_until = np.datetime64(str(read_window(given.folder)["test_until"]), "us")
        begin = max(begin, judged_until + np.timedelta64(1, "us"))
    if begin > split.test_until:
        raise DataError(
            f"{frame.view.table}: {given.name} has no later decisions to be judged on yet: it was judged on those up to "
            f"{judged(given.folder)}, and outcomes are known of decisions up to {_day(split.test_until)}"
        )
    found = Windows(frame, replace(split, test_from=begin))
    _check_both(frame.view.table, "later", found.test)
    return found


def judged(folder: Path) -> str:
    """Day of the last decision that a version was judged on in training."""
    return str(read_window(folder)["test_until"])[:10]


def find_leaks(
    question: PredictionTask, context: TrainingContext, frame: TrainingSet, split: TimeSplit
) -> tuple[list[Finding], int]:
    """Features that tell too much or look ahead, and a split that mixes times; and how many decisions were compared."""
    training = frame.take(split.masks(frame.decided_at)[0])
    names = [each.name for each in frame.features]
    ahead, compared = find_look_ahead(
        context.published,
        question.view,
        question.rewrites,
        where=question.where,
        seed=context.settings.seed,
    )
    found = [
        *find_separating_features([training.columns[name] for name in names], names, training.outcome),
        *find_split_overlap(split, frame.decided_at, frame.known_at, entity=_decisions(frame)),
        *ahead,
    ]
    return found, compared


def _test_starts(folders: Iterable[Path]) -> list[np.datetime64]:
    return [np.datetime64(str(read_window(folder)["test_from"]), "us") for folder in folders]


def _day(moment: np.datetime64) -> str:
    return str(moment.astype("datetime64[D]"))


def _check_both(table: str, window: str, part: TrainingSet) -> None:
    """See that both outcomes are there often enough to learn or judge."""
    counts = (int((part.outcome == 0).sum()), int((part.outcome == 1).sum()))
    if min(counts) < FEWEST_OF_EACH:
        raise DataError(
            f"{table}: {counts[1]:,} of {len(part):,} decisions in the {window} window have the outcome; at "
            f"least {FEWEST_OF_EACH} with and without it are needed to learn or judge"
        )


def _decisions(frame: TrainingSet) -> NDArray[np.object_]:
    """What tells decisions apart beside their time, as one text each."""
    texts = frame.entity.astype(str)
    for values in (*frame.keys.values(), frame.decided_at):
        texts = np.char.add(np.char.add(texts.astype(str), "|"), values.astype(str))
    return texts.astype(object)
