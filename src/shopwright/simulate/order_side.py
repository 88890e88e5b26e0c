"""What a marketplace has beside its clicks, from purchases to files and truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shopwright.simulate.dirt import draw_line_faults
from shopwright.simulate.sales.faults import FaultInjector
from shopwright.simulate.sales.market import OrderSimulator
from shopwright.simulate.sales.truth import SalesCounter, describe_sales
from shopwright.simulate.traits.fields import EXCHANGE_RATE
from shopwright.simulate.traits.ordinary import OrdinaryMarket, ordinary_fields
from shopwright.simulate.writers.export import reference_files, sales_files
from shopwright.simulate.writers.sales import FIELDS, SalesColumns

if TYPE_CHECKING:
    import numpy as np

    from shopwright.simulate.events import Events
    from shopwright.simulate.shop import Shop
    from shopwright.simulate.writers.export import Export, Written


class OrderSide:
    """Orders and what follows from them: drawn, given faults, counted and written month by month."""

    def __init__(self, shop: Shop, rng: np.random.Generator) -> None:
        of_market, of_faults, self._in_files = rng.spawn(3)
        self._shop = shop
        self._simulator = OrderSimulator(shop, of_market)
        self._fault_injector = FaultInjector(shop.config.dirt, shop.config.months, of_faults)
        self._counter = SalesCounter(shop.users.size, self._simulator.sellers, self._simulator.end)
        self._names = sales_files(shop.config, shop.period)
        self._ordinary = OrdinaryMarket(shop, self._simulator.sellers) if shop.config.traits else None
        self._fields = {
            entity: ordinary_fields(shop.config, entity, plain) for entity, plain in FIELDS.items()
        }
        self._columns = SalesColumns(shop.users, shop.catalog, self._simulator.sellers)

    def write_sellers(self, export: Export) -> Written:
        """Write who sells."""
        name = reference_files(self._shop.config)["sellers"]
        return export.write_table("sellers", name, self._fields["sellers"], self._columns.sellers())

    def write_rates(self, export: Export) -> list[Written]:
        """Write the rates of exchange, where orders are in several currencies."""
        name = reference_files(self._shop.config).get("exchange_rates")
        if not name or not self._ordinary:
            return []
        return [export.write_table("exchange_rates", name, list(EXCHANGE_RATE), self._ordinary.rates.rows())]

    def write_month(self, export: Export, month: int, events: Events) -> list[Written]:
        """Draw what comes of a month's purchases, and writes what the export at the month's end says.

        Args:
            export: where to write.
            month: position in the period, from 0; months come in order.
            events: the month's events, sound ones.
        """
        sales = self._simulator.draw(events)
        if self._ordinary:
            ordinary = self._simulator.export(month, self._ordinary.change_sales(sales))
            exported = self._ordinary.change_export(month, ordinary)
        else:
            exported = self._simulator.export(month, sales)
        self._counter.add(sales, versions=exported["orders"].size)
        written = []
        for entity, rows_before in exported.items():
            rows = self._fault_injector.inject(entity, month, rows_before)
            line_faults, columns = (
                draw_line_faults(rows.fault, self._in_files),
                self._columns.columns_for(rows),
            )
            name = self._names[entity][month]
            written.append(export.write_table(entity, name, self._fields[entity], columns, line_faults))
        return written

    def truth(self) -> dict[str, Any]:
        """Return what is known of the order side after the last month, before dirt.

        With traits, only what they leave as it is; what is right about money is then in ``ordinary_truth``.
        """
        truth = describe_sales(self._counter, self._shop.period)
        if not self._ordinary:
            return truth
        del truth["orders"]["versions"]
        return {name: truth[name] for name in ("orders", "delivery", "reviews", "customers")}

    def ordinary_truth(self) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
        """Return the columns of each file about the orders of an ordinary export, and the totals."""
        if not self._ordinary:
            return {}, {}
        return self._ordinary.truth()
