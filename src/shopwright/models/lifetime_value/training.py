"""Training: moments, candidates, choice, judgement and the leak audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.engine import connect
from shopwright.core.errors import DataError
from shopwright.evaluation.leaks import mixed_split, separating_features
from shopwright.evaluation.verdicts import judge
from shopwright.models.audit import rewritten_future
from shopwright.models.btyd import independence
from shopwright.models.classifiers.encoding import Encoder
from shopwright.models.lifetime_value.artifact import load_candidate, save_candidate
from shopwright.models.lifetime_value.baselines import BASELINES
from shopwright.models.lifetime_value.boosting import known_at
from shopwright.models.lifetime_value.candidates import Moments, at, choose, field_at
from shopwright.models.lifetime_value.features import (
    JUDGED,
    SOURCE,
    history,
    purchases,
    read_customers,
    rewrites,
    spent,
)
from shopwright.models.lifetime_value.judging import CHAMPION, Judged, purchase_rows, twelve_months
from shopwright.models.lifetime_value.repeat_buying import RepeatBuying
from shopwright.models.protocol import Training
from shopwright.registry.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from shopwright.evaluation.leaks import Finding
    from shopwright.models.frame import Frame
    from shopwright.models.lifetime_value.candidates import Choice
    from shopwright.models.lifetime_value.prediction import Candidate
    from shopwright.models.protocol import Context

NAME = "lifetime_value"


def train_lifetime_value(context: Context) -> Training:
    """Fit all candidates at the test snapshot, take the one that was chosen earlier, and judge it on what came.

    What was judged is what serves: its parameters know nothing later than the test snapshot.

    Raises:
        DataError: no outcome is known yet, or too few customers bought again.
    """
    seed = context.settings.seed
    context.watch("reading customers", 0, 0)
    frame = _read(context)
    moments = Moments.of(frame)
    context.watch("choosing", 0, 0)
    choice = choose(frame, moments, trials=context.settings.trials, seed=seed)
    context.watch("fitting", 0, 0)
    field = field_at(frame, moments.test, choice, seed=seed)
    context.watch("auditing for leaks", 0, 0)
    findings, _ = find_leaks(context, frame, moments)
    context.watch("judging", 0, 0)
    named = {each.kind: each for each in field}
    if context.champion is not None:
        named[CHAMPION] = load_candidate(context.champion)
    judged = Judged.of(frame, moments.test, named, days=JUDGED, seed=seed)
    scores, differences, chosen = judged.scores(), judged.against_baselines(), field[0]
    return Training(
        room=NAME,
        kind=chosen.kind,
        parameters=chosen.settings,
        scores=scores,
        baselines=tuple(BASELINES),
        judgement=judge(differences, findings),
        gate=judged.gate(scores[chosen.kind], differences, findings),
        findings=tuple(findings),
        window=_window(frame, moments),
        fingerprint=fingerprint({"entity": frame.entity, "decided_at": frame.decided_at, **frame.columns}),
        features=tuple(each.name for each in SOURCE.features),
        files=lambda folder: _save(folder, chosen, at(frame, moments.test)),
        tables={
            "importance": _importance(chosen, judged.rows),
            "deciles": judged.deciles(),
            "purchases": purchase_rows(judged.rows, field),
            "twelve_months": twelve_months(frame, choice, seed=seed),
            "choice": choice.rows,
            "fits": _fits(field),
        },
        judged_on=f"the {len(judged.rows):,} customers of {_day(moments.test)} and their {JUDGED} days after",
        notes=_notes(judged.rows, field, choice),
    )


def find_leaks(context: Context, frame: Frame, moments: Moments) -> tuple[list[Finding], int]:
    """Features that tell too much or look ahead, and snapshots learnt from too early; and how many decisions were compared."""
    names = [each.name for each in SOURCE.features]
    rows = at(frame, moments.test)
    ahead, compared = rewritten_future(context.published, SOURCE, rewrites, seed=context.settings.seed)
    bought = (purchases(rows, JUDGED) > 0).astype(np.float64)
    found = [
        *separating_features([rows.columns[name] for name in names], names, bought),
        *_mixed(frame, moments),
        *ahead,
    ]
    return found, compared


def audit_lifetime_value(context: Context) -> tuple[tuple[Finding, ...], int]:
    """All that speaks for a leak, and how many decisions were compared after their future was rewritten."""
    frame = _read(context)
    findings, compared = find_leaks(context, frame, Moments.of(frame))
    return tuple(findings), compared


def _mixed(frame: Frame, moments: Moments) -> list[Finding]:
    """Rows that are learnt from, against the snapshot that each fit is judged at."""
    nobody = np.zeros(len(frame), dtype=np.bool_)
    found = []
    for moment in (moments.validation, moments.test):
        if moment is not None:
            learnt = np.isin(frame.decided_at, known_at(frame, moment)[JUDGED].decided_at)
            parts = (learnt, nobody, frame.decided_at == moment)
            found += mixed_split(parts, frame.decided_at, frame.known_at, entity=frame.entity)
    return found


def _read(context: Context) -> Frame:
    """Customers at all snapshots whose outcome is known.

    Raises:
        DataError: a customer is there twice.
    """
    with connect(context.published, read_only=True) as connection:
        frame = read_customers(
            connection, where=f"{SOURCE.outcome} is not null", most_rows=context.settings.max_rows
        )
    number = np.unique(frame.entity.astype(str), return_inverse=True)[1] if len(frame) else np.zeros(0)
    decisions = np.unique(np.column_stack([number, frame.decided_at.astype(np.int64)]), axis=0)
    if len(decisions) < len(frame):
        raise DataError(f"{SOURCE.table} holds {len(frame) - len(decisions):,} decisions twice")
    return frame


def _save(folder: Path, chosen: Candidate, rows: Frame) -> dict[str, Any]:
    save_candidate(chosen, folder)
    return {"features": Encoder.fit(rows).to_dict()}


def _importance(chosen: Candidate, rows: Frame) -> list[dict[str, Any]]:
    parts = chosen.parts(rows)
    means = np.abs(parts.contributions).mean(axis=0)
    return [
        {"feature": parts.names[place], "mean_absolute_contribution": float(means[place])}
        for place in np.argsort(-means, kind="stable")
    ]


def _fits(field: Sequence[Candidate]) -> list[dict[str, Any]]:
    """Log-likelihood, parameters and what makes them doubtful, of each buy-till-you-die model."""
    return [
        {
            "kind": each.kind,
            "log_likelihood": each.model.report.log_likelihood,
            **each.settings,
            "warnings": "; ".join((*each.model.report.warnings, *each.worth.report.warnings)),
        }
        for each in field
        if isinstance(each, RepeatBuying)
    ]


def _notes(rows: Frame, field: Sequence[Candidate], choice: Choice) -> tuple[str, ...]:
    said = [f"{each['kind']} {each['note']}" for each in choice.rows if each["note"]]
    found = independence(history(rows))
    if found.correlation is not None and found.pvalue is not None:
        said.append(
            f"buy-till-you-die models take value and frequency to be independent; over {found.customers:,} repeat buyers their "
            f"correlation is {found.correlation:+.2f}"
        )
    first = next((each for each in field if isinstance(each, RepeatBuying)), None)
    if first is not None:
        said += [f"{first.kind}: {warning}" for warning in first.model.report.warnings]
    return tuple(said)


def _window(frame: Frame, moments: Moments) -> dict[str, Any]:
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


def _of_snapshot(rows: Frame) -> dict[str, Any]:
    return {
        "snapshot_date": _day(rows.decided_at[0]),
        "rows": len(rows),
        "mean_value": float(spent(rows, JUDGED).mean()),
        "bought": int((purchases(rows, JUDGED) > 0).sum()),
    }


def _day(moment: np.datetime64) -> str:
    return str(moment.astype("datetime64[D]"))
