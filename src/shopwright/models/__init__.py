"""Models of customers: one room for each question, all trained, judged, explained and kept in the same way.

Belongs here: the rooms (``MODELS``), what is known at a decision (``frame``), and how a room's model is trained, audited,
registered and used. How good a model is belongs to ``evaluation``, where it is kept to ``registry``.
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
"""Every room."""

__all__ = ["MODELS"]
