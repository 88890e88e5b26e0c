"""Training: moments, candidates and the choice among them."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from shopwright.models.btyd import independence
from shopwright.models.classifiers.encoding import Encoder
from shopwright.models.lifetime_value.artifact import save_candidate
from shopwright.models.lifetime_value.candidates import Moments, at, choose, field_at
from shopwright.models.lifetime_value.evaluating import evaluate_at, read_known
from shopwright.models.lifetime_value.features import FEATURE_VIEW, history
from shopwright.models.lifetime_value.judging import twelve_months
from shopwright.models.lifetime_value.repeat_buying import RepeatBuying
from shopwright.models.protocol import TrainingResult

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from shopwright.models.lifetime_value.candidates import Choice
    from shopwright.models.lifetime_value.prediction import Candidate
    from shopwright.models.protocol import TrainingContext
    from shopwright.models.training_set import TrainingSet


def train_lifetime_value(context: TrainingContext) -> TrainingResult:
    """Fit all candidates at the test snapshot, take the one that was chosen earlier, and judge it on what came.

    What was judged is what serves: its parameters know nothing later than the test snapshot.

    Raises:
        DataError: no outcome is known yet, or too few customers bought again.
    """
    seed = context.settings.seed
    context.on_progress("reading customers", 0, 0)
    frame = read_known(context)
    moments = Moments.of(frame)
    context.on_progress("choosing", 0, 0)
    choice = choose(frame, moments, trials=context.settings.trials, seed=seed)
    context.on_progress("fitting", 0, 0)
    field = field_at(frame, moments.test, choice, seed=seed)
    rows = at(frame, moments.test)
    judged = evaluate_at(context, frame, moments, {each.kind: each for each in field})
    return TrainingResult(
        **{
            each.name: getattr(judged, each.name)
            for each in fields(judged)
            if each.name not in {"tables", "notes"}
        },
        parameters=field[0].settings,
        features=tuple(each.name for each in FEATURE_VIEW.features),
        files=lambda folder: _save(folder, field[0], rows),
        tables={
            **judged.tables,
            "twelve_months": twelve_months(frame, choice, seed=seed),
            "choice": choice.rows,
            "fits": _fits(field),
        },
        notes=_notes(rows, field, choice),
    )


def _save(folder: Path, chosen: Candidate, rows: TrainingSet) -> dict[str, Any]:
    save_candidate(chosen, folder)
    return {"features": Encoder.fit(rows).to_dict()}


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


def _notes(rows: TrainingSet, field: Sequence[Candidate], choice: Choice) -> tuple[str, ...]:
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
