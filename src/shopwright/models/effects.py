"""What features do to scores over many decisions: how much each adds, and what one adds at which value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.errors import ConfigurationError, near_match

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shopwright.models.protocol import Sample

    Floats = NDArray[np.float64]

BINS = 10
"""Ranges of a number, of about as many rows each."""
MOST_VALUES = 12
"""So many different values of a number have a row each."""
MOST_LEVELS = 30
"""Levels of a category that are told, those of most rows."""
ENDS = (5, 95)
"""Percentiles between which nine tenths of the contributions lie."""


def summarize(sample: Sample) -> list[dict[str, Any]]:
    """One row a feature, the strongest first: what it adds on average either way, and in which direction.

    ``direction`` is Spearman's rank correlation between value and contribution, -1 to 1; None for categories and where either
    does not vary.
    """
    means = np.abs(sample.contributions).mean(axis=0)
    lower, upper = np.percentile(sample.contributions, ENDS, axis=0)
    return [
        {
            "feature": (name := sample.names[place]),
            "mean_absolute_contribution": float(means[place]),
            "from": float(lower[place]),
            "to": float(upper[place]),
            "direction": _direction(sample.values[name], sample.contributions[:, place]),
        }
        for place in np.argsort(-means, kind="stable")
    ]


def dependence(sample: Sample, feature: str) -> list[dict[str, Any]]:
    """What a feature adds at which value: one row a range of a number or a level of a category, and one where it is not known.

    Raises:
        ConfigurationError: the model has no such feature.
    """
    place = place_of(sample, feature)
    values, added = sample.values[feature], sample.contributions[:, place]
    known = is_known(values)
    told = (_by_range if values.dtype.kind == "f" else _by_level)(values[known], added[known])
    if not known.all():
        told.append({"value": None, **_spread(added[~known])})
    return told


def place_of(sample: Sample, feature: str) -> int:
    """Which of the sample's columns a feature has.

    Raises:
        ConfigurationError: none.
    """
    if feature not in sample.names:
        raise ConfigurationError(
            f"no feature '{feature}'{near_match(feature, sample.names)} (there are {', '.join(sample.names)})"
        )
    return sample.names.index(feature)


def is_known(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a feature's value is known, (rows,)."""
    if values.dtype.kind == "f":
        return np.asarray(~np.isnan(values), dtype=np.bool_)
    return np.array([value is not None for value in values], dtype=np.bool_)


def _direction(values: NDArray[Any], added: Floats) -> float | None:
    if values.dtype.kind != "f":
        return None
    known = ~np.isnan(values)
    one, other = values[known], added[known]
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    from scipy.stats import spearmanr  # noqa: PLC0415  # slow to import

    return float(spearmanr(one, other).statistic)


def _by_range(values: Floats, added: Floats) -> list[dict[str, Any]]:
    if not len(values):
        return []
    different, placed = np.unique(values, return_inverse=True)
    if len(different) > MOST_VALUES:
        edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)))
        placed = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, max(len(edges) - 2, 0))
    rows = []
    for place in np.unique(placed):
        own = placed == place
        ends = {"from": float(values[own].min()), "to": float(values[own].max())}
        rows.append({**ends, **_spread(added[own])})
    return rows


def _by_level(values: NDArray[Any], added: Floats) -> list[dict[str, Any]]:
    texts = values.astype(str)
    levels, counts = np.unique(texts, return_counts=True)
    kept = np.lexsort((levels, -counts))[:MOST_LEVELS]
    return [{"value": str(levels[place]), **_spread(added[texts == levels[place]])} for place in kept]


def _spread(added: Floats) -> dict[str, Any]:
    lower, upper = np.percentile(added, ENDS)
    return {
        "rows": len(added),
        "mean_contribution": float(added.mean()),
        "contribution_from": float(lower),
        "contribution_to": float(upper),
    }
