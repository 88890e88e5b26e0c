"""Experiments: who sees which variant, what the units did, and what may be concluded from it.

``assignment`` decides who sees what; ``statistics`` is pure arithmetic on additive aggregates; ``aggregates`` reads those
from the warehouse in one scan, ``readout`` turns them into a judgement. What is tried is told by the shop's settings, what
is measured by ``metrics``, and the rows of units are made by the warehouse's models.
"""
