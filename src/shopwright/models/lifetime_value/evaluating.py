"""Judging models of spending at a snapshot that they know nothing later of, the same way in training and ever after."""

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
from shopwright.models.lifetime_value.boosting import known_at
from shopwright.models.lifetime_value.candidates import Moments, at
from shopwright.models.lifetime_value.features import (
    FEATURE_VIEW,
    JUDGED,
    NAME,
    purchases,
    read_customers,
    rewrites,
    spent,
)
from shopwright.models.lifetime_value.judging import Judged, purchase_rows
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


def evaluate_lifetime_value(context: TrainingContext, given: VersionRef) -> EvaluationResult:
    """Judge a version at the newest snapshot whose outcome is known.

    Raises:
        DataError: no outcome is known yet of a snapshot as late as the one that the version was fitted at.
    """
    context.on_progress("reading customers", 0, 0)
    frame = read_known(context)
    moments = Moments.of(frame)
    _check_later(moments, given, context.champion)
    return evaluate_at(context, frame, moments, {given.name: load_candidate(given.folder)})


def evaluate_at(
    context: TrainingContext, frame: TrainingSet, moments: Moments, field: Mapping[str, Candidate]
) -> EvaluationResult:
    """Judge candidates at the test snapshot, beside baselines and the champion.

    Args:
        context: the shop, its settings and the model that serves now.
        frame: customers at all snapshots whose outcome is known.
        moments: the snapshots.
        field: name to candidate, none of which knows anything later than the test snapshot; the first one is judged.
    """
    context.on_progress("auditing for leaks", 0, 0)
    findings, _ = find_leaks(context, frame, moments)
    context.on_progress("judging", 0, 0)
    named = dict(field)
    if context.champion is not None:
        named[CHAMPION] = load_candidate(context.champion)
    judged = Judged.of(frame, moments.test, named, days=JUDGED, seed=context.settings.seed)
    scores, differences = judged.scores(), judged.against_baselines()
    name, chosen = next(iter(field.items()))
    return EvaluationResult(
        model=NAME,
        kind=chosen.kind,
        scores=scores,
        baselines=tuple(BASELINES),
        verdict=assess(differences, findings),
        gate=judged.gate(scores[name], differences, findings),
        findings=tuple(findings),
        window=_window(frame, moments),
        fingerprint=fingerprint({"entity": frame.entity, "decided_at": frame.decided_at, **frame.columns}),
        tables={
            "importance": _importance(chosen, judged.rows),
            "deciles": judged.deciles(),
            "standing": judged.standing_histogram(),
            "purchases": purchase_rows(judged.rows, list(field.values())),
        },
        evaluated_on=f"the {len(judged.rows):,} customers of {_day(moments.test)} and their {JUDGED} days after",
    )


def _check_later(moments: Moments, given: VersionRef, champion: Path | None) -> None:
    """See that nothing was learnt from what came after the test snapshot."""
    own = _snapshot(given.folder)
    latest = max([own, *([_snapshot(champion)] if champion else [])])
    if moments.test < latest or (given.window == "new" and moments.test <= own):
        raise DataError(
            f"{FEATURE_VIEW.table}: {given.name} has no later customers to be judged on yet: it was judged on those of {_day(own)}, "
            f"and {_day(moments.test)} is the last snapshot whose {JUDGED} days after are known"
        )


def _snapshot(folder: Path) -> np.datetime64:
    """The one that a version was fitted at and judged on."""
    test: Any = read_window(folder)["test"]
    return np.datetime64(str(test["snapshot_date"]), "us")


def find_leaks(context: TrainingContext, frame: TrainingSet, moments: Moments) -> tuple[list[Finding], int]:
    """Features that tell too much or look ahead, and snapshots learnt from too early; and how many decisions were compared."""
    names = [each.name for each in FEATURE_VIEW.features]
    rows = at(frame, moments.test)
    ahead, compared = find_look_ahead(context.published, FEATURE_VIEW, rewrites, seed=context.settings.seed)
    bought = (purchases(rows, JUDGED) > 0).astype(np.float64)
    found = [
        *find_separating_features([rows.columns[name] for name in names], names, bought),
        *_mixed(frame, moments),
        *ahead,
    ]
    return found, compared


def audit_lifetime_value(context: TrainingContext) -> tuple[tuple[Finding, ...], int]:
    """All that speaks for a leak, and how many decisions were compared after their future was rewritten."""
    frame = read_known(context)
    findings, compared = find_leaks(context, frame, Moments.of(frame))
    return tuple(findings), compared


def _mixed(frame: TrainingSet, moments: Moments) -> list[Finding]:
    """Rows that are learnt from, against the snapshot that each fit is judged at."""
    nobody = np.zeros(len(frame), dtype=np.bool_)
    found = []
    for moment in (moments.validation, moments.test):
        if moment is not None:
            learnt = np.isin(frame.decided_at, known_at(frame, moment)[JUDGED].decided_at)
            parts = (learnt, nobody, frame.decided_at == moment)
            found += find_split_overlap(parts, frame.decided_at, frame.known_at, entity=frame.entity)
    return found


def read_known(context: TrainingContext) -> TrainingSet:
    """Customers at all snapshots whose outcome is known.

    Raises:
        DataError: a customer is there twice.
    """
    with connect(context.published, read_only=True) as connection:
        frame = read_customers(
            connection, where=f"{FEATURE_VIEW.outcome} is not null", max_rows=context.settings.max_rows
        )
    number = np.unique(frame.entity.astype(str), return_inverse=True)[1] if len(frame) else np.zeros(0)
    decisions = np.unique(np.column_stack([number, frame.decided_at.astype(np.int64)]), axis=0)
    if len(decisions) < len(frame):
        raise DataError(f"{FEATURE_VIEW.table} holds {len(frame) - len(decisions):,} decisions twice")
    return frame


def _importance(chosen: Candidate, rows: TrainingSet) -> list[dict[str, Any]]:
    parts = chosen.parts(rows)
    means = np.abs(parts.contributions).mean(axis=0)
    return [
        {"feature": parts.names[place], "mean_absolute_contribution": float(means[place])}
        for place in np.argsort(-means, kind="stable")
    ]


def _window(frame: TrainingSet, moments: Moments) -> dict[str, Any]:
    """Days and rows of what was learnt from and judged on."""
    known, test = known_at(frame, moments.test)[JUDGED], at(frame, moments.test)
    found: dict[str, Any] = {
        "horizon_days": JUDGED,
        "training": {
            "rows": len(known),
            "last_snapshot": _day(known.decided_at.max()) if len(known) else None,
        },
        "validation": None,
        "test": _of_snapshot(test),
    }
    if moments.validation is not None:
        found["validation"] = _of_snapshot(at(frame, moments.validation))
    return found


def _of_snapshot(rows: TrainingSet) -> dict[str, Any]:
    return {
        "snapshot_date": _day(rows.decided_at[0]),
        "rows": len(rows),
        "mean_value": float(spent(rows, JUDGED).mean()),
        "bought": int((purchases(rows, JUDGED) > 0).sum()),
    }


def _day(moment: np.datetime64) -> str:
    return str(moment.astype("datetime64[D]"))
