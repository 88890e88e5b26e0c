"""Churn: customers who will not order again soon, and sellers who will not sell again soon."""

from __future__ import annotations

from shopwright.models.churn.baselines import bg_nbd
from shopwright.models.churn.features import (
    CUSTOMER_VIEW,
    NOW,
    SELLER_VIEW,
    rewrite_customers,
    rewrite_sellers,
)
from shopwright.models.churn.naive_recipe import NAIVE_RECIPE
from shopwright.models.classifiers.spec import ClassifierSpec
from shopwright.models.classifiers.task import PredictionTask, by_bins, constant

COLUMNS = {
    "snapshot_date": "Scored with what was known before this date began",
    "decided_at": "Midnight at the start of that date",
    "probability": "Calibrated probability of churn (0 to 1)",
}

MODEL = ClassifierSpec(
    task=PredictionTask(
        name="churn",
        view=CUSTOMER_VIEW,
        baselines={
            "constant": constant,
            "recency alone": by_bins("recency_days"),
            "BG/NBD": bg_nbd,
        },
        rewrites=rewrite_customers,
        now=NOW.format(table=CUSTOMER_VIEW.table),
        naive_recipe=NAIVE_RECIPE,
    ),
    question="Will this customer leave?",
    entity="customer with an order within `active_days` of [models.churn] (180 by default)",
    decision="on the first of each month, and after the last complete day",
    outcome="no order within `horizon_days` of [models.churn] (90 by default)",
    columns={"customer_id": "The customer"} | COLUMNS,
    needs="it needs orders of identified customers over at least 9 months",
)

SELLER_MODEL = ClassifierSpec(
    task=PredictionTask(
        name="seller_churn",
        view=SELLER_VIEW,
        baselines={"constant": constant, "recency alone": by_bins("recency_days")},
        rewrites=rewrite_sellers,
        now=NOW.format(table=SELLER_VIEW.table),
    ),
    question="Will this seller leave?",
    entity="seller with a sale within `active_days` of [models.seller_churn] (180 by default)",
    decision="on the first of each month, and after the last complete day",
    outcome="no sale within `horizon_days` of [models.seller_churn] (182 by default)",
    columns={"seller_id": "The seller"} | COLUMNS,
    needs="it needs order lines of identified sellers over at least 15 months",
)
