"""Groups of customers: values brought to one scale, k-means, and the nearest centre as a customer's segment."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from shopwright.core.errors import DataError
from shopwright.models.segmentation.centres import fit_centres, nearest
from shopwright.models.segmentation.choice import Choice, Figures, choose
from shopwright.models.segmentation.data import features_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shopwright.models.segmentation.config import SegmentationConfig
    from shopwright.models.segmentation.data import Customers, Floats, Labels

FARTHEST = 3.0
"""Scaled amounts end here: three times the middle half's width from the median. A few huge customers else have groups of
their own, and all others share one."""

WEIGHT = 2.0
"""Of shares and flags: between 0 and 1 they vary less than amounts, whose middle half is 1 wide and whose all is 6."""


@dataclass(frozen=True, slots=True)
class Scaled:
    """How one feature is brought to the scale of all.

    An amount: sign(x) ln(1 + abs(x)), less the median, over the interquartile range (the standard deviation where that
    is 0, and 1 where both are), cut at ``FARTHEST``. A share or flag: cut to 0..1, times ``WEIGHT``.
    """

    name: str
    filling: float
    """Taken where there is no value, in the feature's unit: the median of an amount, 0 of a share or flag."""
    is_logged: bool
    centre: float
    spread: float

    def apply(self, values: Floats) -> Floats:
        """Scale values in the feature's unit, (n,)."""
        filled = np.where(np.isnan(values), self.filling, values)
        if not self.is_logged:
            return np.asarray(np.clip(filled, 0, 1) * WEIGHT)
        return np.asarray(np.clip((_log(filled) - self.centre) / self.spread, -FARTHEST, FARTHEST))


def scale_of(name: str, values: Floats, *, is_logged: bool) -> Scaled:
    """Learn a feature's scale from the values that are there, (n,), NaN where there is none."""
    there = values[~np.isnan(values)]
    if not is_logged or not len(there):
        return Scaled(name=name, filling=0.0, is_logged=is_logged, centre=0.0, spread=1.0)
    logs = _log(there)
    low, centre, high = np.percentile(logs, [25, 50, 75])
    spread = float(high - low) or float(logs.std()) or 1.0
    filling = float(np.median(there))
    return Scaled(name=name, filling=filling, is_logged=True, centre=float(centre), spread=spread)


def _log(values: Floats) -> Floats:
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


@dataclass(frozen=True, slots=True)
class Clustering:
    """Centres of segments. Segments are numbered from 0 by their customers' mean monetary, highest first."""

    scales: tuple[Scaled, ...]
    centres: Floats
    """(segments, features), scaled."""
    choice: Choice
    """Why this many."""

    @property
    def features(self) -> tuple[str, ...]:
        """What customers are grouped by."""
        return tuple(scale.name for scale in self.scales)

    @property
    def segments(self) -> int:
        """How many there are."""
        return len(self.centres)

    def scale(self, customers: Customers) -> Floats:
        """Scaled features, (n, features)."""
        return _scale(self.scales, customers)

    def label(self, customers: Customers) -> Labels:
        """Each customer's segment: the nearest centre, of equally near ones the first."""
        return nearest(self.scale(customers), self.centres)

    def measured(self, customers: Customers, config: SegmentationConfig) -> Clustering:
        """The same centres, with how apart and stable this number of segments is among these customers.

        Raises:
            DataError: there are too few of them.
        """
        _check_number(customers, config)
        with threadpool_limits(limits=1):
            return replace(self, choice=choose(self.scale(customers), {self.segments: self.centres}, config))

    def to_dict(self) -> dict[str, Any]:
        """As JSON; floats keep every bit, since they are written as their shortest exact decimals."""
        return {
            "scales": [asdict(scale) for scale in self.scales],
            "centres": self.centres.tolist(),
            "choice": asdict(self.choice),
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Clustering:
        """What :meth:`to_dict` gave."""
        figures = tuple(Figures(**each) for each in kept["choice"]["figures"])
        return cls(
            scales=tuple(Scaled(**each) for each in kept["scales"]),
            centres=np.asarray(kept["centres"], dtype=np.float64),
            choice=Choice(**{**kept["choice"], "figures": figures}),
        )


def cluster(customers: Customers, config: SegmentationConfig) -> Clustering:
    """Group customers, into as many segments as the data bears.

    Source: S. Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory 28, 1982, as
    scikit-learn has it, on one thread: with several, sums come out in another order each time.

    Raises:
        DataError: there are too few customers, or they differ too little.
    """
    _check_number(customers, config)
    scales = tuple(
        scale_of(each.name, customers.column(each.name), is_logged=each.kind == "amount")
        for each in features_of(config.features)
    )
    points = _scale(scales, customers)
    most = _most_segments(points, config)
    with threadpool_limits(limits=1):
        centres = {
            segments: fit_centres(points, segments, starts=config.starts, seed=config.seed)
            for segments in range(1, most + 1)
        }
        choice = choose(points, centres, config)
    chosen = _by_worth(centres[choice.segments], points, customers)
    return Clustering(scales=scales, centres=chosen, choice=choice)


def _check_number(customers: Customers, config: SegmentationConfig) -> None:
    least = 10 * config.most_segments
    if len(customers) < least:
        raise DataError(
            f"{len(customers)} customers are too few for up to {config.most_segments} segments, which take {least}; "
            "set most_segments lower, or wait for more customers"
        )


def _most_segments(points: Floats, config: SegmentationConfig) -> int:
    different = len(np.unique(points, axis=0))
    if different < config.least_segments:
        raise DataError(
            f"customers differ too little: there are {different} different ones by {', '.join(config.features)}, and "
            f"{config.least_segments} segments to find; group by more features"
        )
    return min(different, config.most_segments)


def _scale(scales: Sequence[Scaled], customers: Customers) -> Floats:
    return np.column_stack([scale.apply(customers.column(scale.name)) for scale in scales])


def _by_worth(centres: Floats, points: Floats, customers: Customers) -> Floats:
    labels, monetary = nearest(points, centres), customers.column("monetary")
    counts = np.bincount(labels, minlength=len(centres))
    worth = np.bincount(labels, np.nan_to_num(monetary), minlength=len(centres)) / np.maximum(counts, 1)
    return centres[np.lexsort((*centres.T, -worth))]
