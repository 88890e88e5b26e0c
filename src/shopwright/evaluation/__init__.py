"""Evaluation: how good predictions are, how certain that is, and whether to trust them.

Belongs here: time splits, scores with intervals, coverage, calibration, costs, the leak audit and the verdict, each
a function of arrays that knows nothing about any particular model. Does not belong here: features, training and what
follows from a verdict (``models``), and runs and versions (``registry``).

An undefined value is None, with the reason next to it; it is never 0 and never NaN.
"""
