"""Waterfall: how the contributions of features lead from the base to a score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_BARS = 12
"""Features with a bar of their own, the strongest ones; the weaker ones share one more bar."""


class Explained(Protocol):
    """A score that is the sum of a base and the contributions of its features."""

    @property
    def base(self) -> float:
        """Score before any feature is known, on the scale of the contributions."""

    @property
    def contributions(self) -> Mapping[str, float]:
        """What each feature adds to the base."""

    @property
    def values(self) -> Mapping[str, Any]:
        """Value of each feature; None where unknown."""


@dataclass(frozen=True, slots=True)
class WaterfallBar:
    """One step of a waterfall."""

    label: str
    """``feature = value``, or ``N others``."""
    contribution: float
    start: float
    """Sum of the base and of all bars above this one."""

    @property
    def end(self) -> float:
        """Where the next bar starts."""
        return self.start + self.contribution


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The strongest contributions in descending order of size, and the sum of the others."""

    base: float
    bars: tuple[WaterfallBar, ...]
    """One for each of the strongest features, then one for the remainder, where there is one."""
    end: float
    """Sum of the base and all contributions: the raw score."""

    @classmethod
    def from_explanation(cls, explained: Explained, *, max_bars: int = MAX_BARS) -> Waterfall:
        """Return the waterfall of a score.

        A feature that adds exactly nothing has no bar: a model gives many features of a short session no weight, and
        their empty rows would push the others out of sight.

        Args:
            explained: base, contributions and values; every contribution has a value, None where unknown.
            max_bars: features with a bar of their own, 1 or more.

        Returns:
            Bars whose contributions add up to ``end - base``; equal contributions keep the order they come in.
        """
        contributions = strongest_first(explained.contributions)
        moving = [(name, contribution) for name, contribution in contributions if contribution]
        steps = [
            (f"{name} = {format_value(explained.values[name])}", contribution)
            for name, contribution in moving[:max_bars]
        ]
        if weaker := [contribution for _, contribution in moving[max_bars:]]:
            steps.append((f"{len(weaker)} others", sum(weaker)))
        bars = _stack(explained.base, steps)
        return cls(explained.base, bars, bars[-1].end if bars else explained.base)

    @property
    def lowest(self) -> float:
        """Smallest number that the chart has to show."""
        return min(self.base, *(bar.end for bar in self.bars), self.end)

    @property
    def highest(self) -> float:
        """Largest number that the chart has to show."""
        return max(self.base, *(bar.end for bar in self.bars), self.end)


def strongest_first(contributions: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return features and contributions in descending order of size, whatever their sign; ties keep their order."""
    return sorted(contributions.items(), key=lambda item: -abs(item[1]))


def format_value(value: Any) -> str:
    """Format the value of a feature for a label: four significant digits, ``unknown`` for None.

    Example:
        >>> format_value(0.123456), format_value("mobile"), format_value(None)
        ('0.1235', 'mobile', 'unknown')
    """
    if value is None:
        return "unknown"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _stack(base: float, steps: Sequence[tuple[str, float]]) -> tuple[WaterfallBar, ...]:
    bars: list[WaterfallBar] = []
    start = base
    for label, contribution in steps:
        bars.append(WaterfallBar(label, contribution, start))
        start = bars[-1].end
    return tuple(bars)
