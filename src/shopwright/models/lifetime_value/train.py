"""TrainingResult: fit all candidates at the test snapshot, select one by what was known earlier, and evaluate it."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from shopwright.models.btyd import independence
from shopwright.models.classifiers.encoding import Encoder
from shopwright.models.lifetime_value.artifact import save_candidate
from shopwright.models.lifetime_value.btyd_model import BtydModel
from shopwright.models.lifetime_value.candidates import (
    Snapshots,
    at_snapshot,
    fit_candidates,
    select_candidate,
)
from shopwright.models.lifetime_value.comparison import long_horizon_rows
from shopwright.models.lifetime_value.config import LifetimeValueConfig
from shopwright.models.lifetime_value.evaluate import evaluate_candidates, read_known
from shopwright.models.lifetime_value.features import FEATURE_VIEW, purchase_history
from shopwright.models.protocol import TrainingResult

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from shopwright.models.lifetime_value.candidates import Selection
    from shopwright.models.lifetime_value.prediction import Candidate
    from shopwright.models.protocol import TrainingContext
    from shopwright.models.training_set import TrainingSet


def train_lifetime_value(context: TrainingContext) -> TrainingResult:
    """Fit all candidates at the test snapshot and evaluate the one that the validation snapshot selected.

    The evaluated model is the one that goes live: its parameters know nothing later than the test snapshot.

    Raises:
        DataError: no outcome is known yet, or too few customers bought again.
    """
    seed, config = context.settings.seed, LifetimeValueConfig.from_settings(context.settings)
    context.on_progress("reading customers", 0, 0)
    rows = read_known(context, config)
    snapshots = Snapshots.from_training_set(rows, config)
    context.on_progress("selecting", 0, 0)
    selection = select_candidate(rows, snapshots, config, trials=context.settings.trials, seed=seed)
    context.on_progress("fitting", 0, 0)
    candidates = fit_candidates(rows, snapshots.test, selection, config, seed=seed)
    customers = at_snapshot(rows, snapshots.test)
    by_kind = {candidate.kind: candidate for candidate in candidates}
    evaluation = evaluate_candidates(context, rows, snapshots, by_kind, config)
    return TrainingResult(
        **{
            field.name: getattr(evaluation, field.name)
            for field in fields(evaluation)
            if field.name not in {"tables", "notes"}
        },
        parameters=candidates[0].parameters,
        features=tuple(feature.name for feature in FEATURE_VIEW.features),
        files=lambda folder: _save(folder, candidates[0], customers),
        tables={
            **evaluation.tables,
            "long_horizon": long_horizon_rows(rows, selection, config, seed=seed),
            "selection": selection.rows,
            "fits": _fit_rows(candidates),
        },
        notes=_notes(customers, candidates, selection),
    )


def _save(folder: Path, candidate: Candidate, rows: TrainingSet) -> dict[str, Any]:
    save_candidate(candidate, folder)
    return {"features": Encoder.fit(rows).to_dict()}


def _fit_rows(candidates: Sequence[Candidate]) -> list[dict[str, Any]]:
    """Return log-likelihood, parameters and warnings of each BTYD model."""
    return [
        {
            "kind": candidate.kind,
            "log_likelihood": candidate.model.report.log_likelihood,
            **candidate.parameters,
            "warnings": "; ".join((*candidate.model.report.warnings, *candidate.value_model.report.warnings)),
        }
        for candidate in candidates
        if isinstance(candidate, BtydModel)
    ]


def _notes(rows: TrainingSet, candidates: Sequence[Candidate], selection: Selection) -> tuple[str, ...]:
    notes = [f"{row['kind']} {row['note']}" for row in selection.rows if row["note"]]
    test = independence(purchase_history(rows))
    if test.correlation is not None and test.pvalue is not None:
        notes.append(
            f"BTYD models assume that value and frequency are independent; their correlation over {test.customers:,} repeat "
            f"buyers is {test.correlation:+.2f}"
        )
    best_btyd = next((candidate for candidate in candidates if isinstance(candidate, BtydModel)), None)
    if best_btyd is not None:
        notes += [f"{best_btyd.kind}: {warning}" for warning in best_btyd.model.report.warnings]
    return tuple(notes)
