"""How many segments the data bears: by the elbow, the silhouette, and what remains when customers are resampled."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import adjusted_rand_score, silhouette_score

from shopwright.models.segmentation.centres import distances, fit_centres, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shopwright.models.segmentation.config import SegmentationConfig
    from shopwright.models.segmentation.data import Floats, Labels


@dataclass(frozen=True, slots=True)
class Figures:
    """What speaks for and against one number of segments."""

    segments: int
    inertia: float
    """Sum of squared distances from the nearest centre."""
    elbow: float
    """How far the curve of inertia lies below the straight line between its ends, both axes from 0 to 1."""
    silhouette: float | None
    """Mean silhouette (-1 to 1, higher is better); None where all customers are in one group."""
    stability: float
    """Mean adjusted Rand index between groupings of resampled customers (1: always the same, 0: luck)."""
    smallest_share: float
    """Share of the customers in the smallest segment."""


@dataclass(frozen=True, slots=True)
class Choice:
    """How many segments, and the figures of each number that was looked at."""

    segments: int
    is_stable: bool
    """Whether any number was stable; if none was, the most stable one is taken, and segments should not be relied on."""
    reason: str
    figures: tuple[Figures, ...]

    @property
    def chosen(self) -> Figures:
        """The figures of the chosen number."""
        return next(each for each in self.figures if each.segments == self.segments)


def choose(points: Floats, centres: Mapping[int, Floats], config: SegmentationConfig) -> Choice:
    """Choose how many segments.

    Of the numbers that are stable (``least_stability``) and have no tiny segment (``least_share``), those whose
    silhouette is near the best one of them (``silhouette_leeway``) are left; of these the largest is taken whose elbow
    is near the greatest one of these (``elbow_leeway``), since more segments say more. Where none is stable, the most
    stable one is taken, and the choice says so.

    Args:
        points: (n, features), scaled.
        centres: number of segments, from 1 on, to its centres.
        config: thresholds, and how much to measure on.
    """
    rng = np.random.default_rng([config.seed, 2])
    sample = _sample(points, config.most_compared, rng)
    rows = [rng.integers(0, len(sample), len(sample)) for _ in range(config.resamples)]
    inertias = {number: _inertia(points, found) for number, found in centres.items()}
    elbows = elbow_distances(inertias)
    figures = tuple(
        Figures(
            segments=number,
            inertia=inertias[number],
            elbow=elbows[number],
            silhouette=_silhouette(sample[: config.most_compared // 2], centres[number]),
            stability=stability(sample, number, rows, seed=config.seed),
            smallest_share=_smallest_share(points, centres[number]),
        )
        for number in sorted(centres)
        if number >= config.least_segments
    )
    return decide(figures, config)


def decide(figures: Sequence[Figures], config: SegmentationConfig) -> Choice:
    """Apply the rule of :func:`choose` to figures."""
    stable = [
        each
        for each in figures
        if each.stability >= config.least_stability
        and each.smallest_share >= config.least_share
        and each.silhouette is not None
    ]
    if not stable:
        best = max(figures, key=lambda each: (each.smallest_share > 0, each.stability, -each.segments))
        reason = (
            f"no number of them is stable (adjusted Rand {config.least_stability:g} or more) with {config.least_share:.0%} of "
            f"the customers or more in each; this one comes nearest ({best.stability:.2f})"
        )
        return Choice(segments=best.segments, is_stable=False, reason=reason, figures=tuple(figures))
    best, highest = _largest_near(stable, config)
    reason = (
        f"the largest number that is stable (adjusted Rand {best.stability:.2f}), with a silhouette of {best.silhouette:.2f} "
        f"near the best of the stable ones ({highest:.2f}), and near the elbow"
    )
    return Choice(segments=best.segments, is_stable=True, reason=reason, figures=tuple(figures))


def _largest_near(stable: Sequence[Figures], config: SegmentationConfig) -> tuple[Figures, float]:
    highest = max(each.silhouette or 0.0 for each in stable)
    lowest = highest - config.silhouette_leeway * abs(highest)
    near = [each for each in stable if (each.silhouette or 0.0) >= lowest]
    steepest = max(each.elbow for each in near)
    at_elbow = [each for each in near if each.elbow >= steepest * (1 - config.elbow_leeway)]
    return max(at_elbow, key=lambda each: each.segments), highest


def elbow_distances(inertias: Mapping[int, float]) -> dict[int, float]:
    """How far a falling curve lies below the line between its ends, both axes brought to 0..1.

    Source: V. Satopaa and others, "Finding a 'kneedle' in a haystack", ICDCS workshops 2011, without smoothing and with
    the distance taken along the vertical. 0 everywhere where the curve is level.
    """
    numbers = sorted(inertias)
    first, last = numbers[0], numbers[-1]
    fall = inertias[first] - inertias[last]
    if first == last or fall <= 0:
        return dict.fromkeys(numbers, 0.0)
    across = {number: (number - first) / (last - first) for number in numbers}
    return {number: 1 - across[number] - (inertias[number] - inertias[last]) / fall for number in numbers}


def stability(points: Floats, segments: int, rows: Sequence[Labels], *, seed: int) -> float:
    """Mean adjusted Rand index between k-means of resamples, of each pair on the points that both contain.

    Source: L. Hubert, P. Arabie, "Comparing partitions", Journal of Classification 2, 1985; resampling as in
    A. Ben-Hur, A. Elisseeff, I. Guyon, "A stability based method for discovering structure in clustered data", 2002.

    Args:
        points: (n, features), scaled.
        segments: how many.
        rows: positions that each resample draws, with repeats; at least two resamples.
        seed: of k-means.
    """
    labels = [
        nearest(points, fit_centres(points[drawn], segments, starts=3, seed=seed + turn))
        for turn, drawn in enumerate(rows)
    ]
    drawn_in = [np.bincount(drawn, minlength=len(points)) > 0 for drawn in rows]
    found = [
        adjusted_rand_score(labels[one][both], labels[other][both])
        for one, other in combinations(range(len(rows)), 2)
        if (both := drawn_in[one] & drawn_in[other]).any()
    ]
    return float(np.mean(found))


def _sample(points: Floats, most: int, rng: np.random.Generator) -> Floats:
    return points[rng.permutation(len(points))[:most]]


def _inertia(points: Floats, centres: Floats) -> float:
    return float(distances(points, centres).min(axis=1).sum())


def _silhouette(points: Floats, centres: Floats) -> float | None:
    labels = nearest(points, centres)
    if not 1 < len(np.unique(labels)) < len(points):
        return None
    return float(silhouette_score(points, labels))


def _smallest_share(points: Floats, centres: Floats) -> float:
    counts = np.bincount(nearest(points, centres), minlength=len(centres))
    return float(counts.min() / len(points))
