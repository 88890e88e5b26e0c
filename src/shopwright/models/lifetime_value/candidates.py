"""Which models compete at a snapshot, each learnt from nothing that was not known by then, and which of them is taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.errors import DataError
from shopwright.evaluation.measures import AMOUNT, Amounts
from shopwright.models.btyd import PURCHASE_MODELS
from shopwright.models.lifetime_value.boosting import Boosting, known_at, lacks_buyers
from shopwright.models.lifetime_value.features import JUDGED, history, spent
from shopwright.models.lifetime_value.repeat_buying import EveryPurchase, RepeatBuying
from shopwright.models.lifetime_value.trees import LIBRARIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from shopwright.models.lifetime_value.prediction import Candidate
    from shopwright.models.training_set import TrainingSet

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moments:
    """Snapshots that candidates are chosen and judged at."""

    test: np.datetime64
    validation: np.datetime64 | None
    """None where the history is too short for one."""

    @classmethod
    def of(cls, frame: TrainingSet) -> Moments:
        """The last snapshot whose outcome is known, and the last one whose outcome was known then.

        Raises:
            DataError: no outcome is known yet.
        """
        known = np.unique(frame.decided_at[~np.isnan(spent(frame, JUDGED))])
        if not len(known):
            raise DataError(
                f"lifetime_value: no snapshot has been followed by {JUDGED} days yet; at least {JUDGED} days of orders after a "
                "first month are needed to judge a model"
            )
        test = known[-1]
        earlier = known[known + np.timedelta64(JUDGED, "D") <= test]
        return cls(test, earlier[-1] if len(earlier) else None)


def at(frame: TrainingSet, moment: np.datetime64) -> TrainingSet:
    """The customers of one snapshot."""
    return frame.take(frame.decided_at == moment)


def repeat_buying(frame: TrainingSet, moment: np.datetime64) -> list[RepeatBuying]:
    """Every buy-till-you-die model, fitted on the histories at a snapshot; the likeliest one first.

    Raises:
        DataError: too few customers bought again.
    """
    now = at(frame, moment)
    worth = EveryPurchase.fit(history(now))
    fitted = [RepeatBuying.fit(model, worth, now) for model in PURCHASE_MODELS]
    # To a tenth, so that of models which come to the same where nobody leaves the simplest is first.
    return sorted(fitted, key=lambda each: -round(each.model.report.log_likelihood, 1))


def boosting(
    kind: str, frame: TrainingSet, moment: np.datetime64, *, settings: Mapping[str, Any], seed: int
) -> Boosting | str:
    """Trees that learnt from the outcomes known at a snapshot; in words why not, where too few were."""
    known = known_at(frame, moment)
    if reason := lacks_buyers(known[JUDGED], JUDGED):
        return reason
    return Boosting.fit(kind, known[JUDGED], known, settings=settings, seed=seed)


@dataclass(frozen=True, slots=True)
class Choice:
    """What was taken, and what it was taken from."""

    trees: str | None
    """Kind of the trees that were taken; None for the likeliest buy-till-you-die model."""
    settings: dict[str, dict[str, Any]]
    """Kind of trees to its settings; the first ones of each that is not there."""
    rows: list[dict[str, Any]]
    """Candidate to what it was chosen by; ``note`` says why it has nothing."""


def choose(frame: TrainingSet, moments: Moments, *, trials: int, seed: int) -> Choice:
    """Let trees of each kind compete with the likeliest buy-till-you-die model at the validation snapshot, by Gini.

    Among buy-till-you-die models the likelihood decides at every snapshot: it is of the same histories, needs no outcome, and
    says far more than a ranking of the few who come back.

    Args:
        frame: customers at all snapshots.
        moments: the snapshots.
        trials: settings to try of each kind of trees.
        seed: of the fits.
    """
    if moments.validation is None:
        return _untried(
            f"left out: no outcome of {JUDGED} days was known {JUDGED} days before the test snapshot, to choose by"
        )
    try:
        likeliest = repeat_buying(frame, moments.validation)[0]
    except DataError as error:
        return _untried(f"left out: nothing to choose against at the validation snapshot: {error}")
    now = at(frame, moments.validation)
    rows = [_row(likeliest.kind, gini=ranking(likeliest, now))]
    for kind in LIBRARIES:
        rows += _tried(kind, frame, now, moments.validation, trials=trials, seed=seed)
    ranked = sorted((each for each in rows if each["gini"] is not None), key=lambda each: -each["gini"])
    settings = {each["kind"]: each["settings"] for each in reversed(ranked) if each["settings"]}
    best = ranked[0]["kind"]
    return Choice(best if best in LIBRARIES else None, settings, rows)


def _untried(note: str) -> Choice:
    """The likeliest buy-till-you-die model, since trees could not be tried."""
    return Choice(None, {}, [_row(kind, note=note) for kind in LIBRARIES])


def _tried(
    kind: str, frame: TrainingSet, now: TrainingSet, moment: np.datetime64, *, trials: int, seed: int
) -> list[dict[str, Any]]:
    """Trees of one kind with each setting that is tried of it."""
    rows = []
    for settings in LIBRARIES[kind].settings[:trials]:
        found = boosting(kind, frame, moment, settings=settings, seed=seed)
        if isinstance(found, str):
            return [_row(kind, note=f"could not be chosen: at the validation snapshot {found}")]
        rows.append(_row(kind, gini=ranking(found, now), settings=dict(settings)))
    return rows


def _row(
    kind: str, *, gini: float | None = None, settings: dict[str, Any] | None = None, note: str = ""
) -> dict[str, Any]:
    return {"kind": kind, "gini": gini, "settings": settings, "note": note}


def ranking(candidate: Candidate, now: TrainingSet) -> float:
    """Gini of the predicted value at the judged horizon; 0 where nobody spent anything."""
    return measures(spent(now, JUDGED), candidate.expected(now, JUDGED)[1])["gini"] or 0.0


def measures(actual: Floats, predicted: Floats) -> dict[str, float | None]:
    """Measures of predicted amounts (rows,) without intervals, None where undefined."""
    ranks = [np.unique(each, return_inverse=True)[1] for each in (predicted, actual)]
    amounts = Amounts(actual, predicted, np.ones(len(actual)), ranks[0], ranks[1], None)
    found = {name: measure(amounts) for name, measure in AMOUNT.items()}
    return {name: None if np.isnan(value) else value for name, value in found.items()}


def field_at(frame: TrainingSet, moment: np.datetime64, choice: Choice, *, seed: int) -> list[Candidate]:
    """All candidates that could be learnt at a snapshot, the chosen one first.

    Raises:
        DataError: too few customers bought again.
    """
    likely = repeat_buying(frame, moment)
    grown = {}
    for kind, library in LIBRARIES.items():
        trees = boosting(
            kind, frame, moment, settings=choice.settings.get(kind, library.settings[0]), seed=seed
        )
        if not isinstance(trees, str):
            grown[kind] = trees
    first = [grown.pop(choice.trees)] if choice.trees in grown else []
    return [*first, *likely, *grown.values()]
