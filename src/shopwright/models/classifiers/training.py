"""Training a classifier: candidates, calibration, judgement on later decisions, and the leak audit."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.engine import connect
from shopwright.core.errors import DataError
from shopwright.evaluation.calibration import Calibrator, reliability_curve
from shopwright.evaluation.costs import cost_curve
from shopwright.evaluation.leaks import mixed_split, separating_features
from shopwright.evaluation.scores import classification_scores, paired_difference
from shopwright.evaluation.splits import split_by_time
from shopwright.evaluation.verdicts import gate, judge
from shopwright.models.audit import rewritten_future
from shopwright.models.classifiers.encoding import Encoder
from shopwright.models.classifiers.predictor import Predictor, expit
from shopwright.models.classifiers.scorers import FITS
from shopwright.models.classifiers.tuning import Rows, search
from shopwright.models.frame import known, read_frame
from shopwright.models.protocol import Training
from shopwright.registry.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from shopwright.evaluation.costs import CostPoint
    from shopwright.evaluation.leaks import Finding
    from shopwright.evaluation.scores import Difference, Score
    from shopwright.evaluation.splits import TimeSplit
    from shopwright.evaluation.verdicts import Gate, Judgement
    from shopwright.models.classifiers.question import Question
    from shopwright.models.classifiers.tuning import Trial
    from shopwright.models.frame import Frame
    from shopwright.models.protocol import Context

FEWEST_ROWS = 500
"""Decisions without which nothing is learnt."""
FEWEST_OF_EACH = 30
"""Decisions of either outcome without which a window cannot judge."""
MASKED_SHARE = 0.3
"""Share of the training rows in which optional features are left out."""
EXPLAINED_ROWS = 5_000
"""Test rows over which importance is averaged."""


@dataclass(frozen=True, slots=True)
class _Windows:
    """The three windows of a frame."""

    training: Frame
    validation: Frame
    test: Frame
    split: TimeSplit

    def describe(self) -> dict[str, Any]:
        parts = {"training": self.training, "validation": self.validation, "test": self.test}
        rows = {name: {"rows": len(part), "rate": float(part.outcome.mean())} for name, part in parts.items()}
        return {**self.split.describe(), **rows}


def train_classifier(question: Question, context: Context) -> Training:
    """Train all candidates, choose by the validation window, and judge on the test window.

    Args:
        question: what is asked of whom.
        context: the shop, its settings and the model that serves now.

    Raises:
        DataError: there are too few decisions, or too short a history.
    """
    context.watch("reading features", 0, 0)
    whole = _read(question, context)
    windows = _split(whole)
    predictors, trials = _candidates(question, windows, context)
    context.watch("auditing for leaks", 0, 0)
    findings, _ = _find_leaks(question, context, whole, windows.split)
    best = trials[0]
    judged = _Judged.of(question, context, windows, predictors, best.kind, findings)
    scores = judged.scores()
    chosen, test = predictors[best.kind], windows.test
    probability = judged.probabilities[best.kind]
    return Training(
        room=question.name,
        kind=best.kind,
        parameters=best.settings,
        scores=scores,
        baselines=tuple(question.baselines),
        judgement=judged.judgement(),
        gate=judged.gate(scores[best.kind]),
        findings=tuple(findings),
        window=windows.describe(),
        fingerprint=fingerprint({"outcome": whole.outcome, "decided_at": whole.decided_at, **whole.columns}),
        features=tuple(each.name for each in whole.features),
        files=chosen.save,
        tables={
            "reliability": [asdict(each) for each in reliability_curve(test.outcome, probability).bins],
            "importance": chosen.importance(test.columns, most=EXPLAINED_ROWS),
            "costs": [asdict(each) for each in _costs(test.outcome, probability)],
            "trials": [{"kind": each.kind, "log_loss": each.log_loss, **each.settings} for each in trials],
        },
    )


def audit_classifier(question: Question, context: Context) -> tuple[tuple[Finding, ...], int]:
    """All that speaks for a leak, and how many decisions were compared after their future was rewritten."""
    whole = _read(question, context)
    findings, compared = _find_leaks(question, context, whole, _split(whole).split)
    return tuple(findings), compared


def _find_leaks(
    question: Question, context: Context, frame: Frame, split: TimeSplit
) -> tuple[list[Finding], int]:
    """Features that tell too much or look ahead, and a split that mixes times."""
    training = frame.only(split.masks(frame.decided_at)[0])
    names = [each.name for each in frame.features]
    ahead, compared = rewritten_future(
        context.published,
        question.source,
        question.rewrites,
        where=question.where,
        seed=context.settings.seed,
    )
    found = [
        *separating_features([training.columns[name] for name in names], names, training.outcome),
        *mixed_split(split, frame.decided_at, frame.known_at, entity=_decisions(frame)),
        *ahead,
    ]
    return found, compared


def _read(question: Question, context: Context) -> Frame:
    source = question.source
    where = f"{known(source)} and ({question.where or 'true'})"
    with connect(context.published, read_only=True) as connection:
        frame = read_frame(connection, source, where=where, most_rows=context.settings.max_rows)
    if len(frame) < FEWEST_ROWS:
        raise DataError(
            f"{question.name}: {len(frame):,} decisions with a known outcome, and at least {FEWEST_ROWS:,} are needed"
        )
    keys = np.unique(_decisions(frame).astype(str))
    if len(keys) < len(frame):
        raise DataError(f"{source.table} holds {len(frame) - len(keys):,} decisions twice")
    return frame


def _decisions(frame: Frame) -> NDArray[np.object_]:
    """What tells decisions apart beside their time, as one text each."""
    texts = frame.entity.astype(str)
    for values in (*frame.keys.values(), frame.decided_at):
        texts = np.char.add(np.char.add(texts.astype(str), "|"), values.astype(str))
    return texts.astype(object)


def _split(frame: Frame) -> _Windows:
    """By time, with the longest time until an outcome is known left out between the windows."""
    gap = (frame.known_at - frame.decided_at).max()
    split = split_by_time(frame.decided_at, gap=gap)
    training, validation, test = (frame.only(mask) for mask in split.masks(frame.decided_at))
    for name, part in (("training", training), ("validation", validation), ("test", test)):
        counts = (int((part.outcome == 0).sum()), int((part.outcome == 1).sum()))
        if min(counts) < FEWEST_OF_EACH:
            raise DataError(
                f"{frame.source.table}: {counts[1]:,} of {len(part):,} decisions in the {name} window have the outcome; at "
                f"least {FEWEST_OF_EACH} with and without it are needed to learn or judge"
            )
    return _Windows(training, validation, test, split)


def _candidates(
    question: Question, windows: _Windows, context: Context
) -> tuple[dict[str, Predictor], list[Trial]]:
    """Each kind of classifier with its best settings, calibrated; and all trials, the best one first."""
    settings = context.settings
    encoder = Encoder.fit(windows.training)
    rng = np.random.default_rng(settings.seed)
    training = _rows(encoder, _with_gaps(windows.training, question.optional, rng))
    validation = _rows(encoder, windows.validation)
    predictors, trials = {}, []
    for place, kind in enumerate(FITS):

        def watch(done: int, *, kind: str = kind, place: int = place) -> None:
            context.watch(f"trying {kind}", place + done / settings.trials, len(FITS))

        scorer, tried = search(
            kind, training, validation, trials=settings.trials, seed=settings.seed, watch=watch
        )
        calibrator = Calibrator.fit(
            validation.outcome,
            expit(scorer.log_odds(validation.matrix)),
            groups=windows.validation.entity,
            rng=rng,
        )
        predictors[kind] = Predictor(encoder, scorer, calibrator)
        trials += tried
    return predictors, sorted(trials, key=lambda trial: trial.log_loss)


def _rows(encoder: Encoder, frame: Frame) -> Rows:
    return Rows(encoder.matrix(frame.columns), frame.outcome)


def _with_gaps(frame: Frame, optional: Sequence[str], rng: np.random.Generator) -> Frame:
    """Leave optional features out of a share of the rows, so that the model is used to callers who do so."""
    if not optional:
        return frame
    masked = rng.random(len(frame)) < MASKED_SHARE
    columns = dict(frame.columns)
    for feature in frame.features:
        if feature.name in optional:
            columns[feature.name] = without(columns[feature.name], masked)
    return replace(frame, columns=columns)


def without(values: NDArray[Any], masked: NDArray[np.bool_]) -> NDArray[Any]:
    """A feature's values (rows,), not known where masked (rows,)."""
    left = values.copy()
    left[masked] = np.nan if left.dtype.kind == "f" else None
    return left


def _costs(outcome: NDArray[np.float64], probability: NDArray[np.float64]) -> tuple[CostPoint, ...]:
    """Costs by threshold where a miss costs as much as a needless action."""
    return cost_curve(outcome, probability, miss=1.0, needless=1.0, points=50).points


@dataclass(frozen=True, slots=True)
class _Judged:
    """All candidates and baselines on the test window."""

    question: Question
    seed: int
    base_rate: float
    test: Frame
    best: str
    probabilities: dict[str, NDArray[np.float64]]
    """Candidate, baseline and ``champion`` to their probabilities."""
    findings: list[Finding]

    @classmethod
    def of(
        cls,
        question: Question,
        context: Context,
        windows: _Windows,
        predictors: dict[str, Predictor],
        best: str,
        findings: list[Finding],
    ) -> _Judged:
        test = windows.test
        found = {best: predictors[best].probability(test.columns)}
        if question.optional:
            everywhere = np.ones(len(test), dtype=np.bool_)
            columns = {
                name: without(values, everywhere) if name in question.optional else values
                for name, values in test.columns.items()
            }
            found[f"{best}, partial input"] = predictors[best].probability(columns)
        found |= {kind: each.probability(test.columns) for kind, each in predictors.items() if kind != best}
        found |= {name: give(windows.training, test) for name, give in question.baselines.items()}
        if context.champion is not None:
            found["champion"] = Predictor.load(context.champion).probability(test.columns)
        rate = float(windows.training.outcome.mean())
        return cls(question, context.settings.seed, rate, test, best, found, findings)

    def scores(self) -> dict[str, dict[str, Score]]:
        """Every candidate's and baseline's scores, with intervals."""
        return {
            name: classification_scores(
                self.test.outcome, found, base_rate=self.base_rate, groups=self.test.entity, rng=self._rng()
            )
            for name, found in self.probabilities.items()
        }

    def judgement(self) -> Judgement:
        """Whether there is something to predict."""
        return judge(self._against_baselines(), self.findings)

    def gate(self, own: dict[str, Score]) -> Gate:
        """Whether the best one may serve, given its scores."""
        champion = self._difference("champion") if "champion" in self.probabilities else None
        return gate(own[self.question.score], champion, self._against_baselines(), own["ece"], self.findings)

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
