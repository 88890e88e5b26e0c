"""Definitions of the metrics and of the measures they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Kind(StrEnum):
    """Kind of formula; it decides how a metric is compared."""

    PROPORTION = "proportion"
    """Share of the units with a property."""
    MEAN = "mean"
    """A measure per unit."""
    RATIO = "ratio"
    """One measure over another, each summed over the units; a unit may count several times in both."""
    QUANTILE = "quantile"
    """A quantile over the units that have the measure."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Column of a unit's totals: one thing that the unit did, summed."""

    name: str
    meaning: str
    pre_period: str = ""
    """Column of the same measure before the experiment; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Metric:
    """Named business metric: a formula over measures, with its unit and direction."""

    name: str
    title: str
    meaning: str
    unit: Literal["share", "money", "count", "seconds"]
    better: Literal["higher", "lower"]
    kind: Kind
    numerator: str
    """Measure that is averaged, divided, or whose quantile is taken."""
    denominator: str = ""
    """Measure to divide by; ratios only."""
    quantile: float = 0.5
    """Quantile between 0 and 1; quantile metrics only."""
    is_capped: bool = False
    """Whether a unit's numerator is capped at a quantile of the units that have any, in experiments that set ``winsorize``.
    A ratio's denominator never is: it counts what the ratio is per."""

    @property
    def measures(self) -> tuple[str, ...]:
        """Measures in the formula."""
        return (self.numerator, self.denominator) if self.denominator else (self.numerator,)


_MEASURES = (
    Measure("is_converted", "1 if the unit bought, else 0", pre_period="pre_is_converted"),
    Measure("session_count", "Sessions", pre_period="pre_session_count"),
    Measure("cart_session_count", "Sessions that add to the cart", pre_period="pre_cart_session_count"),
    Measure("purchase_session_count", "Sessions with a purchase"),
    Measure("abandoned_session_count", "Sessions that add to the cart and have no purchase"),
    Measure("order_count", "Orders that count", pre_period="pre_order_count"),
    Measure("unit_count", "Units bought", pre_period="pre_unit_count"),
    Measure("revenue_amount", "Value of the orders after discounts (money)", pre_period="pre_revenue_amount"),
    Measure("returned_unit_count", "Units returned"),
    Measure("seconds_to_purchase", "Time from exposure to the first purchase (seconds)"),
)
MEASURES = {measure.name: measure for measure in _MEASURES}
"""Measures by name, which is their column in ``fct_experiment_units``."""

_METRICS = (
    Metric(
        "conversion_rate", "Conversion rate", "Share of units that bought.",
        unit="share", better="higher", kind=Kind.PROPORTION, numerator="is_converted",
    ),
    Metric(
        "purchases_per_user", "Purchases per unit", "Orders per unit, over all units.",
        unit="count", better="higher", kind=Kind.MEAN, numerator="order_count", is_capped=True,
    ),
    Metric(
        "revenue_per_user", "Revenue per unit", "Value of orders per unit, over all units.",
        unit="money", better="higher", kind=Kind.MEAN, numerator="revenue_amount", is_capped=True,
    ),
    Metric(
        "average_order_value", "Average order value", "Value of orders divided by their number.",
        unit="money", better="higher", kind=Kind.RATIO,
        numerator="revenue_amount", denominator="order_count", is_capped=True,
    ),
    Metric(
        "revenue_per_session", "Revenue per session", "Value of orders divided by sessions.",
        unit="money", better="higher", kind=Kind.RATIO,
        numerator="revenue_amount", denominator="session_count", is_capped=True,
    ),
    Metric(
        "cart_rate", "Cart rate", "Share of sessions that add to the cart.",
        unit="share", better="higher", kind=Kind.RATIO,
        numerator="cart_session_count", denominator="session_count",
    ),
    Metric(
        "cart_abandonment_rate", "Cart abandonment rate", "Share of sessions that add to the cart but have no purchase.",
        unit="share", better="lower", kind=Kind.RATIO,
        numerator="abandoned_session_count", denominator="cart_session_count",
    ),
    Metric(
        "items_per_order", "Items per order", "Units bought divided by orders.",
        unit="count", better="higher", kind=Kind.RATIO,
        numerator="unit_count", denominator="order_count", is_capped=True,
    ),
    Metric(
        "time_to_purchase", "Time to purchase", "Median time from exposure to the first purchase, over units that bought.",
        unit="seconds", better="lower", kind=Kind.QUANTILE, numerator="seconds_to_purchase",
    ),
    Metric(
        "return_rate", "Return rate", "Units returned divided by units bought.",
        unit="share", better="lower", kind=Kind.RATIO,
        numerator="returned_unit_count", denominator="unit_count",
    ),
)  # fmt: skip
METRICS = {metric.name: metric for metric in _METRICS}
"""Metrics by name."""
