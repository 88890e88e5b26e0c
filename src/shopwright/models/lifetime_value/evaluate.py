"""Evaluation at a snapshot that the model knows nothing later of, the same way in training and afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.engine import connect
from shopwright.core.errors import DataError
from shopwright.evaluation.leaks import find_separating_features, find_split_overlap
from shopwright.evaluation.verdicts import assess
from shopwright.models.audit import find_look_ahead
from shopwright.models.lifetime_value.artifact import load_candidate
from shopwright.models.lifetime_value.baselines import BASELINES
from shopwright.models.lifetime_value.boosting import known_by
from shopwright.models.lifetime_value.candidates import Snapshots, at_snapshot
from shopwright.models.lifetime_value.comparison import Comparison, purchase_rows
from shopwright.models.lifetime_value.config import LifetimeValueConfig
from shopwright.models.lifetime_value.features import (
    FEATURE_VIEW,
    NAME,
    future_purchases,
    future_value,
    read_customers,
    rewrites,
)
from shopwright.models.protocol import CHAMPION, EvaluationResult
from shopwright.registry.fingerprint import fingerprint
from shopwright.registry.manifest import read_window

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from shopwright.evaluation.leaks import Finding
    from shopwright.models.lifetime_value.prediction import Candidate
    from shopwright.models.protocol import TrainingContext, VersionRef
    from shopwright.models.training_set import TrainingSet


def evaluate_lifetime_value(context: TrainingContext, version: VersionRef) -> EvaluationResult:
    """Evaluate a version at the newest snapshot whose outcome is known.

    Args:
        context: the shop and its settings.
        version: the version.

    Raises:
        DataError: the version predicts other horizons than the project's, or no outcome is known yet of a snapshot as late
            as the one that the version was fitted at.
    """
    context.on_progress("reading customers", 0, 0)
    config = LifetimeValueConfig.from_settings(context.settings)
    candidate = load_candidate(version.folder)
    if candidate.config.horizons != config.horizons:
        raise DataError(
            f"{version.name} predicts {candidate.config.horizon_days} and {candidate.config.long_horizon_days} days, the project's "
            f"horizons are {config.horizon_days} and {config.long_horizon_days} days. Train a new version with "
            f"`shopwright train {NAME}`"
        )
    rows = read_known(context, config)
    snapshots = Snapshots.from_training_set(rows, config)
    _check_later(snapshots, version, context.champion, config)
    return evaluate_candidates(context, rows, snapshots, {version.name: candidate}, config)


def evaluate_candidates(
    context: TrainingContext,
    rows: TrainingSet,
    snapshots: Snapshots,
    candidates: Mapping[str, Candidate],
    config: LifetimeValueConfig,
) -> EvaluationResult:
    """Evaluate candidates at the test snapshot, beside baselines and the champion.

    Args:
        context: the shop, its settings and the live model.
        rows: customers at all snapshots whose outcome is known.
        snapshots: the test and validation snapshots.
        candidates: name to candidate, none of which knows anything later than the test snapshot; the first one is evaluated.
        config: horizons, interval level and tolerance.
    """
    context.on_progress("auditing for leaks", 0, 0)
    findings, _ = find_leaks(context, rows, snapshots, config)
    context.on_progress("evaluating", 0, 0)
    comparison = Comparison.from_candidates(
        rows,
        snapshots.test,
        {**candidates, **_comparable_champion(context.champion, config)},
        config,
        days=config.horizon_days,
        seed=context.settings.seed,
    )
    scores, differences = comparison.scores(), comparison.baseline_differences()
    name, candidate = next(iter(candidates.items()))
    return EvaluationResult(
        model=NAME,
        kind=candidate.kind,
        scores=scores,
        baselines=tuple(BASELINES),
        verdict=assess(differences, findings),
        gate=comparison.check_gate(scores[name], differences, findings),
        findings=tuple(findings),
        window=_window(rows, snapshots, config),
        fingerprint=fingerprint({"entity": rows.entity, "decided_at": rows.decided_at, **rows.columns}),
        tables={
            "importance": _importance(candidate, comparison.rows),
            "deciles": comparison.deciles(),
            "predictive_cdf": comparison.cdf_histogram(),
            "purchases": purchase_rows(comparison.rows, list(candidates.values()), config.horizon_days),
        },
        evaluated_on=f"the {len(comparison.rows):,} customers of {_format_date(snapshots.test)} and their next "
        f"{config.horizon_days} days",
    )


def _comparable_champion(folder: Path | None, config: LifetimeValueConfig) -> dict[str, Candidate]:
    """Return the champion by its name; empty without one, or if it predicts other horizons."""
    if folder is None:
        return {}
    champion = load_candidate(folder)
    return {CHAMPION: champion} if champion.config.horizons == config.horizons else {}


def _check_later(
    snapshots: Snapshots, version: VersionRef, champion: Path | None, config: LifetimeValueConfig
) -> None:
    """Check that nothing was learned from data after the test snapshot."""
    evaluated_at = _test_snapshot(version.folder)
    latest = max([evaluated_at, *([_test_snapshot(champion)] if champion else [])])
    if snapshots.test < latest or (version.window == "new" and snapshots.test <= evaluated_at):
        raise DataError(
            f"{FEATURE_VIEW.table}: no later customers to evaluate {version.name} on. It was evaluated on those of {_format_date(evaluated_at)}, "
            f"and {_format_date(snapshots.test)} is the last snapshot whose next {config.horizon_days} days are known"
        )


def _test_snapshot(folder: Path) -> np.datetime64:
    """Return the snapshot that a version was fitted at and evaluated on."""
    test: Any = read_window(folder)["test"]
    return np.datetime64(str(test["snapshot_date"]), "us")


def find_leaks(
    context: TrainingContext, rows: TrainingSet, snapshots: Snapshots, config: LifetimeValueConfig
) -> tuple[list[Finding], int]:
    """Find features that give the outcome away or use the future, and snapshots that were learned from too early.

    Returns:
        The findings, and how many decisions were compared after their future was rewritten.
    """
    names = [feature.name for feature in FEATURE_VIEW.features]
    customers = at_snapshot(rows, snapshots.test)
    future, compared = find_look_ahead(context.published, FEATURE_VIEW, rewrites, seed=context.settings.seed)
    bought = (future_purchases(customers, config.horizon_days) > 0).astype(np.float64)
    findings = [
        *find_separating_features([customers.columns[name] for name in names], names, bought),
        *_mixed_splits(rows, snapshots, config),
        *future,
    ]
    return findings, compared


def audit_lifetime_value(context: TrainingContext) -> tuple[tuple[Finding, ...], int]:
    """Return the findings of the leak audit, and how many decisions it compared."""
    config = LifetimeValueConfig.from_settings(context.settings)
    rows = read_known(context, config)
    findings, compared = find_leaks(context, rows, Snapshots.from_training_set(rows, config), config)
    return tuple(findings), compared


def _mixed_splits(rows: TrainingSet, snapshots: Snapshots, config: LifetimeValueConfig) -> list[Finding]:
    """Compare the times of the rows that each fit learned from with the snapshot that it is evaluated at."""
    no_validation = np.zeros(len(rows), dtype=np.bool_)
    findings = []
    for snapshot in (snapshots.validation, snapshots.test):
        if snapshot is not None:
            training = known_by(rows, snapshot, config)[config.horizon_days]
            is_training = np.isin(rows.decided_at, training.decided_at)
            split = (is_training, no_validation, rows.decided_at == snapshot)
            findings += find_split_overlap(split, rows.decided_at, rows.known_at, entity=rows.entity)
    return findings


def read_known(context: TrainingContext, config: LifetimeValueConfig) -> TrainingSet:
    """Read customers at all snapshots whose outcome is known.

    Raises:
        DataError: a customer is there twice at a snapshot, or the warehouse was built with other horizons.
    """
    with connect(context.published, read_only=True) as connection:
        rows = read_customers(
            connection,
            config,
            where=f"{FEATURE_VIEW.outcome} is not null",
            max_rows=context.settings.max_rows,
        )
    number = np.unique(rows.entity.astype(str), return_inverse=True)[1] if len(rows) else np.zeros(0)
    decisions = np.unique(np.column_stack([number, rows.decided_at.astype(np.int64)]), axis=0)
    if len(decisions) < len(rows):
        raise DataError(f"{FEATURE_VIEW.table} has {len(rows) - len(decisions):,} duplicate decisions")
    return rows


def _importance(candidate: Candidate, rows: TrainingSet) -> list[dict[str, Any]]:
    explained = candidate.contributions(rows)
    means = np.abs(explained.contributions).mean(axis=0)
    return [
        {"feature": explained.names[index], "mean_absolute_contribution": float(means[index])}
        for index in np.argsort(-means, kind="stable")
    ]


def _window(rows: TrainingSet, snapshots: Snapshots, config: LifetimeValueConfig) -> dict[str, Any]:
    """Return the dates and numbers of rows of training, validation and test."""
    training = known_by(rows, snapshots.test, config)[config.horizon_days]
    window: dict[str, Any] = {
        "horizon_days": config.horizon_days,
        "training": {
            "rows": len(training),
            "last_snapshot": _format_date(training.decided_at.max()) if len(training) else None,
        },
        "validation": None,
        "test": _describe_snapshot(at_snapshot(rows, snapshots.test), config.horizon_days),
    }
    if snapshots.validation is not None:
        window["validation"] = _describe_snapshot(
            at_snapshot(rows, snapshots.validation), config.horizon_days
        )
    return window


def _describe_snapshot(rows: TrainingSet, days: int) -> dict[str, Any]:
    return {
        "snapshot_date": _format_date(rows.decided_at[0]),
        "rows": len(rows),
        "mean_value": float(future_value(rows, days).mean()),
        "bought": int((future_purchases(rows, days) > 0).sum()),
    }


def _format_date(timestamp: np.datetime64) -> str:
    return str(timestamp.astype("datetime64[D]"))
