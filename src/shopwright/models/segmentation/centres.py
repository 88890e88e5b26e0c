"""K-means: centres of points, and which one is nearest."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

if TYPE_CHECKING:
    from shopwright.models.segmentation.data import Floats, Labels


def fit_centres(points: Floats, segments: int, *, starts: int, seed: int) -> Floats:
    """Centres of k-means over points (n, features), (segments, features)."""
    with warnings.catch_warnings():
        # Said where a resample has fewer different points than segments: its centres repeat, and so they should.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = KMeans(segments, n_init=starts, random_state=seed).fit(points)
    return np.asarray(found.cluster_centers_, dtype=np.float64)


def distances(points: Floats, centres: Floats) -> Floats:
    """Squared distance of each point from each centre, (n, segments)."""
    return np.stack([np.square(points - centre).sum(axis=1) for centre in centres], axis=1)


def nearest(points: Floats, centres: Floats) -> Labels:
    """Which centre is nearest to each point, (n,); of equally near ones the first."""
    return np.asarray(distances(points, centres).argmin(axis=1), dtype=np.int64)
