"""The traits of one shop, applied month by month."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.simulate.arrays import concat
from shopwright.simulate.seasonality import to_ms
from shopwright.simulate.traits import fields
from shopwright.simulate.traits.clicks import OVERLAP, TrackedEvents
from shopwright.simulate.traits.declarations import BY_NAME
from shopwright.simulate.traits.order_truth import OrderCounter, totals
from shopwright.simulate.traits.people import PeopleCounter
from shopwright.simulate.traits.rates import Rates
from shopwright.simulate.traits.records import OrdinarySales

if TYPE_CHECKING:
    from collections.abc import Callable

    from shopwright.simulate.config import SimulationConfig
    from shopwright.simulate.dirt import Rows
    from shopwright.simulate.events import Events
    from shopwright.simulate.sales.market import Sales
    from shopwright.simulate.sales.records import Records
    from shopwright.simulate.sales.sellers import Sellers
    from shopwright.simulate.shop import Shop
    from shopwright.simulate.traits.declarations import Trait
    from shopwright.simulate.writers.fields import Field


def selected_traits(config: SimulationConfig) -> tuple[Trait, ...]:
    """Return the traits of a shop, in the order in which they are applied."""
    return tuple(trait for name, trait in BY_NAME.items() if name in config.traits)


def ordinary_fields(config: SimulationConfig, entity: str, plain: list[Field]) -> list[Field]:
    """Return the fields of an entity as the traits have them."""
    traits = selected_traits(config)
    result = list(plain)
    if entity == "order_items" and traits:
        result = fields.with_fields(result, fields.LINE)
    left_out: set[str] = set()
    for trait in traits:
        result = fields.with_fields(result, trait.fields.get(entity, ()))
        left_out.update(trait.without.get(entity, ()))
    return [field for field in result if field.name not in left_out]


def _chance(config: SimulationConfig, name: str) -> np.random.Generator:
    return np.random.default_rng([config.seed, zlib.crc32(name.encode())])


class OrdinaryClicks:
    """The events of a shop as its tracker has them."""

    def __init__(self, shop: Shop) -> None:
        self._steps = [
            trait.clicks(shop, _chance(shop.config, trait.name))
            for trait in selected_traits(shop.config)
            if trait.clicks
        ]
        self._people_counter = PeopleCounter(shop)

    def change_events(self, month: int, events: Events) -> TrackedEvents:
        """Return the events of a month as the tracker has them, by time."""
        tracked = TrackedEvents.from_events(events)
        for step in self._steps:
            tracked = step.change_events(month, tracked)
        self._people_counter.add(tracked)
        return tracked

    def change_rows(self, month: int, rows: Rows) -> Rows:
        """Return the rows of a month's file, in the order in which they arrived."""
        for step in self._steps:
            rows = step.change_rows(month, rows)
        return rows

    def truth(self) -> tuple[dict[str, dict[str, Any]], dict[str, int]]:
        """Return the columns of each file of truth, and the totals."""
        return self._people_counter.tables()


class OrdinaryMarket:
    """The order side of a shop as its export states it."""

    def __init__(self, shop: Shop, sellers: Sellers) -> None:
        config = shop.config
        traits = selected_traits(config)
        self._sellers = sellers
        self._steps: list[tuple[Callable[..., OrdinarySales], np.random.Generator]] = [
            (trait.sales, _chance(config, f"{trait.name} of orders")) for trait in traits if trait.sales
        ]
        self._has_overlaps = any(trait.has_overlaps for trait in traits)
        self._ends = [to_ms(day) for day in shop.period.first_days[1:]]
        self._last_days: dict[str, Records] = {}
        self._has_refunds = "refunds" in config.traits
        self.rates = Rates.draw(shop.period, _chance(config, "rates"))
        self._counter = OrderCounter(shop.users, self.rates, self._ends[-1])

    def change_sales(self, sales: Sales) -> OrdinarySales:
        """Return the sales of a month as the export states them."""
        ordinary = OrdinarySales.from_sales(sales)
        for change, rng in self._steps:
            ordinary = change(ordinary, self._sellers, rng)
        self._counter.add(ordinary)
        return ordinary

    def change_export(self, month: int, exported: dict[str, Records]) -> dict[str, Records]:
        """Return the rows of a month's files, by entity, with what they repeat of the month before first."""
        if not self._has_refunds:
            exported = {entity: rows for entity, rows in exported.items() if entity != "refunds"}
        if not self._has_overlaps:
            return exported
        before, since = self._last_days, self._ends[month] - OVERLAP
        self._last_days = {entity: rows.take(rows.at >= since) for entity, rows in exported.items()}
        return {
            entity: concat([before[entity], rows]) if entity in before else rows
            for entity, rows in exported.items()
        }

    def truth(self) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
        """Return the columns of each file of truth, and the totals."""
        tables = self._counter.tables()
        return tables, totals(next(iter(tables.values())))
