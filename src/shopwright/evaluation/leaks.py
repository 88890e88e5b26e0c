"""Signs that a model saw the future, in words for someone who has never heard of leakage."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from shopwright.core.errors import DataError
from shopwright.evaluation.checks import as_outcome
from shopwright.evaluation.measures import dot, sums
from shopwright.evaluation.resampling import codes
from shopwright.evaluation.splits import TimeSplit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from shopwright.evaluation.checks import Floats

    Mask = NDArray[np.bool_]
    Column = NDArray[Any]

Kind = Literal["separating feature", "mixed split", "looks ahead"]
LIMIT = 0.98
"""From this AUC on a single feature is taken for the outcome itself; behaviour alone hardly reaches 0.9."""
_LEAST_OF_EACH = 5
"""With fewer rows of an outcome such an AUC comes by chance."""
_FEW_VALUES = 50
"""A number with at most so many values may be a code: it is judged as a category too."""
_PARTS = ("training", "validation", "test")


@dataclass(frozen=True, slots=True)
class Finding:
    """One sign of a leak."""

    kind: Kind
    feature: str
    """Empty where it is not about one feature."""
    value: float
    """AUC of a feature that separates; number of decisions otherwise."""
    words: str


def separating_features(
    values: Sequence[Column] | NDArray[Any],
    names: Sequence[str],
    outcome: ArrayLike,
    *,
    limit: float = LIMIT,
) -> list[Finding]:
    """Features that tell the outcome apart nearly without the others.

    Numbers are judged by the AUC of their known values in either direction, categories (and numbers with few values) by that
    of the outcome's rate in each category on the other half of the rows, and every feature by whether it is missing. With
    fewer than 5 rows of an outcome nothing is judged.

    Args:
        values: a column for each name: numbers with NaN, or texts with None; or an array (n, features).
        names: of the features.
        outcome: (n,) 0 or 1. For amounts, give whether there is any.
        limit: AUC from which on to report, above 0.5.

    Returns:
        At most one finding a feature, the most telling, in the order of the names.
    """
    happened = as_outcome(outcome)
    columns = list(values.T) if isinstance(values, np.ndarray) else list(values)
    found = [
        _separates(_column(column, name, len(happened)), name, happened, limit)
        for name, column in zip(names, columns, strict=True)
    ]
    return [each for each in found if each is not None]


def _column(column: Column, name: str, rows: int) -> Column:
    values = np.asarray(column)
    if values.shape != (rows,):
        raise DataError(f"feature '{name}' has the shape {values.shape}, expected ({rows},)")
    return values


def _separates(column: Column, name: str, outcome: Floats, limit: float) -> Finding | None:
    missing = _missing(column)
    known, happened = column[~missing], outcome[~missing]
    found = {"is missing": _either_way(missing.astype(np.float64), outcome)}
    if column.dtype.kind in "OUS":
        found["category"] = _by_rate(codes(known), happened)
    else:
        numbers = known.astype(np.float64)
        found["value"] = _either_way(numbers, happened)
        distinct = np.unique(numbers)
        if len(distinct) <= _FEW_VALUES:
            found["category"] = _by_rate(np.searchsorted(distinct, numbers), happened)
    what = max(found, key=lambda key: -1.0 if math.isnan(found[key]) else found[key])
    auc = found[what]
    return Finding("separating feature", name, auc, _told(name, what, auc)) if auc >= limit else None


def _told(name: str, what: str, auc: float) -> str:
    how = {
        "is missing": f"whether '{name}' is missing tells",
        "category": f"the category in '{name}' alone tells",
        "value": f"'{name}' alone tells",
    }[what]
    return (
        f"{how} the outcome almost perfectly (AUC {auc:.3f}; 0.5 is chance, 1 is certainty). Such a value is usually "
        "written down after the outcome, or is the outcome under another name: find out when it becomes known, and "
        "leave it out if that is not before the decision"
    )


def _missing(column: Column) -> Mask:
    if column.dtype == object:
        # What differs from itself is a NaN among texts.
        return np.fromiter((each is None or each != each for each in column.tolist()), np.bool_, len(column))  # noqa: PLR0124 - see above
    if column.dtype.kind == "f":
        return np.isnan(column)
    return np.isnat(column) if column.dtype.kind in "mM" else np.zeros(len(column), dtype=np.bool_)


def _auc(values: Floats, outcome: Floats) -> float:
    ones = int(outcome.sum())
    if min(ones, len(outcome) - ones) < _LEAST_OF_EACH:
        return np.nan
    level = np.unique(values, return_inverse=True)[1]
    one, zero = sums(level, outcome), sums(level, 1 - outcome)
    return float(dot(one, np.cumsum(zero) - zero / 2) / (one.sum() * zero.sum()))


def _either_way(values: Floats, outcome: Floats) -> float:
    auc = _auc(values, outcome)
    return max(auc, 1 - auc)


def _by_rate(category: NDArray[np.intp], outcome: Floats) -> float:
    """AUC of the outcome's rate in each category, learned on one half of the rows and judged on the other, both ways."""
    half = np.random.default_rng(0).random(len(outcome)) < 0.5
    found = [_auc(_rates(category, outcome, ~judged)[judged], outcome[judged]) for judged in (half, ~half)]
    return float(np.mean(found))


def _rates(category: NDArray[np.intp], outcome: Floats, learned: Mask) -> Floats:
    """Rate of the outcome in each row's category on the rows to learn from; the overall rate where there are none."""
    size = int(category.max()) + 1 if len(category) else 0
    counts = np.bincount(category[learned], minlength=size)
    ones = np.bincount(category[learned], weights=outcome[learned], minlength=size)
    overall = float(outcome[learned].mean()) if learned.any() else 0.0
    return np.where(counts > 0, ones / np.where(counts > 0, counts, 1), overall)[category]


def mixed_split(
    split: TimeSplit | tuple[Mask, Mask, Mask],
    decided_at: NDArray[np.datetime64],
    known_at: NDArray[np.datetime64],
    *,
    entity: NDArray[Any] | None = None,
) -> list[Finding]:
    """What a part knows that had not happened when a later part's first decision was made.

    Args:
        split: by time, or any three masks of training, validation and test.
        decided_at: (n,) moment of each decision.
        known_at: (n,) moment from which on its outcome is known; NaT: not yet.
        entity: (n,) who the decision is about; finds the same decision in two parts.

    Returns:
        A finding for each pair of parts and problem.
    """
    parts = split.masks(decided_at) if isinstance(split, TimeSplit) else split
    pairs = [(0, 1), (0, 2), (1, 2)]
    found = [
        *(_known_later(parts, pair, decided_at, known_at) for pair in pairs),
        *(_shared(parts, pair, decided_at, entity) for pair in pairs),
    ]
    return [each for each in found if each is not None]


def _known_later(
    parts: tuple[Mask, Mask, Mask],
    pair: tuple[int, int],
    decided_at: NDArray[np.datetime64],
    known_at: NDArray[np.datetime64],
) -> Finding | None:
    earlier, later = (parts[each] for each in pair)
    if not (earlier.any() and later.any()):
        return None
    begins = decided_at[later].min()
    known = known_at[earlier]
    too_late = int(((known > begins) | np.isnat(known)).sum())
    if not too_late:
        return None
    one, two = (_PARTS[each] for each in pair)
    words = (
        f"the outcomes of {too_late:,} of {int(earlier.sum()):,} {one} decisions were not yet known at {begins}, when the "
        f"first {two} decision was made: the score on the {two} rows would count knowledge that nobody had. Split by "
        "time, and leave the outcome's horizon free between the parts"
    )
    return Finding("mixed split", "", float(too_late), words)


def _shared(
    parts: tuple[Mask, Mask, Mask],
    pair: tuple[int, int],
    decided_at: NDArray[np.datetime64],
    entity: NDArray[Any] | None,
) -> Finding | None:
    one, two = (parts[each] for each in pair)
    both = int((one & two).sum())
    if entity is not None:
        decision = codes(entity) * (len(decided_at) + 1) + codes(decided_at)
        both = int(np.isin(decision[two], decision[one]).sum())
    if not both:
        return None
    first, second = (_PARTS[each] for each in pair)
    words = (
        f"{both:,} {second} decisions are in the {first} rows too (the same moment"
        f"{' of the same entity' if entity is not None else ''}): the model has seen the answers it is asked for"
    )
    return Finding("mixed split", "", float(both), words)


def changed_features(
    before: Sequence[Column], after: Sequence[Column], names: Sequence[str], keys: Column
) -> list[Finding]:
    """Features that are not the same, byte for byte, after everything later than the decisions was rewritten.

    Missing equals missing, and NaN equals any NaN; 0.0 and -0.0 differ, as do 1 and 1.0 in columns of texts and numbers.

    Args:
        before: a column for each name, as first computed.
        after: the same decisions in the same order, computed on the rewritten data.
        names: of the features.
        keys: (n,) or (n, parts) who and when, to name an example by.
    """
    found = [
        _changed(np.asarray(old), np.asarray(new), name, keys)
        for name, old, new in zip(names, before, after, strict=True)
    ]
    return [each for each in found if each is not None]


def _changed(old: Column, new: Column, name: str, keys: Column) -> Finding | None:
    if len(old) != len(new):
        lost = abs(len(old) - len(new))
        words = (
            f"there were {len(old):,} decisions before and {len(new):,} after everything later was rewritten: which "
            "decisions there are depends on the future"
        )
        return Finding("looks ahead", name, float(lost), words)
    if old.dtype.kind != new.dtype.kind:
        words = f"'{name}' changed from {old.dtype} to {new.dtype} when everything later was rewritten"
        return Finding("looks ahead", name, float(len(old)), words)
    differs = _differs(old, new)
    if not differs.any():
        return None
    first, count = int(np.argmax(differs)), int(differs.sum())
    example = ", ".join(map(str, np.atleast_1d(keys[first])))
    words = (
        f"'{name}' changed for {count:,} of {len(old):,} decisions when everything that happened after them was "
        f"rewritten (first: {example}: {old[first]} became {new[first]}). It looks into the future: what it counts must "
        "end before the decision"
    )
    return Finding("looks ahead", name, float(count), words)


def _differs(old: Column, new: Column) -> Mask:
    if old.dtype == object:
        pairs = zip(old.tolist(), new.tolist(), strict=True)
        return np.fromiter((not _same(one, two) for one, two in pairs), np.bool_, len(old))
    if old.dtype.kind == "f":
        whole = np.dtype(f"i{old.dtype.itemsize}")
        bits = np.ascontiguousarray(old).view(whole) != np.ascontiguousarray(new.astype(old.dtype)).view(
            whole
        )
        return np.asarray(bits & ~(np.isnan(old) & np.isnan(new)))
    if old.dtype.kind in "mM":
        return np.asarray((old != new) & ~(np.isnat(old) & np.isnat(new)))
    return np.asarray(old != new, dtype=np.bool_)


def _same(one: Any, two: Any) -> bool:
    if isinstance(one, float) and isinstance(two, float):
        return one.hex() == two.hex() or (math.isnan(one) and math.isnan(two))
    return type(one) is type(two) and bool(one == two)
