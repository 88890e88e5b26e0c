"""Prices of events in another currency: by the rate of their day, whenever it arrives, and as stated where they are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shopwright.warehouse.build import build
from tests.warehouse.deliveries import deliver, event, order_shop, query_gold

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


def purchase(at: str, **more: str) -> dict[str, str | int]:
    return event("purchase", at, product_id="p1", price=100, order_id="o1", currency="GBP", **more)


def rate(day: str, value: str, currency: str = "GBP") -> dict[str, str]:
    return {"rate_date": day, "currency": currency, "rate": value}


def test_a_rate_that_arrives_later_reaches_prices_that_were_converted_before(tmp_path: Path) -> None:
    project = order_shop(tmp_path)
    sums = "select sum(purchase_count), sum(gross_amount), count(*) from gold.fct_sessions"
    deliver(
        project,
        1,
        events=[purchase("2025-03-04T10:00:00Z"), purchase("2025-03-05T10:00:00Z")],
        rates=[rate("2025-03-03", "1.20"), rate("2025-03-05", "1.25"), rate("2025-03-04", "1", "EUR")],
    )
    build(project)
    assert query_gold(project, sums) == [(1, 120, 2)]  # the second day reports the purchase again
    assert query_gold(project, "select sum(gross_amount) from gold.fct_orders") == [(120,)]

    deliver(project, 2, rates=[rate("2025-03-06", "1.30")])
    assert not build(project).full_refresh  # nothing happened on that day

    deliver(project, 3, rates=[rate("2025-03-04", "1.10")])
    assert "rates of exchange" in build(project).reason
    assert query_gold(project, sums) == [(1, 110, 2)]
    assert query_gold(project, "select sum(gross_amount) from gold.fct_orders") == [(110,)]
