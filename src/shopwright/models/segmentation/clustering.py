"""Clusters of customers: scaled features, k-means, and the nearest center as a customer's segment."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from shopwright.core.errors import DataError
from shopwright.models.segmentation.choice import SegmentCountChoice, SegmentCountMetrics, choose
from shopwright.models.segmentation.customers import find_features
from shopwright.models.segmentation.kmeans import fit_centers, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shopwright.models.segmentation.config import SegmentationConfig
    from shopwright.models.segmentation.customers import Customers, Floats, Labels

MAX_SCALED = 3.0
"""Limit of scaled amounts: three interquartile ranges from the median. Without it, a few huge customers would form clusters
of their own, and all others would share one."""

SHARE_WEIGHT = 2.0
"""Weight of shares and flags: from 0 to 1 they vary less than amounts, which have an interquartile range of 1 and a range of 6."""


@dataclass(frozen=True, slots=True)
class Scaled:
    """The scaling of one feature.

    An amount: sign(x) ln(1 + abs(x)), minus the median, divided by the interquartile range (the standard deviation where
    that is 0, and 1 where both are), clipped at ``MAX_SCALED``. A share or flag: clipped to 0..1, times ``SHARE_WEIGHT``.
    """

    name: str
    fill_value: float
    """Replaces missing values, in the feature's unit: the median of an amount, 0 for a share or flag."""
    is_logged: bool
    center: float
    spread: float

    def apply(self, values: Floats) -> Floats:
        """Scale values in the feature's unit, (n,)."""
        complete = np.where(np.isnan(values), self.fill_value, values)
        if not self.is_logged:
            return np.asarray(np.clip(complete, 0, 1) * SHARE_WEIGHT)
        return np.asarray(np.clip((_log(complete) - self.center) / self.spread, -MAX_SCALED, MAX_SCALED))


def fit_scale(name: str, values: Floats, *, is_logged: bool) -> Scaled:
    """Learn a feature's scaling from its values, (n,), NaN where missing."""
    present = values[~np.isnan(values)]
    if not is_logged or not len(present):
        return Scaled(name=name, fill_value=0.0, is_logged=is_logged, center=0.0, spread=1.0)
    logs = _log(present)
    low, center, high = np.percentile(logs, [25, 50, 75])
    spread = float(high - low) or float(logs.std()) or 1.0
    fill_value = float(np.median(present))
    return Scaled(name=name, fill_value=fill_value, is_logged=True, center=float(center), spread=spread)


def _log(values: Floats) -> Floats:
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


@dataclass(frozen=True, slots=True)
class Clustering:
    """Centers of segments, numbered from 0 by the mean net value of their customers, highest first."""

    scales: tuple[Scaled, ...]
    centers: Floats
    """(segments, features), scaled."""
    choice: SegmentCountChoice
    """The number of segments, and why."""

    @property
    def features(self) -> tuple[str, ...]:
        """Features that customers are grouped by."""
        return tuple(scale.name for scale in self.scales)

    @property
    def segments(self) -> int:
        """Number of segments."""
        return len(self.centers)

    def scale(self, customers: Customers) -> Floats:
        """Return scaled features, (n, features)."""
        return _scale(self.scales, customers)

    def label(self, customers: Customers) -> Labels:
        """Return each customer's segment, (n,): the nearest center, the first of several equally near."""
        return nearest(self.scale(customers), self.centers)

    def measure(self, customers: Customers, config: SegmentationConfig) -> Clustering:
        """Return the same centers with the metrics of this number of segments on other customers.

        Raises:
            DataError: there are too few customers.
        """
        _check_number(customers, config)
        with threadpool_limits(limits=1):
            return replace(self, choice=choose(self.scale(customers), {self.segments: self.centers}, config))

    def to_dict(self) -> dict[str, Any]:
        """Return values that JSON can hold; floats are exact, since JSON writes their shortest exact decimals."""
        return {
            "scales": [asdict(scale) for scale in self.scales],
            "centers": self.centers.tolist(),
            "choice": asdict(self.choice),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Clustering:
        """Restore a clustering from ``to_dict``."""
        candidates = tuple(SegmentCountMetrics(**values) for values in data["choice"]["candidates"])
        return cls(
            scales=tuple(Scaled(**values) for values in data["scales"]),
            centers=np.asarray(data["centers"], dtype=np.float64),
            choice=SegmentCountChoice(**{**data["choice"], "candidates": candidates}),
        )


def cluster(customers: Customers, config: SegmentationConfig) -> Clustering:
    """Group customers into as many segments as the data supports.

    Runs on one thread: with several, the order of sums and so the last digits would differ from run to run.

    Source: S. Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory 28, 1982, in the
    implementation of scikit-learn.

    Raises:
        DataError: there are too few customers, or they differ too little.
    """
    _check_number(customers, config)
    scales = tuple(
        fit_scale(feature.name, customers.column(feature.name), is_logged=feature.kind == "amount")
        for feature in find_features(config.features)
    )
    points = _scale(scales, customers)
    max_count = _max_segments(points, config)
    with threadpool_limits(limits=1):
        centers = {
            segments: fit_centers(points, segments, starts=config.starts, seed=config.seed)
            for segments in range(1, max_count + 1)
        }
        choice = choose(points, centers, config)
    ordered = _order_by_value(centers[choice.segments], points, customers)
    return Clustering(scales=scales, centers=ordered, choice=choice)


def _check_number(customers: Customers, config: SegmentationConfig) -> None:
    min_customers = 10 * config.max_segments
    if len(customers) < min_customers:
        raise DataError(
            f"{len(customers)} customers are too few for up to {config.max_segments} segments, which need {min_customers}. "
            "Lower max_segments or wait for more customers"
        )


def _max_segments(points: Floats, config: SegmentationConfig) -> int:
    distinct = len(np.unique(points, axis=0))
    if distinct < config.min_segments:
        raise DataError(
            f"Customers differ too little: {distinct} distinct ones by {', '.join(config.features)} for at least "
            f"{config.min_segments} segments. Group by more features"
        )
    return min(distinct, config.max_segments)


def _scale(scales: Sequence[Scaled], customers: Customers) -> Floats:
    return np.column_stack([scale.apply(customers.column(scale.name)) for scale in scales])


def _order_by_value(centers: Floats, points: Floats, customers: Customers) -> Floats:
    labels, monetary = nearest(points, centers), customers.column("monetary")
    counts = np.bincount(labels, minlength=len(centers))
    mean_value = np.bincount(labels, np.nan_to_num(monetary), minlength=len(centers)) / np.maximum(counts, 1)
    return centers[np.lexsort((*centers.T, -mean_value))]
