"""Portraits of segments: how large, worth what, set apart by what, how to call them, and what to do for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopwright.models.segmentation.clustering import scale_of
from shopwright.models.segmentation.data import FEATURES, NAMES
from shopwright.models.segmentation.rfm import class_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from shopwright.models.segmentation.data import Customers, Floats, Labels
    from shopwright.models.segmentation.importance import Importance
    from shopwright.models.segmentation.rfm import RfmClass, RfmScale


@dataclass(frozen=True, slots=True)
class Contrast:
    """How much a segment differs from all other customers in one feature."""

    feature: str
    distance: float
    """Difference of the means over the standard deviation, of the feature as it is scaled; positive is more."""
    words: str
    """Such as ``high spend``."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """What there is to know of a segment."""

    segment: int
    name: str
    """No two segments have the same."""
    campaign: str
    """What is usually done for customers in this position; a suggestion, tried on nobody here."""
    scores: tuple[float, float, float]
    """Median scores of recency, frequency and money, 1 to 5."""
    customers: int
    share: float | None
    """Of all customers; None where there is none."""
    revenue_share: float | None
    """Of all customers' monetary; None where they are worth nothing in all."""
    medians: dict[str, float | None]
    """Feature to its median in its own unit, a flag's or share's mean; None where no customer has a value."""
    contrasts: tuple[Contrast, ...]
    """Of every feature that differs, the most different first."""
    importance: Importance | None
    """What tells the segment from the others; None where it was not measured."""


def portray(
    customers: Customers,
    labels: Labels,
    *,
    segments: int,
    scale: RfmScale,
    importances: Mapping[int, Importance] | None = None,
) -> tuple[Portrait, ...]:
    """Describe each segment, by number.

    A segment's class is that of its customers' median scores; it gives the campaign and the name. Where two segments are
    of one class, each name says in brackets what sets its segment apart most (from the first on, nothing twice).

    Args:
        customers: all.
        labels: their segments, (n,).
        segments: how many there are; one may be empty.
        scale: gives the scores.
        importances: segment to what tells it from others.
    """
    scores, total = scale.scores(customers), float(np.nansum(customers.column("monetary")))
    members = [labels == segment for segment in range(segments)]
    medians = [_median_scores(scores[each]) for each in members]
    contrasts = [_contrasts(customers, each) for each in members]
    classes = [class_of(*each) for each in medians]
    names = unique_names(classes, contrasts)
    return tuple(
        Portrait(
            segment=segment,
            name=names[segment],
            campaign=classes[segment].campaign,
            scores=medians[segment],
            customers=int(each.sum()),
            share=float(each.mean()) if len(customers) else None,
            revenue_share=float(np.nansum(customers.column("monetary")[each])) / total if total > 0 else None,
            medians=_medians(customers.values[each]),
            contrasts=contrasts[segment],
            importance=importances.get(segment) if importances else None,
        )
        for segment, each in enumerate(members)
    )


def unique_names(classes: Sequence[RfmClass], contrasts: Sequence[Sequence[Contrast]]) -> list[str]:
    """Names of segments by their classes; those of one class are told apart by their contrasts, else by a number."""
    alone = [each.name for each in classes]
    names: list[str] = []
    for segment, name in enumerate(alone):
        if alone.count(name) == 1:
            names.append(name)
            continue
        tried = [f"{name} ({contrast.words})" for contrast in contrasts[segment]]
        numbered = [f"{name} ({number})" for number in range(1, len(alone) + 1)]
        names.append(next(each for each in tried + numbered if each not in names))
    return names


def _median_scores(scores: Labels) -> tuple[float, float, float]:
    if not len(scores):
        return (1.0, 1.0, 1.0)
    recency, frequency, monetary = np.median(scores, axis=0).tolist()
    return (recency, frequency, monetary)


def _contrasts(customers: Customers, members: NDArray[np.bool_]) -> tuple[Contrast, ...]:
    found = []
    for feature in FEATURES:
        values = customers.column(feature.name)
        distance = _distance(feature.name, values, members, is_logged=feature.kind == "amount")
        if distance:
            found.append(Contrast(feature=feature.name, distance=distance, words=feature.words[distance > 0]))
    return tuple(sorted(found, key=lambda each: (-abs(each.distance), NAMES.index(each.feature))))


def _distance(name: str, values: Floats, members: NDArray[np.bool_], *, is_logged: bool) -> float | None:
    there = ~np.isnan(values)
    inside, outside = members & there, ~members & there
    if not inside.any() or not outside.any():
        return None
    scaled = scale_of(name, values, is_logged=is_logged).apply(values)
    deviation = float(scaled[there].std())
    return float(scaled[inside].mean() - scaled[outside].mean()) / deviation if deviation else None


def _medians(values: Floats) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for feature, column in zip(FEATURES, values.T, strict=True):
        there = column[~np.isnan(column)]
        middle = np.median if feature.kind == "amount" else np.mean
        found[feature.name] = float(middle(there)) if len(there) else None
    return found
