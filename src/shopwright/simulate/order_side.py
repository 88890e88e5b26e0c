"""What a marketplace has beside its clicks, from purchases to files and truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shopwright.simulate.dirt import draw_luck
from shopwright.simulate.sales.faults import Spoiler
from shopwright.simulate.sales.market import Market
from shopwright.simulate.sales.truth import SalesTally, describe_sales
from shopwright.simulate.writers.export import reference_files, sales_files
from shopwright.simulate.writers.sales import FIELDS, SalesColumns

if TYPE_CHECKING:
    import numpy as np

    from shopwright.simulate.events import Events
    from shopwright.simulate.shop import Shop
    from shopwright.simulate.writers.export import Export, Written


class OrderSide:
    """Draws, spoils, counts and has written what comes of the purchases, month by month."""

    def __init__(self, shop: Shop, rng: np.random.Generator) -> None:
        of_market, of_faults, self._in_files = rng.spawn(3)
        self._shop = shop
        self._market = Market(shop, of_market)
        self._spoiler = Spoiler(shop.config.dirt, shop.config.months, of_faults)
        self._tally = SalesTally(shop.users.size, self._market.sellers, self._market.end)
        self._names = sales_files(shop.config, shop.period)
        self._columns = SalesColumns(shop.users, shop.catalog, self._market.sellers)

    def write_sellers(self, export: Export) -> Written:
        """Writes who sells."""
        name = reference_files(self._shop.config)["sellers"]
        return export.write_table("sellers", name, FIELDS["sellers"], self._columns.sellers())

    def write_month(self, export: Export, month: int, events: Events) -> list[Written]:
        """Draws what comes of a month's purchases, and writes what the export at the month's end says.

        Args:
            export: where to write.
            month: position in the period, from 0; months come in order.
            events: the month's events, sound ones.
        """
        sales = self._market.draw(events)
        found = self._market.export(month, sales)
        self._tally.add(sales, versions=found["orders"].size)
        written = []
        for entity, sound in found.items():
            rows = self._spoiler.spoil(entity, month, sound)
            luck, columns = draw_luck(rows.fault, self._in_files), self._columns.of(rows)
            name = self._names[entity][month]
            written.append(export.write_table(entity, name, FIELDS[entity], columns, luck))
        return written

    def truth(self) -> dict[str, Any]:
        """What is known of the order side after the last month, before dirt."""
        return describe_sales(self._tally, self._shop.period)
