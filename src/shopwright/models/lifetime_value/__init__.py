"""Customer lifetime value: what a customer will spend within two horizons, six and twelve months by default.

Belongs here: candidates (BTYD models with Gamma-Gamma, and zero-inflated gradient boosting), the selection of one of them,
and its evaluation. Does not belong here: the models of purchase counts and values themselves (``btyd``), and what the
features are (the dbt model ``feat_lifetime_value``). Horizons are settings (``[models.lifetime_value]``).
"""

from shopwright.models.lifetime_value.spec import LifetimeValueSpec

COLUMNS = {
    "customer_id": "The customer",
    "snapshot_date": "Predicted by what was known before this date began",
    "decided_at": "Midnight of that date",
    "probability_alive": "Probability that the customer will ever come back (0 to 1); null where the model has none",
    "horizon_days": "Days from the date on that the following columns predict: the horizon that the model was trained with",
    "horizon_purchases": "Expected days with a purchase in those days",
    "horizon_value": "Expected net value in those days (money)",
    "horizon_value_lower": "Lower bound of the 80% interval of the value (money)",
    "horizon_value_upper": "Upper bound of the 80% interval of the value (money)",
    "long_horizon_days": "Days from the date on that the following columns predict",
    "long_horizon_purchases": "Expected days with a purchase in those days; null where the model did not learn the horizon",
    "long_horizon_value": "Expected net value in those days (money); null where the model did not learn the horizon",
    "long_horizon_value_lower": "Lower bound of the 80% interval of the value (money)",
    "long_horizon_value_upper": "Upper bound of the 80% interval of the value (money)",
}

MODEL = LifetimeValueSpec(
    question="What will this customer spend?",
    entity="customer with an earlier order",
    decision="at the first of each month, and after the last complete day",
    outcome="net value within `horizon_days` of [models.lifetime_value] (182 by default)",
    columns=COLUMNS,
    needs="it needs orders of known customers over at least 7 months",
)

__all__ = ["COLUMNS", "MODEL"]
