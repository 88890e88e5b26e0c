"""Every trait in one place: its name, what it means, and what it changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shopwright.simulate.traits import fields, money
from shopwright.simulate.traits.clicks import ClickTrait, LogIns, Reloads, RepeatedEvents, ResentEvents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from shopwright.simulate.sales.sellers import Sellers
    from shopwright.simulate.traits.records import OrdinarySales
    from shopwright.simulate.writers.fields import Field

    SalesStep = Callable[[OrdinarySales, Sellers, np.random.Generator], OrdinarySales]
    """Function from sales to sales with the trait."""

CLICKS = ("event_stream", "marketplace")
ORDERS = ("marketplace",)


@dataclass(frozen=True)
class Trait:
    """Something that is ordinary in exports of real shops and that the plain simulated one does without."""

    name: str
    meaning: str
    formats: tuple[str, ...]
    clicks: type[ClickTrait] | None = None
    """What it does to the events."""
    sales: SalesStep | None = None
    """What it does to orders and all that belongs to them."""
    fields: Mapping[str, tuple[Field, ...]] = field(default_factory=dict)
    """Fields that it adds to an entity, or that replace those of the same name."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """SQL of properties of events that it adds or replaces, as JSON spells them; null where there is none."""
    without: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Fields that it leaves out, by entity."""
    entities: tuple[str, ...] = ()
    """Entities that the export has only with the trait."""
    has_overlaps: bool = False
    """Whether the files of the order side repeat the last days of the month before."""


TRAITS: tuple[Trait, ...] = (
    Trait(
        "log-ins",
        "Anonymous visitors who log in during a visit, months later or never; shared devices, users with two.",
        CLICKS,
        clicks=LogIns,
        fields={"events": fields.TRACKED_EVENT},
    ),
    Trait(
        "reloads", "Purchases reported again, as new events, a minute or a day later.", CLICKS, clicks=Reloads
    ),
    Trait(
        "resent-events",
        "Events sent again under the same id, with the price corrected.",
        CLICKS,
        clicks=ResentEvents,
    ),
    Trait(
        "fine-prices",
        "Unit prices with five decimals, for goods sold by the thousand.",
        CLICKS,
        sales=money.refine_prices,
        fields={"products": fields.FINE_PRODUCT},
        properties=fields.FINE_PROPERTIES,
    ),
    Trait("weights", "Goods sold by the kilogram, with the line's amount.", ORDERS, sales=money.weigh),
    Trait("tips", "Tips, as lines of orders.", ORDERS, sales=money.add_tips),
    Trait(
        "gift-cards",
        "Gift cards, sold and paid with.",
        ORDERS,
        sales=money.add_gift_cards,
        fields={"payments": fields.GIFT_CARD_PAYMENT},
    ),
    Trait(
        "taxes",
        "Taxes, inside prices or on top of them by country.",
        ORDERS,
        sales=money.add_taxes,
        fields={"order_items": fields.TAXED_LINE},
    ),
    Trait(
        "refunds",
        "Partial refunds in files of their own, with their own dates.",
        ORDERS,
        sales=money.separate_refunds,
        entities=("refunds",),
    ),
    Trait(
        "currencies",
        "Orders in three currencies, and daily rates of exchange.",
        ORDERS,
        sales=money.use_currencies,
        fields=dict.fromkeys(("orders", "order_items", "payments", "refunds"), fields.CURRENCY),
        properties=fields.CURRENCY_PROPERTIES,
        entities=("exchange_rates",),
    ),
    Trait(
        "test-orders",
        "Test and voided orders, and failed payments.",
        ORDERS,
        sales=money.add_tests,
        fields={"orders": fields.TEST_ORDER, "payments": fields.TEST_PAYMENT},
    ),
    Trait(
        "totals",
        "Totals on orders, some of which come without lines.",
        ORDERS,
        sales=money.state_totals,
        fields={"orders": fields.ORDER_TOTALS},
    ),
    Trait(
        "overlaps",
        "Monthly files that repeat the last two days of the month before.",
        CLICKS,
        clicks=RepeatedEvents,
        has_overlaps=True,
    ),
    Trait(
        "undated-versions",
        "Versions of orders, products and profiles without a date; the last one to arrive counts.",
        CLICKS,
        without=dict.fromkeys(("orders", "products", "customers", "sellers"), ("updated_at",)),
    ),
)
"""All traits, in the order in which they are applied."""
BY_NAME = {trait.name: trait for trait in TRAITS}


def traits_of(format_name: str) -> tuple[str, ...]:
    """Return names of the traits that an export can have."""
    return tuple(trait.name for trait in TRAITS if format_name in trait.formats)
