"""The mark of simulated data: two properties that events of a rewritten export carry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopwright.core.sql import quote_text

if TYPE_CHECKING:
    from shopwright.core.engine import Connection

EFFECT_COLUMN = "simulated_effect"
"""On every event: the effect, as ``checkout share=0.05 seed=1``. Gold's ``fct_simulated_effects`` reads it."""
ORIGINAL_TYPE_COLUMN = "original_event_type"
"""On changed events: the type that the source stated. Empty or absent on all others."""


@dataclass(frozen=True, slots=True)
class MarkedEvents:
    """How many events carry one simulated effect."""

    effect: str
    experiment: str
    marked: int
    """Events of the rewritten export."""
    changed: int
    """Events among them that are purchases here and cart events in the original export."""


def count_marked_events(connection: Connection, events: str) -> list[MarkedEvents]:
    """Count marked events, one row per effect, sorted by its text; empty where all events are real.

    Args:
        connection: to run the query with.
        events: SQL of events with the column ``properties``, such as a read of the lake.
    """
    rows = connection.execute(
        f"select {_value(EFFECT_COLUMN)} as effect, count(*), count({_value(ORIGINAL_TYPE_COLUMN)}) from ({events}) "
        # a search of the text costs a tenth of parsing it, and of real events none passes
        f"""where contains(properties, '"{EFFECT_COLUMN}"') and effect is not null group by effect order by effect"""
    ).fetchall()
    return [MarkedEvents(effect, effect.split(" ")[0], marked, changed) for effect, marked, changed in rows]


def _value(name: str) -> str:
    return f"nullif(json_extract_string(properties, {quote_text('$.' + name)}), '')"
