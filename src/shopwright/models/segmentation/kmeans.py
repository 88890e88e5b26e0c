"""K-means: centers of points, and the nearest center of each point."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

if TYPE_CHECKING:
    from shopwright.models.segmentation.customers import Floats, Labels


def fit_centers(points: Floats, segments: int, *, starts: int, seed: int) -> Floats:
    """Return the centers of k-means, (segments, features), of points (n, features)."""
    with warnings.catch_warnings():
        # Warned of where a resample has fewer distinct points than segments: its centers repeat, as they should.
        warnings.simplefilter("ignore", ConvergenceWarning)
        kmeans = KMeans(segments, n_init=starts, random_state=seed).fit(points)
    return np.asarray(kmeans.cluster_centers_, dtype=np.float64)


def distances(points: Floats, centers: Floats) -> Floats:
    """Return the squared distance of each point from each center, (n, segments)."""
    return np.stack([np.square(points - center).sum(axis=1) for center in centers], axis=1)


def nearest(points: Floats, centers: Floats) -> Labels:
    """Return the index of each point's nearest center, (n,); the first of several equally near."""
    return np.asarray(distances(points, centers).argmin(axis=1), dtype=np.int64)
