"""What a customer will spend in the next six and twelve months: how often they come back, and what a purchase is worth.

Belongs here: candidates (buy-till-you-die models with Gamma-Gamma, and zero-inflated gradient boosting), the choice between
them and their judgement. The models of counts and values themselves belong to ``btyd``.
"""

from shopwright.models.lifetime_value.room import LifetimeValueRoom

COLUMNS = {
    "customer_id": "The person",
    "snapshot_date": "Predicted by what was known before this date began",
    "decided_at": "Midnight of that date",
    "probability_alive": "Chance that the person will ever come back (0 to 1); null where the model does not tell",
    "purchases_182d": "Expected days with a purchase in the 182 days from the date on",
    "value_182d": "Expected net value in the 182 days from the date on (money)",
    "value_182d_lower": "Lower bound of the interval that holds the value with a chance of 80 % (money)",
    "value_182d_upper": "Its upper bound (money)",
    "purchases_365d": "As purchases_182d, for 365 days; null where the model did not learn that horizon",
    "value_365d": "As value_182d, for 365 days; null where the model did not learn that horizon",
    "value_365d_lower": "As value_182d_lower, for 365 days",
    "value_365d_upper": "As value_182d_upper, for 365 days",
}

MODEL = LifetimeValueRoom(
    question="What will this customer spend?",
    entity="customer who ordered before",
    decision="at the first of each month, and after the last complete day",
    outcome="net value of the next 182 days",
    columns=COLUMNS,
    needs="it needs orders of known customers over at least 7 months",
)

__all__ = ["COLUMNS", "MODEL"]
