"""Customer models: one package per question, all trained, evaluated, explained and stored in the same way.

Belongs here: the models (``MODELS``), what is known at a decision (``training_set``), and how a model is trained, audited,
registered and used (``lifecycle``). How good a model is belongs to ``evaluation``, where it is stored to ``registry``.

Every package has the same files. Its ``__init__`` states the ``MODEL``; ``config`` holds one class with all choices that change
a result, ``features`` the view and the rewriting of its future, ``train``, ``evaluate`` and ``score`` the three steps. The
packages that predict yes or no (``abandonment``, ``churn``) share these three steps and their limits: they are in
``classifiers``. Baselines are in ``baselines``, a recipe that looks better than it is in ``naive_recipe``.
"""

from shopwright.models import abandonment, churn, lifetime_value, segmentation
from shopwright.models.protocol import ModelSpec

MODELS: tuple[ModelSpec, ...] = (
    abandonment.MODEL,
    churn.MODEL,
    churn.SELLER_MODEL,
    lifetime_value.MODEL,
    segmentation.MODEL,
)
"""All models, in the order of listings."""

__all__ = ["MODELS"]
