"""Colors with a meaning, as hex RGB."""

from __future__ import annotations

INCREASE, DECREASE = "#c8553d", "#3d7ea6"
"""A contribution that raises a score, and one that lowers it; distinguishable without seeing red and green."""
NEUTRAL = "#555555"
"""Totals, reference lines and other things without a direction."""
