"""Evaluation of classifiers on decisions that they did not learn from, the same way in training and later."""

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


def evaluate_classifier(
    task: PredictionTask, context: TrainingContext, version: VersionRef
) -> EvaluationResult:
    """Re-evaluate a version on the newest decisions that neither it nor the champion learned from.

    Raises:
        DataError: there are none yet, or too few.
    """
    context.on_progress("reading features", 0, 0)
    windows = later_windows(read_decisions(task, context), version, context.champion, task.config)
    return evaluate_on(task, context, windows, {version.name: Predictor.load(version.folder)})


def evaluate_on(
    task: PredictionTask, context: TrainingContext, windows: Windows, predictors: Mapping[str, Predictor]
) -> EvaluationResult:
    """Evaluate predictors on the test window, next to the champion and to baselines fitted on the training window.

    Args:
        task: the prediction task.
        context: the shop, its settings and the live model.
        windows: the three windows.
        predictors: name to predictor; the verdict and the gate are of the first one.
    """
    context.on_progress("auditing for leaks", 0, 0)
    findings, _ = find_leaks(task, context, windows.data, windows.split)
    context.on_progress("evaluating", 0, 0)
    comparison = _Comparison.from_windows(task, context, windows, predictors, findings)
    name, predictor = next(iter(predictors.items()))
    scores, probability, test = comparison.scores(), comparison.probabilities[name], comparison.test
    recipe_rows = _run_naive_recipe(task, context.published)
    data = windows.data
    return EvaluationResult(
        model=task.name,
        kind=predictor.estimator.kind,
        scores=scores,
        baselines=tuple(task.baselines),
        verdict=comparison.verdict(),
        gate=comparison.gate(scores[name]),
        findings=tuple(findings),
        window=windows.describe(),
        fingerprint=fingerprint({"outcome": data.outcome, "decided_at": data.decided_at, **data.columns}),
        tables={
            "reliability": [asdict(row) for row in reliability_curve(test.outcome, probability).bins],
            "importance": predictor.importance(test.columns, max_rows=task.config.importance_rows),
            "costs": [
                asdict(point)
                for point in _cost_points(test.outcome, probability, points=task.config.cost_points)
            ],
            **({"naive_recipe": recipe_rows} if recipe_rows else {}),
        },
        evaluated_on=f"the {len(test):,} decisions from {_day(test, 0)} to {_day(test, -1)}",
    )


def _run_naive_recipe(task: PredictionTask, published: Path) -> list[dict[str, Any]]:
    """Run the naive recipe on this shop; return no rows if there is none, or too little data for it."""
    if task.naive_recipe is None:
        return []
    try:
        return [result.to_dict() for result in task.naive_recipe.reproduce(published)]
    except DataError:
        return []


def _day(data: TrainingSet, index: int) -> str:
    return str(data.decided_at[index])[:10]


def _cost_points(
    outcome: NDArray[np.float64], probability: NDArray[np.float64], *, points: int
) -> tuple[CostPoint, ...]:
    """Compute costs by threshold, for a missed outcome that costs as much as a needless action."""
    curve = cost_curve(outcome, probability, false_negative_cost=1.0, false_positive_cost=1.0, points=points)
    return curve.points


def masked(values: NDArray[Any], rows: NDArray[np.bool_]) -> NDArray[Any]:
    """Return a copy of a feature's values, (rows,), that is unknown in the masked rows, (rows,)."""
    copy = values.copy()
    copy[rows] = np.nan if copy.dtype.kind == "f" else None
    return copy


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Probabilities of predictors, baselines and champion on the test window."""

    task: PredictionTask
    seed: int
    base_rate: float
    test: TrainingSet
    best: str
    """Name of the predictor that the verdict is of."""
    probabilities: dict[str, NDArray[np.float64]]
    """Name to probabilities, (rows,); the evaluated predictor comes first."""
    findings: Sequence[Finding]

    @classmethod
    def from_windows(
        cls,
        task: PredictionTask,
        context: TrainingContext,
        windows: Windows,
        predictors: Mapping[str, Predictor],
        findings: Sequence[Finding],
    ) -> _Comparison:
        training, test = windows.training, windows.test
        best = next(iter(predictors))
        probabilities = {best: predictors[best].probability(test.columns)}
        if task.optional:
            all_rows = np.ones(len(test), dtype=np.bool_)
            columns = {
                name: masked(values, all_rows) if name in task.optional else values
                for name, values in test.columns.items()
            }
            probabilities[f"{best}, partial input"] = predictors[best].probability(columns)
        probabilities |= {
            name: predictor.probability(test.columns)
            for name, predictor in predictors.items()
            if name != best
        }
        probabilities |= {name: baseline(training, test) for name, baseline in task.baselines.items()}
        if context.champion is not None:
            probabilities[CHAMPION] = Predictor.load(context.champion).probability(test.columns)
        rate = float(training.outcome.mean())
        return cls(task, context.settings.seed, rate, test, best, probabilities, findings)

    def scores(self) -> dict[str, dict[str, Score]]:
        """Score everything, with intervals."""
        return {
            name: classification_scores(
                self.test.outcome,
                probability,
                base_rate=self.base_rate,
                groups=self.test.entity,
                rng=self._rng(),
            )
            for name, probability in self.probabilities.items()
        }

    def verdict(self) -> Verdict:
        """Assess whether there is something to predict."""
        return assess(self._baseline_differences(), self.findings)

    def gate(self, scores: dict[str, Score]) -> Gate:
        """Check whether the evaluated predictor may go live, given its scores."""
        champion = self._difference(CHAMPION) if CHAMPION in self.probabilities else None
        return check_gate(
            scores[self.task.score], champion, self._baseline_differences(), scores["ece"], self.findings
        )

    def _baseline_differences(self) -> dict[str, Difference]:
        return {name: self._difference(name) for name in self.task.baselines}

    def _difference(self, other: str) -> Difference:
        return paired_difference(
            self.test.outcome,
            self.probabilities[self.best],
            self.probabilities[other],
            score=self.task.score,
            base_rate=self.base_rate,
            groups=self.test.entity,
            rng=self._rng(),
        )

    def _rng(self) -> np.random.Generator:
        # The same draws for every score, so that differences between them are not those of the draws.
        return np.random.default_rng(self.seed)
