"""The metrics, and the measures of a unit that they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Kind(StrEnum):
    """How a metric comes from its measures."""

    PROPORTION = "proportion"
    """Share of the units of which something is true."""
    MEAN = "mean"
    """A measure per unit."""
    RATIO = "ratio"
    """One measure over another, each summed over the units; a unit may count several times in both."""
    QUANTILE = "quantile"
    """A quantile over the units that have the measure."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What one unit did, as a column of its totals."""

    name: str
    meaning: str
    before: str = ""
    """The same measure before the experiment, where there is one."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One named figure."""

    name: str
    title: str
    meaning: str
    unit: Literal["share", "money", "count", "seconds"]
    better: Literal["higher", "lower"]
    kind: Kind
    numerator: str
    """Measure that is averaged, divided, or of which a quantile is taken."""
    denominator: str = ""
    """Measure that it is divided by; ratios only."""
    quantile: float = 0.5
    """Which quantile; quantile metrics only."""
    is_capped: bool = False
    """Whether a unit's numerator is cut to a quantile, of the units that have any, where an experiment says so
    (winsorisation). A ratio's denominator never is: it counts what the ratio is per."""

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures it needs."""
        return (self.numerator, self.denominator) if self.denominator else (self.numerator,)


_MEASURES = (
    Measure("is_converted", "Whether it bought (0 or 1)", before="pre_is_converted"),
    Measure("session_count", "Sessions", before="pre_session_count"),
    Measure(
        "cart_session_count", "Sessions with something put into the cart", before="pre_cart_session_count"
    ),
    Measure("purchase_session_count", "Sessions with a purchase"),
    Measure("abandoned_session_count", "Sessions with something in the cart and no purchase"),
    Measure("order_count", "Orders that count", before="pre_order_count"),
    Measure("unit_count", "Units bought", before="pre_unit_count"),
    Measure("revenue_amount", "Value of its orders after discounts (money)", before="pre_revenue_amount"),
    Measure("returned_unit_count", "Units returned"),
    Measure("seconds_to_purchase", "From exposure to the first purchase (seconds)"),
)
MEASURES = {measure.name: measure for measure in _MEASURES}
"""Measures by name; columns of ``fct_experiment_units``."""

_METRICS = (
    Metric(
        "conversion_rate", "Conversion rate", "Share of units that bought.",
        unit="share", better="higher", kind=Kind.PROPORTION, numerator="is_converted",
    ),
    Metric(
        "purchases_per_user", "Purchases per unit", "Orders per unit, of all units.",
        unit="count", better="higher", kind=Kind.MEAN, numerator="order_count", is_capped=True,
    ),
    Metric(
        "revenue_per_user", "Revenue per unit", "Value of orders per unit, of all units.",
        unit="money", better="higher", kind=Kind.MEAN, numerator="revenue_amount", is_capped=True,
    ),
    Metric(
        "average_order_value", "Average order value", "Value of orders over their number.",
        unit="money", better="higher", kind=Kind.RATIO,
        numerator="revenue_amount", denominator="order_count", is_capped=True,
    ),
    Metric(
        "revenue_per_session", "Revenue per session", "Value of orders over sessions.",
        unit="money", better="higher", kind=Kind.RATIO,
        numerator="revenue_amount", denominator="session_count", is_capped=True,
    ),
    Metric(
        "cart_rate", "Cart rate", "Sessions that put something into the cart, of all sessions.",
        unit="share", better="higher", kind=Kind.RATIO,
        numerator="cart_session_count", denominator="session_count",
    ),
    Metric(
        "abandonment_rate", "Abandonment rate", "Sessions without a purchase, of those with something in the cart.",
        unit="share", better="lower", kind=Kind.RATIO,
        numerator="abandoned_session_count", denominator="cart_session_count",
    ),
    Metric(
        "items_per_order", "Items per order", "Units bought over orders.",
        unit="count", better="higher", kind=Kind.RATIO,
        numerator="unit_count", denominator="order_count", is_capped=True,
    ),
    Metric(
        "time_to_purchase", "Time to purchase", "Median time from exposure to the first purchase, of units that bought.",
        unit="seconds", better="lower", kind=Kind.QUANTILE, numerator="seconds_to_purchase",
    ),
    Metric(
        "return_rate", "Return rate", "Units returned, of units bought.",
        unit="share", better="lower", kind=Kind.RATIO,
        numerator="returned_unit_count", denominator="unit_count",
    ),
)  # fmt: skip
METRICS = {metric.name: metric for metric in _METRICS}
"""Metrics by name."""
