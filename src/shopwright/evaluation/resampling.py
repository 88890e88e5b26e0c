"""Bootstrap intervals by entities, from row weights, so that nothing is sorted twice."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from shopwright.core.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from shopwright.evaluation.checks import Floats

    Indices = NDArray[np.intp]

MOST_ROWS = 200_000
"""Beyond this many rows the intervals are found on so many, drawn at random."""
LEAST_UNITS = 10
"""Below this many rows or groups no interval is told: a bootstrap of a handful is far too narrow."""
_DEFINED_SHARE = 0.9
"""Share of the draws in which a score must be defined for an interval."""


class Measurable(Protocol):
    """Rows whose scores can be computed with each row counted so many times."""

    def __len__(self) -> int: ...

    def measure(self, weights: Floats | None) -> Floats:
        """The scores, NaN where undefined; None counts every row once."""
        ...

    def take(self, rows: Indices) -> Self:
        """Some of the rows."""
        ...


@dataclass(frozen=True, slots=True)
class Resampled:
    """Scores and their intervals; NaN where undefined."""

    value: Floats
    lower: Floats
    upper: Floats
    note: str
    """How the intervals were found, where that is worth a word."""


@dataclass(frozen=True, slots=True)
class _Sample:
    """What is resampled: rows, or whole groups of them."""

    rows: Indices | None
    """Rows drawn from a larger number; None for all."""
    group_of_row: Indices | None
    units: int
    shrink: float
    """Width for all units as a share of the width for these."""
    note: str


def resample(
    rows: Measurable,
    *,
    groups: NDArray[Any] | None,
    rng: np.random.Generator,
    draws: int,
    level: float,
) -> Resampled:
    """Percentile intervals of the bootstrap, each widened to hold its value.

    With groups, whole groups are drawn (cluster bootstrap), since the rows of one customer tell less than as many rows
    of different customers. Beyond ``MOST_ROWS`` rows, the spread is found on that many, drawn at random, and narrowed by
    the square root of their share.

    Args:
        rows: what is measured.
        groups: of each row; None where rows are independent.
        rng: source of the draws.
        draws: number of bootstrap samples.
        level: of the intervals, above 0 and below 1.

    Source: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, Section 13.3; clusters: A. C. Davison, D. V.
    Hinkley, "Bootstrap Methods and their Application", 1997, Section 3.8; fewer rows: P. J. Bickel, F. Götze, W. R. van Zwet,
    Statistica Sinica 7, 1997, Section 2.
    """
    if not 0 < level < 1 or draws < 1:
        raise ConfigurationError(f"level is {level:g} and draws {draws}, expected 0 to 1 and 1 or more")
    value = rows.measure(None)
    sample = _sample(len(rows), groups, rng)
    nothing = np.full(value.shape, np.nan)
    if sample.units < LEAST_UNITS:
        what = "rows" if sample.group_of_row is None else "groups"
        return Resampled(value, nothing, nothing, f"no interval: {sample.units} {what} are too few for one")
    part = rows if sample.rows is None else rows.take(sample.rows)
    found = np.array([part.measure(weights) for weights in _weights(sample, rng, draws)])
    lower, upper = _percentiles(found, level)
    centre = value if sample.rows is None else part.measure(None)
    return Resampled(
        value,
        np.minimum(value, value + (lower - centre) * sample.shrink),
        np.maximum(value, value + (upper - centre) * sample.shrink),
        sample.note,
    )


def _percentiles(found: Floats, level: float) -> tuple[Floats, Floats]:
    """Bounds of each column (draws, scores); NaN where too few of the draws are defined."""
    bounds = np.full((2, found.shape[1]), np.nan)
    for column, values in enumerate(found.T):
        defined = values[np.isfinite(values)]
        if len(defined) >= _DEFINED_SHARE * len(values):
            bounds[:, column] = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return bounds[0], bounds[1]


def _weights(sample: _Sample, rng: np.random.Generator, draws: int) -> Iterator[Floats]:
    for _ in range(draws):
        drawn = np.bincount(rng.integers(0, sample.units, sample.units), minlength=sample.units)
        times = drawn if sample.group_of_row is None else drawn[sample.group_of_row]
        yield times.astype(np.float64)


def _sample(rows: int, groups: NDArray[Any] | None, rng: np.random.Generator) -> _Sample:
    if groups is None:
        return _sample_rows(rows, rng)
    if len(groups) != rows:
        raise DataError(f"groups has {len(groups):,} rows, expected {rows:,}")
    return _sample_groups(codes(groups), rng)


def _sample_rows(rows: int, rng: np.random.Generator) -> _Sample:
    if rows <= MOST_ROWS:
        return _Sample(None, None, rows, 1.0, "")
    kept = np.sort(rng.choice(rows, MOST_ROWS, replace=False))
    note = f"interval from {MOST_ROWS:,} of {rows:,} rows, drawn at random"
    return _Sample(kept, None, MOST_ROWS, math.sqrt(MOST_ROWS / rows), note)


def _sample_groups(group: Indices, rng: np.random.Generator) -> _Sample:
    sizes = np.bincount(group)
    if len(group) <= MOST_ROWS:
        return _Sample(None, group, len(sizes), 1.0, "")
    order = rng.permutation(len(sizes))
    count = max(1, int(np.searchsorted(np.cumsum(sizes[order]), MOST_ROWS, side="right")))
    new_code = np.full(len(sizes), -1, dtype=np.intp)
    new_code[order[:count]] = np.arange(count)
    kept = np.flatnonzero(new_code[group] >= 0)
    note = f"interval from {count:,} of {len(sizes):,} groups, drawn at random"
    return _Sample(kept, new_code[group[kept]], count, math.sqrt(count / len(sizes)), note)


def codes(groups: NDArray[Any]) -> Indices:
    """Equal values get equal whole numbers, counted from 0."""
    if groups.dtype != object:
        return np.unique(groups, return_inverse=True)[1]
    # Hashing a million texts takes a tenth of the time that sorting them does.
    seen: dict[Any, int] = {}
    return np.fromiter((seen.setdefault(each, len(seen)) for each in groups.tolist()), np.intp, len(groups))
