"""Candidates at a snapshot, each fitted on what was known by then, and the selection of one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.errors import DataError
from shopwright.evaluation.measures import AMOUNT, Amounts
from shopwright.models.btyd import PURCHASE_MODELS
from shopwright.models.lifetime_value.boosting import BoostingModel, known_by, too_few_buyers
from shopwright.models.lifetime_value.btyd_model import AllPurchasesGammaGamma, BtydModel
from shopwright.models.lifetime_value.features import future_value, purchase_history
from shopwright.models.lifetime_value.trees import LIBRARIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from shopwright.models.lifetime_value.config import LifetimeValueConfig
    from shopwright.models.lifetime_value.prediction import Candidate
    from shopwright.models.training_set import TrainingSet

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Snapshot dates at which candidates are selected and evaluated."""

    test: np.datetime64
    validation: np.datetime64 | None
    """None where the history is too short for one."""

    @classmethod
    def from_training_set(cls, rows: TrainingSet, config: LifetimeValueConfig) -> Snapshots:
        """Return the last snapshot with a known outcome, and the last one whose outcome was known at that time.

        Raises:
            DataError: no outcome is known yet.
        """
        days = config.horizon_days
        known_dates = np.unique(rows.decided_at[~np.isnan(future_value(rows, days))])
        if not len(known_dates):
            raise DataError(
                f"lifetime_value: no snapshot is {days} days old yet. Evaluating a model takes at least {days} days of orders "
                "after a first month"
            )
        test = known_dates[-1]
        earlier = known_dates[known_dates + np.timedelta64(days, "D") <= test]
        return cls(test, earlier[-1] if len(earlier) else None)


def at_snapshot(rows: TrainingSet, snapshot: np.datetime64) -> TrainingSet:
    """Return the customers of one snapshot."""
    return rows.take(rows.decided_at == snapshot)


def fit_btyd_models(
    rows: TrainingSet, snapshot: np.datetime64, config: LifetimeValueConfig
) -> list[BtydModel]:
    """Fit every BTYD model on the histories at a snapshot; the one with the highest likelihood comes first.

    Raises:
        DataError: too few customers bought again.
    """
    customers = at_snapshot(rows, snapshot)
    value_model = AllPurchasesGammaGamma.fit(purchase_history(customers))
    models = [BtydModel.fit(model, value_model, customers, config) for model in PURCHASE_MODELS]
    # Rounded to a tenth: where nobody leaves, all models fit equally well, and the simplest must come first.
    return sorted(models, key=lambda candidate: -round(candidate.model.report.log_likelihood, 1))


def fit_boosting(
    kind: str,
    rows: TrainingSet,
    snapshot: np.datetime64,
    config: LifetimeValueConfig,
    *,
    parameters: Mapping[str, Any],
    seed: int,
) -> BoostingModel | str:
    """Fit boosted trees on the outcomes known at a snapshot.

    Returns:
        The model, or the reason why there are too few outcomes.
    """
    known_rows = known_by(rows, snapshot, config)
    if reason := too_few_buyers(known_rows[config.horizon_days], config.horizon_days, config.min_buyers):
        return reason
    return BoostingModel.fit(kind, known_rows, config, parameters=parameters, seed=seed)


@dataclass(frozen=True, slots=True)
class Selection:
    """The selected kind of candidate, and what it was selected from."""

    boosting: str | None
    """Kind of the selected boosted trees; None for the BTYD model with the highest likelihood."""
    parameters: dict[str, dict[str, Any]]
    """Kind of boosted trees to its best hyperparameters; kinds without an entry use their first ones."""
    rows: list[dict[str, Any]]
    """One row per candidate with its Gini; ``note`` says why it has none."""


def select_candidate(
    rows: TrainingSet, snapshots: Snapshots, config: LifetimeValueConfig, *, trials: int, seed: int
) -> Selection:
    """Compare boosted trees of each kind with the best BTYD model at the validation snapshot, by Gini.

    Among BTYD models the likelihood decides at every snapshot: it is of the same histories, needs no outcome, and is
    far more informative than a ranking of the few customers who come back.

    Args:
        rows: customers at all snapshots.
        snapshots: the test and validation snapshots.
        config: horizons and minimum number of buyers.
        trials: hyperparameters to try of each kind of boosted trees.
        seed: seed of the fits.
    """
    days = config.horizon_days
    if snapshots.validation is None:
        return _default_selection(
            f"left out: no outcome of {days} days was known {days} days before the test snapshot, to select by"
        )
    try:
        best_btyd = fit_btyd_models(rows, snapshots.validation, config)[0]
    except DataError as error:
        return _default_selection(f"left out: no model to compare with at the validation snapshot. {error}")
    customers = at_snapshot(rows, snapshots.validation)
    table = [_row(best_btyd.kind, gini=gini(best_btyd, customers))]
    for kind in LIBRARIES:
        table += _search(kind, rows, snapshots.validation, config, trials=trials, seed=seed)
    ranked = sorted((row for row in table if row["gini"] is not None), key=lambda row: -row["gini"])
    parameters = {row["kind"]: row["parameters"] for row in reversed(ranked) if row["parameters"]}
    best = ranked[0]["kind"]
    return Selection(best if best in LIBRARIES else None, parameters, table)


def _default_selection(note: str) -> Selection:
    """Return the best BTYD model, since boosted trees could not be tried."""
    return Selection(None, {}, [_row(kind, note=note) for kind in LIBRARIES])


def _search(
    kind: str,
    rows: TrainingSet,
    snapshot: np.datetime64,
    config: LifetimeValueConfig,
    *,
    trials: int,
    seed: int,
) -> list[dict[str, Any]]:
    """Return a row for each of the hyperparameters that are tried of one kind."""
    customers = at_snapshot(rows, snapshot)
    table = []
    for parameters in LIBRARIES[kind].search_space[:trials]:
        model = fit_boosting(kind, rows, snapshot, config, parameters=parameters, seed=seed)
        if isinstance(model, str):
            return [_row(kind, note=f"not selectable: at the validation snapshot {model}")]
        table.append(_row(kind, gini=gini(model, customers), parameters=dict(parameters)))
    return table


def _row(
    kind: str, *, gini: float | None = None, parameters: dict[str, Any] | None = None, note: str = ""
) -> dict[str, Any]:
    return {"kind": kind, "gini": gini, "parameters": parameters, "note": note}


def gini(candidate: Candidate, customers: TrainingSet) -> float:
    """Return the Gini of the predicted value at the first horizon; 0 where nobody spent anything."""
    days = candidate.config.horizon_days
    return (
        amount_metrics(future_value(customers, days), candidate.expected(customers, days)[1])["gini"] or 0.0
    )


def amount_metrics(actual: Floats, predicted: Floats) -> dict[str, float | None]:
    """Return metrics of predicted amounts, without intervals.

    Args:
        actual: actual amounts, (rows,).
        predicted: predicted amounts, (rows,).

    Returns:
        Name to metric; None where undefined.
    """
    ranks = [np.unique(values, return_inverse=True)[1] for values in (predicted, actual)]
    amounts = Amounts(actual, predicted, np.ones(len(actual)), ranks[0], ranks[1], None)
    metrics = {name: measure(amounts) for name, measure in AMOUNT.items()}
    return {name: None if np.isnan(value) else value for name, value in metrics.items()}


def fit_candidates(
    rows: TrainingSet,
    snapshot: np.datetime64,
    selection: Selection,
    config: LifetimeValueConfig,
    *,
    seed: int,
) -> list[Candidate]:
    """Fit all candidates that can be fitted at a snapshot; the selected one comes first.

    Raises:
        DataError: too few customers bought again.
    """
    btyd_models = fit_btyd_models(rows, snapshot, config)
    boosting = {}
    for kind, library in LIBRARIES.items():
        parameters = selection.parameters.get(kind, library.search_space[0])
        model = fit_boosting(kind, rows, snapshot, config, parameters=parameters, seed=seed)
        if not isinstance(model, str):
            boosting[kind] = model
    first = [boosting.pop(selection.boosting)] if selection.boosting in boosting else []
    return [*first, *btyd_models, *boosting.values()]
