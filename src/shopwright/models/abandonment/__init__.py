"""Cart abandonment: whether a session with something in its cart ends without a purchase."""

from __future__ import annotations

from shopwright.models.abandonment.baselines import classic_recipe
from shopwright.models.abandonment.features import FEATURE_VIEW, NOW, OPTIONAL, WHERE, rewrites
from shopwright.models.abandonment.naive_recipe import NAIVE_RECIPE
from shopwright.models.classifiers.spec import ClassifierSpec
from shopwright.models.classifiers.task import PredictionTask, by_bins, constant

MODEL = ClassifierSpec(
    task=PredictionTask(
        name="abandonment",
        view=FEATURE_VIEW,
        baselines={
            "constant": constant,
            "views alone": by_bins("total_views"),
            "classic recipe": classic_recipe,
        },
        rewrites=rewrites,
        where=WHERE,
        now=NOW,
        score="log_loss",
        optional=OPTIONAL,
        naive_recipe=NAIVE_RECIPE,
    ),
    question="Will this cart be abandoned?",
    entity="session with an add-to-cart",
    decision="at each add-to-cart, and 2, 4, 6, 8 and 10 events later",
    outcome="the session ends without a purchase",
    columns={
        "user_id": "User of the session",
        "session_key": "Key of the session",
        "step_number": "Event of the session after which the decision is made (from 1)",
        "decided_at": "Time of that event (UTC)",
        "probability": "Calibrated probability that the cart is abandoned (0 to 1)",
    },
    needs="it needs clickstream events with add-to-carts",
    evidence="silver.int_sessions where add_to_cart_count > 0",
)
