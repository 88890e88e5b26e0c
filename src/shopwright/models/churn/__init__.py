"""Who will not come back: customers without an order in 90 days, sellers without a sale in 182."""

from __future__ import annotations

from shopwright.models.churn.baselines import repeat_buying
from shopwright.models.churn.features import (
    CUSTOMERS,
    NOW,
    SELLERS,
    rewrites_of_customers,
    rewrites_of_sellers,
)
from shopwright.models.churn.naive_recipe import NAIVE_RECIPE
from shopwright.models.classifiers.spec import ClassifierSpec
from shopwright.models.classifiers.task import PredictionTask, by_bins, constant

COLUMNS = {
    "snapshot_date": "Scored by what was known before this date began",
    "decided_at": "Midnight of that date",
    "probability": "Calibrated probability of leaving (0 to 1)",
}

MODEL = ClassifierSpec(
    task=PredictionTask(
        name="churn",
        view=CUSTOMERS,
        baselines={
            "constant": constant,
            "recency alone": by_bins("recency_days"),
            "BG/NBD": repeat_buying,
        },
        rewrites=rewrites_of_customers,
        now=NOW.format(table=CUSTOMERS.table),
        naive_recipe=NAIVE_RECIPE,
    ),
    question="Will this customer leave?",
    entity="customer with an order in the last 180 days",
    decision="at the first of each month, and after the last complete day",
    outcome="no order in the next 90 days",
    columns={"customer_id": "The person"} | COLUMNS,
    needs="it needs orders of known customers over at least 9 months",
)

SELLER_MODEL = ClassifierSpec(
    task=PredictionTask(
        name="seller_churn",
        view=SELLERS,
        baselines={"constant": constant, "recency alone": by_bins("recency_days")},
        rewrites=rewrites_of_sellers,
        now=NOW.format(table=SELLERS.table),
    ),
    question="Will this seller leave?",
    entity="seller with a sale in the last 180 days",
    decision="at the first of each month, and after the last complete day",
    outcome="no sale in the next 182 days",
    columns={"seller_id": "The seller"} | COLUMNS,
    needs="it needs order lines of known sellers over at least 15 months",
)
