"""Evaluation: how good predictions are, how sure that is, and whether they may be believed.

Belongs here: time splits, scores with intervals, coverage, calibration, costs, the search for leaks and the verdict, each
a function of arrays that knows nothing of any one model. Does not belong here: features, training and what is done with
a verdict (the models' rooms), and runs and versions (the registry).

What is undefined is None with its reason beside it; it is never 0 and never nan.
"""
