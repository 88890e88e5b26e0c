"""Contracts of the canonical entities: the data that a shop can load, each column defined once.

Belongs here: names, types, units, allowed values, rules and meanings of the canonical entities, and what is
derived from them (validation SQL, lake schema, data dictionary). Does not belong here: how an export is mapped to them
(``ingest/adapters``), or what the warehouse builds from them (``dbt``).
"""

from shopwright.contracts.events import EVENTS, EXPOSURES
from shopwright.contracts.reference import (
    CATEGORIES,
    COMPETITOR_PRICES,
    CONSENTS,
    CUSTOMERS,
    PLACES,
    PRODUCTS,
    SELLERS,
)
from shopwright.contracts.sales import EXCHANGE_RATES, ORDER_ITEMS, ORDERS, PAYMENTS, REFUNDS, REVIEWS
from shopwright.contracts.schema import Column, Entity, Rule

ENTITIES: tuple[Entity, ...] = (
    EVENTS,
    ORDERS,
    ORDER_ITEMS,
    PAYMENTS,
    REFUNDS,
    REVIEWS,
    CUSTOMERS,
    CONSENTS,
    PRODUCTS,
    CATEGORIES,
    SELLERS,
    PLACES,
    EXPOSURES,
    COMPETITOR_PRICES,
    EXCHANGE_RATES,
)
"""All canonical entities, in the order of the data dictionary."""

BY_NAME: dict[str, Entity] = {entity.name: entity for entity in ENTITIES}

if len(BY_NAME) != len(ENTITIES):
    raise RuntimeError("two entities share a name")

__all__ = ["BY_NAME", "ENTITIES", "Column", "Entity", "Rule"]
