"""Leak audit: signs that a model saw the future, explained for readers who have never heard of leakage."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from shopwright.core.errors import DataError
from shopwright.evaluation.checks import check_outcome
from shopwright.evaluation.measures import dot, sum_by_index
from shopwright.evaluation.resampling import factorize
from shopwright.evaluation.splits import TimeSplit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from shopwright.evaluation.checks import Floats

    Mask = NDArray[np.bool_]
    Column = NDArray[Any]

Kind = Literal["separating feature", "overlapping split", "look-ahead"]
SEPARATING_AUC = 0.98
"""AUC from which a single feature counts as the outcome itself; behavior alone rarely reaches 0.9."""
_MIN_ROWS_PER_CLASS = 5
"""With fewer rows of an outcome, such an AUC occurs by chance."""
_FEW_VALUES = 50
"""A number with at most this many distinct values may be a code: it is checked as a category too."""
_WINDOWS = ("training", "validation", "test")


@dataclass(frozen=True, slots=True)
class Finding:
    """One sign of a leak."""

    kind: Kind
    feature: str
    """Name of the feature; empty if the finding is not about a single feature."""
    value: float
    """AUC of a feature that separates; number of decisions otherwise."""
    message: str


def find_separating_features(
    values: Sequence[Column] | NDArray[Any],
    names: Sequence[str],
    outcome: ArrayLike,
    *,
    limit: float = SEPARATING_AUC,
) -> list[Finding]:
    """Find features that predict the outcome almost perfectly on their own.

    Numbers are checked by the AUC of their known values in either direction, categories (and numbers with few values) by that
    of the outcome's rate in each category on the other half of the rows, and every feature by whether it is missing. With
    fewer than 5 rows of an outcome nothing is checked.

    Args:
        values: a column for each name: numbers with NaN, or texts with None; or an array (n, features).
        names: of the features.
        outcome: (n,) 0 or 1. For amounts, pass whether there is any.
        limit: AUC from which to report, above 0.5.

    Returns:
        At most one finding per feature, the one with the highest AUC, in the order of the names.
    """
    outcomes = check_outcome(outcome)
    columns = list(values.T) if isinstance(values, np.ndarray) else list(values)
    findings = [
        _separates(_column(column, name, len(outcomes)), name, outcomes, limit)
        for name, column in zip(names, columns, strict=True)
    ]
    return [finding for finding in findings if finding is not None]


def _column(column: Column, name: str, rows: int) -> Column:
    values = np.asarray(column)
    if values.shape != (rows,):
        raise DataError(f"feature '{name}' has the shape {values.shape}, expected ({rows},)")
    return values


def _separates(column: Column, name: str, outcome: Floats, limit: float) -> Finding | None:
    missing = _missing(column)
    values, outcomes = column[~missing], outcome[~missing]
    aucs = {"is missing": _either_way(missing.astype(np.float64), outcome)}
    if column.dtype.kind in "OUS":
        aucs["category"] = _by_rate(factorize(values), outcomes)
    else:
        numbers = values.astype(np.float64)
        aucs["value"] = _either_way(numbers, outcomes)
        distinct = np.unique(numbers)
        if len(distinct) <= _FEW_VALUES:
            aucs["category"] = _by_rate(np.searchsorted(distinct, numbers), outcomes)
    criterion = max(aucs, key=lambda key: -1.0 if math.isnan(aucs[key]) else aucs[key])
    auc = aucs[criterion]
    return Finding("separating feature", name, auc, _message(name, criterion, auc)) if auc >= limit else None


def _message(name: str, what: str, auc: float) -> str:
    how = {
        "is missing": f"whether '{name}' is missing reveals",
        "category": f"the category in '{name}' alone reveals",
        "value": f"'{name}' alone reveals",
    }[what]
    return (
        f"{how} the outcome almost perfectly (AUC {auc:.3f}; 0.5 is chance, 1 is certainty). Such a value is usually "
        "recorded after the outcome, or is the outcome under another name. Find out when it becomes known, and "
        "leave it out unless that is before the decision"
    )


def _missing(column: Column) -> Mask:
    if column.dtype == object:
        return np.fromiter((_is_missing(value) for value in column.tolist()), np.bool_, len(column))
    if column.dtype.kind == "f":
        return np.isnan(column)
    return np.isnat(column) if column.dtype.kind in "mM" else np.zeros(len(column), dtype=np.bool_)


def _is_missing(value: Any) -> bool:
    # Among strings, a NaN is the value that differs from itself.
    return value is None or bool(value != value)  # noqa: PLR0124


def _auc(values: Floats, outcome: Floats) -> float:
    positives = int(outcome.sum())
    if min(positives, len(outcome) - positives) < _MIN_ROWS_PER_CLASS:
        return np.nan
    level = np.unique(values, return_inverse=True)[1]
    positives_at, negatives_at = sum_by_index(level, outcome), sum_by_index(level, 1 - outcome)
    return float(
        dot(positives_at, np.cumsum(negatives_at) - negatives_at / 2)
        / (positives_at.sum() * negatives_at.sum())
    )


def _either_way(values: Floats, outcome: Floats) -> float:
    auc = _auc(values, outcome)
    return max(auc, 1 - auc)


def _by_rate(category: NDArray[np.intp], outcome: Floats) -> float:
    """Compute the AUC of the outcome's rate in each category, learned on one half of the rows and tested on the other, both ways."""
    half = np.random.default_rng(0).random(len(outcome)) < 0.5
    aucs = [_auc(_rates(category, outcome, ~holdout)[holdout], outcome[holdout]) for holdout in (half, ~half)]
    return float(np.mean(aucs))


def _rates(category: NDArray[np.intp], outcome: Floats, training: Mask) -> Floats:
    """Return the outcome's rate in each row's category over the training rows; the overall rate if there are none."""
    size = int(category.max()) + 1 if len(category) else 0
    counts = np.bincount(category[training], minlength=size)
    positives = np.bincount(category[training], weights=outcome[training], minlength=size)
    overall = float(outcome[training].mean()) if training.any() else 0.0
    return np.where(counts > 0, positives / np.where(counts > 0, counts, 1), overall)[category]


def find_split_overlap(
    split: TimeSplit | tuple[Mask, Mask, Mask],
    decided_at: NDArray[np.datetime64],
    known_at: NDArray[np.datetime64],
    *,
    entity: NDArray[Any] | None = None,
) -> list[Finding]:
    """Find outcomes in one window that were not known yet when a later window's first decision was made.

    Args:
        split: by time, or any three masks of training, validation and test.
        decided_at: (n,) time of each decision.
        known_at: (n,) time from which its outcome is known; NaT: not yet.
        entity: (n,) who the decision is about; finds the same decision in two windows.

    Returns:
        A finding for each pair of windows and problem.
    """
    windows = split.masks(decided_at) if isinstance(split, TimeSplit) else split
    pairs = [(0, 1), (0, 2), (1, 2)]
    findings = [
        *(_known_later(windows, pair, decided_at, known_at) for pair in pairs),
        *(_shared(windows, pair, decided_at, entity) for pair in pairs),
    ]
    return [finding for finding in findings if finding is not None]


def _known_later(
    windows: tuple[Mask, Mask, Mask],
    pair: tuple[int, int],
    decided_at: NDArray[np.datetime64],
    known_at: NDArray[np.datetime64],
) -> Finding | None:
    earlier, later = (windows[index] for index in pair)
    if not (earlier.any() and later.any()):
        return None
    begins = decided_at[later].min()
    resolved_at = known_at[earlier]
    too_late = int(((resolved_at > begins) | np.isnat(resolved_at)).sum())
    if not too_late:
        return None
    earlier_name, later_name = (_WINDOWS[index] for index in pair)
    message = (
        f"the outcomes of {too_late:,} of {int(earlier.sum()):,} {earlier_name} decisions were not known yet at {begins}, when the "
        f"first {later_name} decision was made. The {later_name} score would use knowledge that nobody had. Split by "
        "time, and leave the outcome's horizon free between the windows"
    )
    return Finding("overlapping split", "", float(too_late), message)


def _shared(
    windows: tuple[Mask, Mask, Mask],
    pair: tuple[int, int],
    decided_at: NDArray[np.datetime64],
    entity: NDArray[Any] | None,
) -> Finding | None:
    first, second = (windows[index] for index in pair)
    shared = int((first & second).sum())
    if entity is not None:
        decision = factorize(entity) * (len(decided_at) + 1) + factorize(decided_at)
        shared = int(np.isin(decision[second], decision[first]).sum())
    if not shared:
        return None
    first_name, second_name = (_WINDOWS[index] for index in pair)
    message = (
        f"{shared:,} {second_name} decisions are in the {first_name} rows too (the same moment"
        f"{' of the same entity' if entity is not None else ''}). The model has seen the answers"
    )
    return Finding("overlapping split", "", float(shared), message)


def find_changed_features(
    before: Sequence[Column], after: Sequence[Column], names: Sequence[str], keys: Column
) -> list[Finding]:
    """Find features that are not identical, byte for byte, after everything later than the decisions was rewritten.

    Missing equals missing, and NaN equals any NaN; 0.0 and -0.0 differ, as do 1 and 1.0 in columns of texts and numbers.

    Args:
        before: a column for each name, as first computed.
        after: the same decisions in the same order, computed on the rewritten data.
        names: of the features.
        keys: (n,) or (n, keys) entity and time, to name an example by.
    """
    findings = [
        _compare_feature(np.asarray(old), np.asarray(new), name, keys)
        for name, old, new in zip(names, before, after, strict=True)
    ]
    return [finding for finding in findings if finding is not None]


def _compare_feature(old: Column, new: Column, name: str, keys: Column) -> Finding | None:
    if len(old) != len(new):
        lost = abs(len(old) - len(new))
        message = (
            f"there were {len(old):,} decisions before and {len(new):,} after everything later was rewritten: which "
            "decisions exist depends on the future"
        )
        return Finding("look-ahead", name, float(lost), message)
    if old.dtype.kind != new.dtype.kind:
        message = f"'{name}' changed from {old.dtype} to {new.dtype} when everything later was rewritten"
        return Finding("look-ahead", name, float(len(old)), message)
    differs = _differs(old, new)
    if not differs.any():
        return None
    first, count = int(np.argmax(differs)), int(differs.sum())
    example = ", ".join(map(str, np.atleast_1d(keys[first])))
    message = (
        f"'{name}' changed for {count:,} of {len(old):,} decisions when everything that happened after them was "
        f"rewritten (first: {example}: {old[first]} became {new[first]}). It uses the future: what it counts must "
        "end before the decision"
    )
    return Finding("look-ahead", name, float(count), message)


def _differs(old: Column, new: Column) -> Mask:
    if old.dtype == object:
        pairs = zip(old.tolist(), new.tolist(), strict=True)
        return np.fromiter((not _same(left, right) for left, right in pairs), np.bool_, len(old))
    if old.dtype.kind == "f":
        integer = np.dtype(f"i{old.dtype.itemsize}")
        bits = np.ascontiguousarray(old).view(integer) != np.ascontiguousarray(new.astype(old.dtype)).view(
            integer
        )
        return np.asarray(bits & ~(np.isnan(old) & np.isnan(new)))
    if old.dtype.kind in "mM":
        return np.asarray((old != new) & ~(np.isnat(old) & np.isnat(new)))
    return np.asarray(old != new, dtype=np.bool_)


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return left.hex() == right.hex() or (math.isnan(left) and math.isnan(right))
    return type(left) is type(right) and bool(left == right)
