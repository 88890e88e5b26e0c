"""Training a classifier: candidates on the training window, the choice and the calibration on the validation window."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np

from shopwright.evaluation.calibration import Calibrator
from shopwright.models.classifiers.encoding import Encoder
from shopwright.models.classifiers.estimators import FITS
from shopwright.models.classifiers.evaluate import evaluate_on, without
from shopwright.models.classifiers.predictor import Predictor, expit
from shopwright.models.classifiers.tuning import Rows, search
from shopwright.models.classifiers.windows import find_leaks, read_decisions, split_windows
from shopwright.models.protocol import TrainingResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shopwright.evaluation.leaks import Finding
    from shopwright.models.classifiers.task import PredictionTask
    from shopwright.models.classifiers.tuning import Trial
    from shopwright.models.classifiers.windows import Windows
    from shopwright.models.protocol import TrainingContext
    from shopwright.models.training_set import TrainingSet

MASKED_SHARE = 0.3
"""Share of the training rows in which optional features are left out."""


def train_classifier(question: PredictionTask, context: TrainingContext) -> TrainingResult:
    """Train all candidates, choose by the validation window, and judge on the test window.

    Args:
        question: what is asked of whom.
        context: the shop, its settings and the model that serves now.

    Raises:
        DataError: there are too few decisions, or too short a history.
    """
    context.on_progress("reading features", 0, 0)
    windows = split_windows(read_decisions(question, context))
    predictors, trials = _candidates(question, windows, context)
    best = trials[0]
    chosen = predictors.pop(best.kind)
    judged = evaluate_on(question, context, windows, {best.kind: chosen, **predictors})
    tried = [{"kind": each.kind, "log_loss": each.log_loss, **each.settings} for each in trials]
    return TrainingResult(
        **{field.name: getattr(judged, field.name) for field in fields(judged) if field.name != "tables"},
        tables={**judged.tables, "trials": tried},
        parameters=best.settings,
        features=tuple(each.name for each in windows.data.features),
        files=chosen.save,
    )


def audit_classifier(question: PredictionTask, context: TrainingContext) -> tuple[tuple[Finding, ...], int]:
    """All that speaks for a leak, and how many decisions were compared after their future was rewritten."""
    whole = read_decisions(question, context)
    findings, compared = find_leaks(question, context, whole, split_windows(whole).split)
    return tuple(findings), compared


def _candidates(
    question: PredictionTask, windows: Windows, context: TrainingContext
) -> tuple[dict[str, Predictor], list[Trial]]:
    """Each kind of classifier with its best settings, calibrated; and all trials, the best one first."""
    settings = context.settings
    known, chosen_on = windows.training, windows.validation
    encoder = Encoder.fit(known)
    rng = np.random.default_rng(settings.seed)
    training = _rows(encoder, _with_gaps(known, question.optional, rng))
    validation = _rows(encoder, chosen_on)
    predictors, trials = {}, []
    for place, kind in enumerate(FITS):

        def on_trial(done: int, *, kind: str = kind, place: int = place) -> None:
            context.on_progress(f"trying {kind}", place + done / settings.trials, len(FITS))

        scorer, tried = search(
            kind, training, validation, trials=settings.trials, seed=settings.seed, on_progress=on_trial
        )
        calibrator = Calibrator.fit(
            validation.outcome,
            expit(scorer.log_odds(validation.matrix)),
            groups=chosen_on.entity,
            rng=rng,
        )
        predictors[kind] = Predictor(encoder, scorer, calibrator)
        trials += tried
    return predictors, sorted(trials, key=lambda trial: trial.log_loss)


def _rows(encoder: Encoder, frame: TrainingSet) -> Rows:
    return Rows(encoder.matrix(frame.columns), frame.outcome)


def _with_gaps(frame: TrainingSet, optional: Sequence[str], rng: np.random.Generator) -> TrainingSet:
    """Leave optional features out of a share of the rows, so that the model is used to callers who do so."""
    if not optional:
        return frame
    masked = rng.random(len(frame)) < MASKED_SHARE
    columns = dict(frame.columns)
    for feature in frame.features:
        if feature.name in optional:
            columns[feature.name] = without(columns[feature.name], masked)
    return replace(frame, columns=columns)
