"""Effects of features on scores over many decisions: how much each adds, and what one adds at each value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.errors import ConfigurationError, near_match

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shopwright.models.protocol import Sample

    Floats = NDArray[np.float64]

BINS = 10
"""Number of ranges of a numeric feature, with about equally many rows each."""
MAX_VALUES = 12
"""Maximum number of distinct values of a numeric feature that get a row each."""
MAX_LEVELS = 30
"""Maximum number of levels of a category; the most frequent ones."""
PERCENTILES = (5, 95)
"""Percentiles between which nine tenths of the contributions lie."""


def summarize(sample: Sample) -> list[dict[str, Any]]:
    """Summarize each feature: what it adds on average in either direction, and which direction.

    Returns:
        One row per feature, most important first. ``direction`` is Spearman's rank correlation between value and
        contribution, -1 to 1; None for categories, and where either does not vary.
    """
    means = np.abs(sample.contributions).mean(axis=0)
    lower, upper = np.percentile(sample.contributions, PERCENTILES, axis=0)
    return [
        {
            "feature": (name := sample.names[index]),
            "mean_absolute_contribution": float(means[index]),
            "from": float(lower[index]),
            "to": float(upper[index]),
            "direction": _direction(sample.values[name], sample.contributions[:, index]),
        }
        for index in np.argsort(-means, kind="stable")
    ]


def dependence(sample: Sample, feature: str) -> list[dict[str, Any]]:
    """Compute what a feature adds at each value.

    Args:
        sample: contributions of many decisions.
        feature: name of the feature.

    Returns:
        One row per range of a number or level of a category, and one (value None) for the rows where it is unknown.

    Raises:
        ConfigurationError: the model has no such feature.
    """
    index = feature_index(sample, feature)
    values, contributions = sample.values[feature], sample.contributions[:, index]
    rows_known = is_known(values)
    rows = (_by_range if values.dtype.kind == "f" else _by_level)(
        values[rows_known], contributions[rows_known]
    )
    if not rows_known.all():
        rows.append({"value": None, **_spread(contributions[~rows_known])})
    return rows


def feature_index(sample: Sample, feature: str) -> int:
    """Return the index of a feature in the sample's columns.

    Raises:
        ConfigurationError: the model has no such feature.
    """
    if feature not in sample.names:
        raise ConfigurationError(
            f"no feature '{feature}'{near_match(feature, sample.names)} (there are {', '.join(sample.names)})"
        )
    return sample.names.index(feature)


def is_known(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return a mask of the rows where a feature's value is known, (rows,)."""
    if values.dtype.kind == "f":
        return np.asarray(~np.isnan(values), dtype=np.bool_)
    return np.array([value is not None for value in values], dtype=np.bool_)


def _direction(values: NDArray[Any], contributions: Floats) -> float | None:
    if values.dtype.kind != "f":
        return None
    rows_known = ~np.isnan(values)
    known_values, known_contributions = values[rows_known], contributions[rows_known]
    if len(known_values) < 3 or np.ptp(known_values) == 0 or np.ptp(known_contributions) == 0:
        return None
    from scipy.stats import spearmanr  # noqa: PLC0415  # slow to import

    return float(spearmanr(known_values, known_contributions).statistic)


def _by_range(values: Floats, contributions: Floats) -> list[dict[str, Any]]:
    if not len(values):
        return []
    distinct, bin_of_row = np.unique(values, return_inverse=True)
    if len(distinct) > MAX_VALUES:
        edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)))
        bin_of_row = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, max(len(edges) - 2, 0))
    rows = []
    for index in np.unique(bin_of_row):
        in_bin = bin_of_row == index
        bounds = {"from": float(values[in_bin].min()), "to": float(values[in_bin].max())}
        rows.append({**bounds, **_spread(contributions[in_bin])})
    return rows


def _by_level(values: NDArray[Any], contributions: Floats) -> list[dict[str, Any]]:
    texts = values.astype(str)
    levels, counts = np.unique(texts, return_counts=True)
    order = np.lexsort((levels, -counts))[:MAX_LEVELS]
    return [
        {"value": str(levels[index]), **_spread(contributions[texts == levels[index]])} for index in order
    ]


def _spread(contributions: Floats) -> dict[str, Any]:
    lower, upper = np.percentile(contributions, PERCENTILES)
    return {
        "rows": len(contributions),
        "mean_contribution": float(contributions.mean()),
        "contribution_from": float(lower),
        "contribution_to": float(upper),
    }
