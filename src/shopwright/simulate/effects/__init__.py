"""A known effect written into a copy of a shop's export, to see the read-out find it.

``simulate_effect`` reads the events of an export as ingest does, turns a share of the treated users' cart events into purchases,
and marks every event of the copy. The mark is data: ingest keeps it in ``properties``, so the lake and the warehouse can
always tell simulated data from real data.

Belongs here: which events change (``rule``), how a copy is marked (``marks``), and how the files are written (``files``,
``export``). Does not belong here: whether the read-out finds the effect (``experiments``).
"""

from shopwright.simulate.effects.export import EffectReport, RewrittenFile, simulate_effect
from shopwright.simulate.effects.marks import MarkedEvents, count_marked_events
from shopwright.simulate.effects.rule import SimulatedEffect

__all__ = [
    "EffectReport",
    "MarkedEvents",
    "RewrittenFile",
    "SimulatedEffect",
    "count_marked_events",
    "simulate_effect",
]
