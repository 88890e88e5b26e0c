"""Measurements of the experiments benchmark, which the runner makes and the report prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.measure import Measured


@dataclass(frozen=True, slots=True)
class Run:
    """One process of one side."""

    seconds: float
    """Of its work: connecting, reading and computing."""
    process: Measured
    """With starting Python and importing."""
    figures: dict[str, float]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the figures of two sides lie apart."""

    figures: int
    """That both have."""
    farthest: str
    difference: float
    """Of the figure that differs most, relative to it."""
