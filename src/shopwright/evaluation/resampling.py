"""Bootstrap intervals over entities, from row weights, so that nothing is sorted twice."""

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

MAX_ROWS = 200_000
"""Above this many rows, intervals are computed on a random sample of this many."""
MIN_UNITS = 10
"""Below this many rows or groups there is no interval: a bootstrap of a handful is far too narrow."""
_DEFINED_SHARE = 0.9
"""Share of the draws in which a score must be defined for an interval."""


class Measurable(Protocol):
    """Rows whose scores can be computed with weights."""

    def __len__(self) -> int: ...

    def measure(self, weights: Floats | None) -> Floats:
        """Compute the scores, NaN where undefined; no weights count every row once."""
        ...

    def take(self, rows: Indices) -> Self:
        """Return the rows at these positions."""
        ...


@dataclass(frozen=True, slots=True)
class Resampled:
    """Scores and their intervals; NaN where undefined."""

    value: Floats
    lower: Floats
    upper: Floats
    note: str
    """How the intervals were computed, where that needs saying."""


@dataclass(frozen=True, slots=True)
class _Sample:
    """The units to resample: rows, or whole groups of them."""

    rows: Indices | None
    """Sample of the rows; None for all of them."""
    group_of_row: Indices | None
    units: int
    shrink: float
    """Width of the interval for all units, as a share of the width for these."""
    note: str


def resample(
    rows: Measurable,
    *,
    groups: NDArray[Any] | None,
    rng: np.random.Generator,
    draws: int,
    level: float,
) -> Resampled:
    """Compute percentile bootstrap intervals, each widened to contain its value.

    With groups, whole groups are drawn (cluster bootstrap), since the rows of one customer say less than as many rows
    of different customers. Above ``MAX_ROWS`` rows, the spread is computed on a random sample of that many, and narrowed by
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
    undefined = np.full(value.shape, np.nan)
    if sample.units < MIN_UNITS:
        what = "rows" if sample.group_of_row is None else "groups"
        return Resampled(
            value, undefined, undefined, f"no interval: {sample.units} {what} are too few for one"
        )
    subset = rows if sample.rows is None else rows.take(sample.rows)
    draw_scores = np.array([subset.measure(weights) for weights in _weights(sample, rng, draws)])
    lower, upper = _percentiles(draw_scores, level)
    centre = value if sample.rows is None else subset.measure(None)
    return Resampled(
        value,
        np.minimum(value, value + (lower - centre) * sample.shrink),
        np.maximum(value, value + (upper - centre) * sample.shrink),
        sample.note,
    )


def _percentiles(measures: Floats, level: float) -> tuple[Floats, Floats]:
    """Return the bounds of each column of (draws, scores); NaN where too few of the draws are defined."""
    bounds = np.full((2, measures.shape[1]), np.nan)
    for column, values in enumerate(measures.T):
        defined = values[np.isfinite(values)]
        if len(defined) >= _DEFINED_SHARE * len(values):
            bounds[:, column] = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return bounds[0], bounds[1]


def _weights(sample: _Sample, rng: np.random.Generator, draws: int) -> Iterator[Floats]:
    for _ in range(draws):
        counts = np.bincount(rng.integers(0, sample.units, sample.units), minlength=sample.units)
        times = counts if sample.group_of_row is None else counts[sample.group_of_row]
        yield times.astype(np.float64)


def _sample(rows: int, groups: NDArray[Any] | None, rng: np.random.Generator) -> _Sample:
    if groups is None:
        return _sample_rows(rows, rng)
    if len(groups) != rows:
        raise DataError(f"groups has {len(groups):,} rows, expected {rows:,}")
    return _sample_groups(factorize(groups), rng)


def _sample_rows(rows: int, rng: np.random.Generator) -> _Sample:
    if rows <= MAX_ROWS:
        return _Sample(None, None, rows, 1.0, "")
    selected = np.sort(rng.choice(rows, MAX_ROWS, replace=False))
    note = f"interval from {MAX_ROWS:,} of {rows:,} rows, drawn at random"
    return _Sample(selected, None, MAX_ROWS, math.sqrt(MAX_ROWS / rows), note)


def _sample_groups(group: Indices, rng: np.random.Generator) -> _Sample:
    sizes = np.bincount(group)
    if len(group) <= MAX_ROWS:
        return _Sample(None, group, len(sizes), 1.0, "")
    order = rng.permutation(len(sizes))
    count = max(1, int(np.searchsorted(np.cumsum(sizes[order]), MAX_ROWS, side="right")))
    new_code = np.full(len(sizes), -1, dtype=np.intp)
    new_code[order[:count]] = np.arange(count)
    selected = np.flatnonzero(new_code[group] >= 0)
    note = f"interval from {count:,} of {len(sizes):,} groups, drawn at random"
    return _Sample(selected, new_code[group[selected]], count, math.sqrt(count / len(sizes)), note)


def factorize(groups: NDArray[Any]) -> Indices:
    """Encode values as integers from 0; equal values get equal integers."""
    if groups.dtype != object:
        return np.unique(groups, return_inverse=True)[1]
    # Hashing a million texts takes a tenth of the time that sorting them does.
    code_of: dict[Any, int] = {}
    return np.fromiter(
        (code_of.setdefault(value, len(code_of)) for value in groups.tolist()), np.intp, len(groups)
    )
