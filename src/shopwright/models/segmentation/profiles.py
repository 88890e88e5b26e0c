"""Profiles of segments: size, value, distinguishing features, name and suggested campaign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopwright.models.segmentation.clustering import fit_scale
from shopwright.models.segmentation.customers import FEATURES, NAMES
from shopwright.models.segmentation.rfm import classify_rfm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from shopwright.models.segmentation.customers import Customers, Floats, Labels
    from shopwright.models.segmentation.importance import Importance
    from shopwright.models.segmentation.rfm import RfmClass, RfmScale


@dataclass(frozen=True, slots=True)
class Contrast:
    """How much a segment differs from all other customers in one feature."""

    feature: str
    distance: float
    """Difference of the means over the standard deviation of the scaled feature; positive where the segment has more."""
    label: str
    """Such as ``high spend``."""


@dataclass(frozen=True, slots=True)
class SegmentProfile:
    """Description of a segment."""

    segment: int
    name: str
    """Unique among the segments."""
    campaign: str
    """Suggested campaign for such customers, not tested on this shop's customers."""
    scores: tuple[float, float, float]
    """Median scores of recency, frequency and monetary value, 1 to 5."""
    customers: int
    share: float | None
    """Share of all customers, 0 to 1; None without customers."""
    revenue_share: float | None
    """Share of the net value of all customers, 0 to 1; None where that is 0 or less."""
    medians: dict[str, float | None]
    """Feature to its median in its own unit, or the mean of a flag or share; None where no customer has a value."""
    contrasts: tuple[Contrast, ...]
    """All features that differ from other customers', the most different first."""
    importance: Importance | None
    """Features that distinguish the segment; None where not measured."""


def profile_segments(
    customers: Customers,
    labels: Labels,
    *,
    segments: int,
    scale: RfmScale,
    importances: Mapping[int, Importance] | None = None,
) -> tuple[SegmentProfile, ...]:
    """Describe each segment, by number.

    A segment's RFM class is that of its customers' median scores; it gives the campaign and the name. Where two segments
    have the same class, each name gets its most distinguishing feature in brackets (from the first segment on, no
    feature twice).

    Args:
        customers: all customers.
        labels: their segments, (n,).
        segments: number of segments, some of which may be empty.
        scale: scale of the scores.
        importances: segment to the features that distinguish it.
    """
    scores, total = scale.scores(customers), float(np.nansum(customers.column("monetary")))
    members = [labels == segment for segment in range(segments)]
    medians = [_median_scores(scores[is_member]) for is_member in members]
    contrasts = [_contrasts(customers, is_member) for is_member in members]
    classes = [classify_rfm(*scores) for scores in medians]
    names = unique_names(classes, contrasts)
    return tuple(
        SegmentProfile(
            segment=segment,
            name=names[segment],
            campaign=classes[segment].campaign,
            scores=medians[segment],
            customers=int(is_member.sum()),
            share=float(is_member.mean()) if len(customers) else None,
            revenue_share=float(np.nansum(customers.column("monetary")[is_member])) / total
            if total > 0
            else None,
            medians=_medians(customers.values[is_member]),
            contrasts=contrasts[segment],
            importance=importances.get(segment) if importances else None,
        )
        for segment, is_member in enumerate(members)
    )


def unique_names(classes: Sequence[RfmClass], contrasts: Sequence[Sequence[Contrast]]) -> list[str]:
    """Return unique names of segments: their classes, where repeated with a contrast, else with a number."""
    class_names = [rfm_class.name for rfm_class in classes]
    names: list[str] = []
    for segment, name in enumerate(class_names):
        if class_names.count(name) == 1:
            names.append(name)
            continue
        candidates = [f"{name} ({contrast.label})" for contrast in contrasts[segment]]
        numbered = [f"{name} ({number})" for number in range(1, len(class_names) + 1)]
        names.append(next(label for label in candidates + numbered if label not in names))
    return names


def _median_scores(scores: Labels) -> tuple[float, float, float]:
    if not len(scores):
        return (1.0, 1.0, 1.0)
    recency, frequency, monetary = np.median(scores, axis=0).tolist()
    return (recency, frequency, monetary)


def _contrasts(customers: Customers, members: NDArray[np.bool_]) -> tuple[Contrast, ...]:
    contrasts = []
    for feature in FEATURES:
        values = customers.column(feature.name)
        distance = _distance(feature.name, values, members, is_logged=feature.kind == "amount")
        if distance:
            contrasts.append(
                Contrast(feature=feature.name, distance=distance, label=feature.labels[distance > 0])
            )
    return tuple(
        sorted(contrasts, key=lambda contrast: (-abs(contrast.distance), NAMES.index(contrast.feature)))
    )


def _distance(name: str, values: Floats, members: NDArray[np.bool_], *, is_logged: bool) -> float | None:
    present = ~np.isnan(values)
    inside, outside = members & present, ~members & present
    if not inside.any() or not outside.any():
        return None
    scaled = fit_scale(name, values, is_logged=is_logged).apply(values)
    deviation = float(scaled[present].std())
    return float(scaled[inside].mean() - scaled[outside].mean()) / deviation if deviation else None


def _medians(values: Floats) -> dict[str, float | None]:
    medians: dict[str, float | None] = {}
    for feature, column in zip(FEATURES, values.T, strict=True):
        present = column[~np.isnan(column)]
        middle = np.median if feature.kind == "amount" else np.mean
        medians[feature.name] = float(middle(present)) if len(present) else None
    return medians
