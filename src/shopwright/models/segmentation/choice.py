"""The number of segments: chosen by the elbow, the silhouette, and the stability when customers are resampled."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import adjusted_rand_score, silhouette_score

from shopwright.models.segmentation.kmeans import distances, fit_centers, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shopwright.models.segmentation.config import SegmentationConfig
    from shopwright.models.segmentation.customers import Floats, Labels


@dataclass(frozen=True, slots=True)
class SegmentCountMetrics:
    """Metrics of one number of segments."""

    segments: int
    inertia: float
    """Sum of squared distances from the nearest center."""
    elbow: float
    """Distance of the inertia curve below the straight line between its ends, both axes from 0 to 1."""
    silhouette: float | None
    """Mean silhouette (-1 to 1, higher is better); None where all customers are in one segment."""
    stability: float
    """Mean adjusted Rand index between clusterings of resampled customers (1: identical, 0: random)."""
    min_segment_share: float
    """Share of the customers in the smallest segment (0 to 1)."""


@dataclass(frozen=True, slots=True)
class SegmentCountChoice:
    """The chosen number of segments, and the metrics of all candidates."""

    segments: int
    is_stable: bool
    """Whether any number was stable. If none was, the most stable one is used, and segments are unreliable."""
    reason: str
    candidates: tuple[SegmentCountMetrics, ...]

    @property
    def selected(self) -> SegmentCountMetrics:
        """Metrics of the chosen number."""
        return next(candidate for candidate in self.candidates if candidate.segments == self.segments)


def choose(points: Floats, centers: Mapping[int, Floats], config: SegmentationConfig) -> SegmentCountChoice:
    """Choose the number of segments.

    First, keep the numbers that are stable (``min_stability``) and have no tiny segment (``min_share``). Of these, keep
    those with a silhouette near the best one (``silhouette_leeway``). Of these, choose the largest with an elbow near the
    greatest one (``elbow_leeway``), since more segments are more informative. If no number is stable, choose the most
    stable one and say so.

    Args:
        points: (n, features), scaled.
        centers: number of segments, from 1 on, to its centers (segments, features).
        config: thresholds and sample sizes.
    """
    rng = np.random.default_rng([config.seed, 2])
    sample = _sample(points, config.max_compared, rng)
    rows = [rng.integers(0, len(sample), len(sample)) for _ in range(config.resamples)]
    inertias = {number: _inertia(points, segment_centers) for number, segment_centers in centers.items()}
    elbows = elbow_distances(inertias)
    candidates = tuple(
        SegmentCountMetrics(
            segments=number,
            inertia=inertias[number],
            elbow=elbows[number],
            silhouette=_silhouette(sample[: config.max_compared // 2], centers[number]),
            stability=stability(sample, number, rows, seed=config.seed),
            min_segment_share=_min_segment_share(points, centers[number]),
        )
        for number in sorted(centers)
        if number >= config.min_segments
    )
    return decide(candidates, config)


def decide(candidates: Sequence[SegmentCountMetrics], config: SegmentationConfig) -> SegmentCountChoice:
    """Apply the rule of :func:`choose` to the metrics of candidates."""
    stable = [
        candidate
        for candidate in candidates
        if candidate.stability >= config.min_stability
        and candidate.min_segment_share >= config.min_share
        and candidate.silhouette is not None
    ]
    if not stable:
        best = max(
            candidates,
            key=lambda candidate: (candidate.min_segment_share > 0, candidate.stability, -candidate.segments),
        )
        reason = (
            f"no number of segments is stable (adjusted Rand index of at least {config.min_stability:g}) with at least "
            f"{config.min_share:.0%} of the customers in each; this one comes closest ({best.stability:.2f})"
        )
        return SegmentCountChoice(
            segments=best.segments, is_stable=False, reason=reason, candidates=tuple(candidates)
        )
    best, highest = _select_near_best(stable, config)
    reason = (
        f"the largest stable number (adjusted Rand index {best.stability:.2f}) with a silhouette of {best.silhouette:.2f} near "
        f"the best of the stable ones ({highest:.2f}) and near the elbow"
    )
    return SegmentCountChoice(
        segments=best.segments, is_stable=True, reason=reason, candidates=tuple(candidates)
    )


def _select_near_best(
    stable: Sequence[SegmentCountMetrics], config: SegmentationConfig
) -> tuple[SegmentCountMetrics, float]:
    highest = max(candidate.silhouette or 0.0 for candidate in stable)
    lowest = highest - config.silhouette_leeway * abs(highest)
    near = [candidate for candidate in stable if (candidate.silhouette or 0.0) >= lowest]
    steepest = max(candidate.elbow for candidate in near)
    at_elbow = [candidate for candidate in near if candidate.elbow >= steepest * (1 - config.elbow_leeway)]
    return max(at_elbow, key=lambda candidate: candidate.segments), highest


def elbow_distances(inertias: Mapping[int, float]) -> dict[int, float]:
    """Return the distance of a falling curve below the line between its ends, both axes scaled to 0..1.

    Source: V. Satopaa and others, "Finding a 'kneedle' in a haystack", ICDCS workshops 2011, without smoothing and with
    the distance measured vertically. All distances are 0 if the curve is level.
    """
    numbers = sorted(inertias)
    first, last = numbers[0], numbers[-1]
    fall = inertias[first] - inertias[last]
    if first == last or fall <= 0:
        return dict.fromkeys(numbers, 0.0)
    x = {number: (number - first) / (last - first) for number in numbers}
    return {number: 1 - x[number] - (inertias[number] - inertias[last]) / fall for number in numbers}


def stability(points: Floats, segments: int, resamples: Sequence[Labels], *, seed: int) -> float:
    """Return the mean adjusted Rand index between clusterings of resamples, over the points that each pair shares.

    Source: L. Hubert, P. Arabie, "Comparing partitions", Journal of Classification 2, 1985; resampling as in
    A. Ben-Hur, A. Elisseeff, I. Guyon, "A stability based method for discovering structure in clustered data", 2002.

    Args:
        points: (n, features), scaled.
        segments: number of segments.
        resamples: positions that each resample draws, with repeats; at least two resamples.
        seed: seed of k-means.
    """
    labels = [
        nearest(points, fit_centers(points[rows], segments, starts=3, seed=seed + turn))
        for turn, rows in enumerate(resamples)
    ]
    is_drawn = [np.bincount(rows, minlength=len(points)) > 0 for rows in resamples]
    indices = [
        adjusted_rand_score(labels[first][in_pair], labels[second][in_pair])
        for first, second in combinations(range(len(resamples)), 2)
        if (in_pair := is_drawn[first] & is_drawn[second]).any()
    ]
    return float(np.mean(indices))


def _sample(points: Floats, max_rows: int, rng: np.random.Generator) -> Floats:
    return points[rng.permutation(len(points))[:max_rows]]


def _inertia(points: Floats, centers: Floats) -> float:
    return float(distances(points, centers).min(axis=1).sum())


def _silhouette(points: Floats, centers: Floats) -> float | None:
    labels = nearest(points, centers)
    if not 1 < len(np.unique(labels)) < len(points):
        return None
    return float(silhouette_score(points, labels))


def _min_segment_share(points: Floats, centers: Floats) -> float:
    counts = np.bincount(nearest(points, centers), minlength=len(centers))
    return float(counts.min() / len(points))
