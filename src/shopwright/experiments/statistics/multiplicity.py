"""p-values corrected for the number of questions asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Correction = Literal["holm", "benjamini-hochberg", "none"]


def adjust(pvalues: Sequence[float | None], *, correction: Correction) -> list[float | None]:
    """Adjusted p-values by the named correction, in the order given; those that are None are not counted."""
    if correction == "holm":
        return holm(pvalues)
    return benjamini_hochberg(pvalues) if correction == "benjamini-hochberg" else list(pvalues)


def holm(pvalues: Sequence[float | None]) -> list[float | None]:
    """Adjusted so that the chance of any false finding stays below the threshold they are compared with.

    Args:
        pvalues: 0 to 1, or None where a test could not be made; None stays None and is not counted.

    Source: S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of
    Statistics 6,
    1979: the running maximum of ``(m - k + 1) p_(k)``.

    Example:
        >>> holm([0.01, None, 0.04, 0.03])
        [0.03, None, 0.06, 0.06]
    """
    adjusted, floor = list(pvalues), 0.0
    ranked = _ranked(pvalues)
    for rank, (value, place) in enumerate(ranked):
        floor = max(floor, min(1.0, value * (len(ranked) - rank)))
        adjusted[place] = floor
    return adjusted


def benjamini_hochberg(pvalues: Sequence[float | None]) -> list[float | None]:
    """Adjusted so that the expected share of false findings among all findings stays below the threshold.

    Args:
        pvalues: 0 to 1, or None where a test could not be made; None stays None and is not counted.

    Source: Y. Benjamini, Y. Hochberg, "Controlling the False Discovery Rate", Journal of the Royal
    Statistical Society B 57, 1995: the running minimum, from the largest, of ``p_(k) m / k``.

    Example:
        >>> benjamini_hochberg([0.01, None, 0.04, 0.03])
        [0.03, None, 0.04, 0.04]
    """
    adjusted, ceiling = list(pvalues), 1.0
    ranked = _ranked(pvalues)
    for rank, (value, place) in reversed(list(enumerate(ranked, start=1))):
        ceiling = min(ceiling, value * (len(ranked) / rank))
        adjusted[place] = ceiling
    return adjusted


def _ranked(pvalues: Sequence[float | None]) -> list[tuple[float, int]]:
    return sorted((value, place) for place, value in enumerate(pvalues) if value is not None)
