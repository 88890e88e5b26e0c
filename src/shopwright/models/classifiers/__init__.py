"""Classifiers: encoding, estimators, tuning, calibration and evaluation of yes-or-no predictions.

Belongs here: what the packages that predict yes or no share. A package such as ``churn`` states its ``PredictionTask`` and
gets training (``train``), evaluation (``evaluate``) and scoring (``score``) from here; the choices that change a result are
in ``ClassifierConfig``. How good predictions are belongs to ``evaluation``.
"""
