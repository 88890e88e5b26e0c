"""Training: candidates on the training window, choice and calibration on the validation window."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np

from shopwright.evaluation.calibration import Calibrator
from shopwright.models.classifiers.encoding import Encoder
from shopwright.models.classifiers.estimators import FITS
from shopwright.models.classifiers.evaluate import evaluate_on, masked
from shopwright.models.classifiers.predictor import Predictor, expit
from shopwright.models.classifiers.tuning import Rows, search
from shopwright.models.classifiers.windows import find_leaks, read_decisions, split_windows
from shopwright.models.protocol import TrainingResult

if TYPE_CHECKING:
    from shopwright.evaluation.leaks import Finding
    from shopwright.models.classifiers.task import PredictionTask
    from shopwright.models.classifiers.tuning import Trial
    from shopwright.models.classifiers.windows import Windows
    from shopwright.models.protocol import TrainingContext
    from shopwright.models.training_set import TrainingSet


def train_classifier(task: PredictionTask, context: TrainingContext) -> TrainingResult:
    """Train all candidates, choose one on the validation window, and evaluate on the test window.

    Args:
        task: the prediction task.
        context: the shop, its settings and the live model.

    Raises:
        DataError: there are too few decisions, or too short a history.
    """
    context.on_progress("reading features", 0, 0)
    windows = split_windows(read_decisions(task, context), task.config)
    predictors, trials = _train_candidates(task, windows, context)
    best = trials[0]
    predictor = predictors.pop(best.kind)
    evaluation = evaluate_on(task, context, windows, {best.kind: predictor, **predictors})
    trial_rows = [{"kind": trial.kind, "log_loss": trial.log_loss, **trial.settings} for trial in trials]
    shared = {field.name: getattr(evaluation, field.name) for field in fields(evaluation)}
    return TrainingResult(
        **shared | {"tables": {**evaluation.tables, "trials": trial_rows}},
        parameters=best.settings,
        features=tuple(feature.name for feature in windows.data.features),
        files=predictor.save,
    )


def audit_classifier(task: PredictionTask, context: TrainingContext) -> tuple[tuple[Finding, ...], int]:
    """Search a task's features for leaks.

    Returns:
        The findings, and the number of decisions compared after their future was rewritten.
    """
    data = read_decisions(task, context)
    findings, compared = find_leaks(task, context, data, split_windows(data, task.config).split)
    return tuple(findings), compared


def _train_candidates(
    task: PredictionTask, windows: Windows, context: TrainingContext
) -> tuple[dict[str, Predictor], list[Trial]]:
    """Tune and calibrate each kind of classifier; return the predictors, and all trials from the best to the worst."""
    settings = context.settings
    training, validation = windows.training, windows.validation
    encoder = Encoder.fit(training, task.config)
    rng = np.random.default_rng(settings.seed)
    training_rows = _encode(encoder, _mask_optional(training, task, rng))
    validation_rows = _encode(encoder, validation)
    predictors, trials = {}, []
    for index, kind in enumerate(FITS):

        def on_trial(count: int, *, kind: str = kind, index: int = index) -> None:
            context.on_progress(f"trying {kind}", index + count / settings.trials, len(FITS))

        estimator, kind_trials = search(
            kind,
            training_rows,
            validation_rows,
            trials=settings.trials,
            seed=settings.seed,
            on_progress=on_trial,
        )
        calibrator = Calibrator.fit(
            validation.outcome,
            expit(estimator.log_odds(validation_rows.matrix)),
            groups=validation.entity,
            rng=rng,
        )
        predictors[kind] = Predictor(encoder, estimator, calibrator)
        trials += kind_trials
    return predictors, sorted(trials, key=lambda trial: trial.log_loss)


def _encode(encoder: Encoder, data: TrainingSet) -> Rows:
    return Rows(encoder.matrix(data.columns), data.outcome)


def _mask_optional(data: TrainingSet, task: PredictionTask, rng: np.random.Generator) -> TrainingSet:
    """Leave optional features out of a share of the rows, so that the model is used to callers who do so."""
    if not task.optional:
        return data
    rows = rng.random(len(data)) < task.config.masked_share
    columns = dict(data.columns)
    for feature in data.features:
        if feature.name in task.optional:
            columns[feature.name] = masked(columns[feature.name], rows)
    return replace(data, columns=columns)
