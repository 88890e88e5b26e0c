"""Correction of p-values for the number of tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from scipy.stats import false_discovery_control

if TYPE_CHECKING:
    from collections.abc import Sequence

Correction = Literal["holm", "benjamini-hochberg", "none"]


def adjust(pvalues: Sequence[float | None], *, correction: Correction) -> list[float | None]:
    """Adjust p-values by the named correction.

    Args:
        pvalues: 0 to 1, or None without a test; None stays None and is not counted.
        correction: name of the method.

    Returns:
        Adjusted p-values in the same order.
    """
    if correction == "holm":
        return holm(pvalues)
    return benjamini_hochberg(pvalues) if correction == "benjamini-hochberg" else list(pvalues)


def holm(pvalues: Sequence[float | None]) -> list[float | None]:
    """Adjust p-values to control the chance of any false positive (family-wise error rate).

    Args:
        pvalues: 0 to 1, or None without a test; None stays None and is not counted.

    Source: S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of
    Statistics 6, 1979: the running maximum of ``(m - k + 1) p_(k)``.

    Example:
        >>> holm([0.01, None, 0.04, 0.03])
        [0.03, None, 0.06, 0.06]
    """
    adjusted, floor = list(pvalues), 0.0
    ranked = sorted((value, index) for index, value in enumerate(pvalues) if value is not None)
    for rank, (value, index) in enumerate(ranked):
        floor = max(floor, min(1.0, value * (len(ranked) - rank)))
        adjusted[index] = floor
    return adjusted


def benjamini_hochberg(pvalues: Sequence[float | None]) -> list[float | None]:
    """Adjust p-values to control the expected share of false positives among all positives (false discovery rate).

    Args:
        pvalues: 0 to 1, or None without a test; None stays None and is not counted.

    Source: Y. Benjamini, Y. Hochberg, "Controlling the False Discovery Rate", Journal of the Royal
    Statistical Society B 57, 1995: the running minimum, from the largest, of ``p_(k) m / k``.

    Example:
        >>> benjamini_hochberg([0.01, None, 0.04, 0.03])
        [0.03, None, 0.04, 0.04]
    """
    defined = [value for value in pvalues if value is not None]
    if not defined:
        return list(pvalues)
    adjusted = iter(false_discovery_control(defined, method="bh").tolist())
    return [None if value is None else next(adjusted) for value in pvalues]
