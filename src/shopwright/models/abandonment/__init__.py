"""Whether a session with something in its cart will end without a purchase."""

from __future__ import annotations

from shopwright.models.abandonment.baselines import classic
from shopwright.models.abandonment.claim import CLAIM
from shopwright.models.abandonment.features import NOW, OPTIONAL, SOURCE, WHERE, rewrites
from shopwright.models.classifiers.question import Question, by_bins, constant
from shopwright.models.classifiers.room import ClassifierRoom

MODEL = ClassifierRoom(
    ask=Question(
        name="abandonment",
        source=SOURCE,
        baselines={"constant": constant, "views alone": by_bins("total_views"), "classic recipe": classic},
        rewrites=rewrites,
        where=WHERE,
        now=NOW,
        score="log_loss",
        optional=OPTIONAL,
        claim=CLAIM,
    ),
    question="Will this cart be abandoned?",
    entity="session with an add-to-cart",
    decision="at each add-to-cart, and 2, 4, 6, 8 and 10 events later",
    outcome="the session ends without a purchase",
    columns={
        "user_id": "Who shops",
        "session_key": "The session",
        "step_number": "Event of the session after which it was decided (from 1)",
        "decided_at": "Moment of that event (UTC)",
        "probability": "Calibrated probability that the cart is abandoned (0 to 1)",
    },
    needs="it needs clickstream events with add-to-carts",
    evidence="silver.int_sessions where add_to_cart_count > 0",
)
