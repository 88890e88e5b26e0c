"""Judging classifiers on decisions that they did not learn from, the same way in training and ever after."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.errors import DataError
from shopwright.evaluation.calibration import reliability_curve
from shopwright.evaluation.costs import cost_curve
from shopwright.evaluation.scores import classification_scores, paired_difference
from shopwright.evaluation.verdicts import assess, check_gate
from shopwright.models.classifiers.predictor import Predictor
from shopwright.models.classifiers.windows import find_leaks, later_windows, read_decisions
from shopwright.models.protocol import CHAMPION, EvaluationResult
from shopwright.registry.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from shopwright.evaluation.costs import CostPoint
    from shopwright.evaluation.leaks import Finding
    from shopwright.evaluation.scores import Difference, Score
    from shopwright.evaluation.verdicts import Gate, Verdict
    from shopwright.models.classifiers.task import PredictionTask
    from shopwright.models.classifiers.windows import Windows
    from shopwright.models.protocol import TrainingContext, VersionRef
    from shopwright.models.training_set import TrainingSet

EXPLAINED_ROWS = 5_000
"""Rows over which importance is averaged."""


def evaluate_classifier(
    question: PredictionTask, context: TrainingContext, given: VersionRef
) -> EvaluationResult:
    """Judge a version on the newest decisions that neither it nor the champion learnt from.

    Raises:
        DataError: there are none yet, or too few.
    """
    context.on_progress("reading features", 0, 0)
    windows = later_windows(read_decisions(question, context), given, context.champion)
    return evaluate_on(question, context, windows, {given.name: Predictor.load(given.folder)})


def evaluate_on(
    question: PredictionTask, context: TrainingContext, windows: Windows, predictors: Mapping[str, Predictor]
) -> EvaluationResult:
    """Judge predictors on the test window, beside baselines that learn from the training window, and the champion.

    Args:
        question: what is asked of whom.
        context: the shop, its settings and the model that serves now.
        windows: the three windows.
        predictors: name to predictor; the first one is judged, the others stand beside it.
    """
    context.on_progress("auditing for leaks", 0, 0)
    findings, _ = find_leaks(question, context, windows.data, windows.split)
    context.on_progress("judging", 0, 0)
    judged = _Judged.of(question, context, windows, predictors, findings)
    name, predictor = next(iter(predictors.items()))
    scores, probability, test = judged.scores(), judged.probabilities[name], judged.test
    claimed = _claimed(question, context.published)
    data = windows.data
    return EvaluationResult(
        model=question.name,
        kind=predictor.scorer.kind,
        scores=scores,
        baselines=tuple(question.baselines),
        verdict=judged.verdict(),
        gate=judged.gate(scores[name]),
        findings=tuple(findings),
        window=windows.describe(),
        fingerprint=fingerprint({"outcome": data.outcome, "decided_at": data.decided_at, **data.columns}),
        tables={
            "reliability": [asdict(each) for each in reliability_curve(test.outcome, probability).bins],
            "importance": predictor.importance(test.columns, most=EXPLAINED_ROWS),
            "costs": [asdict(each) for each in _costs(test.outcome, probability)],
            **({"naive_recipe": claimed} if claimed else {}),
        },
        evaluated_on=f"the {len(test):,} decisions from {_day(test, 0)} to {_day(test, -1)}",
    )


def _claimed(question: PredictionTask, published: Path) -> list[dict[str, Any]]:
    """How good the usual recipe looks on this shop, and how good it is; nothing where the shop has too little for it."""
    if question.naive_recipe is None:
        return []
    try:
        return [recipe.to_dict() for recipe in question.naive_recipe.reproduce(published)]
    except DataError:
        return []


def _day(frame: TrainingSet, place: int) -> str:
    return str(frame.decided_at[place])[:10]


def _costs(outcome: NDArray[np.float64], probability: NDArray[np.float64]) -> tuple[CostPoint, ...]:
    """Costs by threshold where a miss costs as much as a needless action."""
    return cost_curve(
        outcome, probability, false_negative_cost=1.0, false_positive_cost=1.0, points=50
    ).points


def without(values: NDArray[Any], masked: NDArray[np.bool_]) -> NDArray[Any]:
    """A feature's values (rows,), not known where masked (rows,)."""
    left = values.copy()
    left[masked] = np.nan if left.dtype.kind == "f" else None
    return left


@dataclass(frozen=True, slots=True)
class _Judged:
    """Predictors, baselines and champion on the test window."""

    question: PredictionTask
    seed: int
    base_rate: float
    test: TrainingSet
    best: str
    probabilities: dict[str, NDArray[np.float64]]
    """Predictor, baseline and champion to their probabilities, what is judged first."""
    findings: Sequence[Finding]

    @classmethod
    def of(
        cls,
        question: PredictionTask,
        context: TrainingContext,
        windows: Windows,
        predictors: Mapping[str, Predictor],
        findings: Sequence[Finding],
    ) -> _Judged:
        training, test = windows.training, windows.test
        best = next(iter(predictors))
        found = {best: predictors[best].probability(test.columns)}
        if question.optional:
            everywhere = np.ones(len(test), dtype=np.bool_)
            columns = {
                name: without(values, everywhere) if name in question.optional else values
                for name, values in test.columns.items()
            }
            found[f"{best}, partial input"] = predictors[best].probability(columns)
        found |= {name: each.probability(test.columns) for name, each in predictors.items() if name != best}
        found |= {name: give(training, test) for name, give in question.baselines.items()}
        if context.champion is not None:
            found[CHAMPION] = Predictor.load(context.champion).probability(test.columns)
        rate = float(training.outcome.mean())
        return cls(question, context.settings.seed, rate, test, best, found, findings)

    def scores(self) -> dict[str, dict[str, Score]]:
        """Everybody's scores, with intervals."""
        return {
            name: classification_scores(
                self.test.outcome, found, base_rate=self.base_rate, groups=self.test.entity, rng=self._rng()
            )
            for name, found in self.probabilities.items()
        }

    def verdict(self) -> Verdict:
        """Whether there is something to predict."""
        return assess(self._against_baselines(), self.findings)

    def gate(self, own: dict[str, Score]) -> Gate:
        """Whether the one that is judged may serve, given its scores."""
        champion = self._difference(CHAMPION) if CHAMPION in self.probabilities else None
        return check_gate(
            own[self.question.score], champion, self._against_baselines(), own["ece"], self.findings
        )

    def _against_baselines(self) -> dict[str, Difference]:
        return {name: self._difference(name) for name in self.question.baselines}

    def _difference(self, other: str) -> Difference:
        return paired_difference(
            self.test.outcome,
            self.probabilities[self.best],
            self.probabilities[other],
            score=self.question.score,
            base_rate=self.base_rate,
            groups=self.test.entity,
            rng=self._rng(),
        )

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)
