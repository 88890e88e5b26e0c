"""Experiments: what units did in each variant, and what may be concluded from it.

``aggregates`` sums the units in one scan of the warehouse, ``statistics`` is pure arithmetic on those sums, ``analysis``
compares every metric and variant with the control, ``verdict`` decides, ``result`` and ``daily`` put it together for the
commands, and ``planning`` sizes an experiment. Which variant a unit sees belongs in ``assignment``, the definition of a
metric in ``metrics``, the settings of an experiment in ``settings``, and the rows of units in the dbt models.
"""
