"""A published warehouse with nothing in it but what customers are alike by."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from shopwright.models.segmentation.customers import FEATURES, NAMES, Customers

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2025, 3, 10)
PROFILES = "warehouse.silver.profiles"

ORDERS = """
    create schema silver;
    create schema gold;
    create table warehouse.silver.int_orders_as_placed as
    select 'o' || customer || '-' || turn as order_key, 'c' || customer as customer_id,
        date '2024-01-05' + cast(customer % 7 + turn * 20 as integer) as order_date,
        cast(1 + (customer + turn) % 5 as bigint) as unit_count,
        cast(10 + customer % 9 as decimal(18, 4)) as order_value_amount
    from range(60) as people (customer), range(12) as turns (turn);
    create table warehouse.silver.int_order_lines as
    select order_key, 1 as line_number, customer_id, 'p' || unit_count as product_id, order_date as booked_date,
        unit_count, order_value_amount as gross_amount, cast(0 as decimal(18, 4)) as discount_amount,
        cast(unit_count % 2 as decimal(18, 4)) as return_amount
    from warehouse.silver.int_orders_as_placed;
"""

GIVEN = f"""
    create view warehouse.gold.feat_segmentation as
    select * from {PROFILES}
    where not exists (select 1 from warehouse.silver.int_orders_as_placed, warehouse.silver.int_order_lines where false)
"""
"""Features as they were given; orders are looked at, as of every shop, and change nothing."""

COUNTED = """
    create view warehouse.gold.feat_segmentation as
    with snapshots as (
        select cast(unnest(generate_series(date '2024-02-01', date '2024-09-01', interval 1 month)) as date) as snapshot_date
    ),
    placed as (
        select snapshot_date, customer_id, count(*) as frequency, max(order_date) as last_date, min(order_date) as first_date,
            sum(order_value_amount) as value, sum(unit_count) as units
        from snapshots join warehouse.silver.int_orders_as_placed on order_date < snapshot_date group by all
    ),
    booked as (
        select snapshot_date, customer_id, sum(gross_amount - discount_amount - return_amount) as monetary,
            sum(return_amount) / sum(gross_amount) as refund_rate, count(distinct product_id) as item_count
        from snapshots join warehouse.silver.int_order_lines on {booked} group by all
    )
    select snapshot_date, customer_id, snapshot_date = date '2024-09-01' as is_current,
        snapshot_date - last_date as recency_days, frequency, monetary, frequency = 1 as is_one_time_buyer,
        (last_date - first_date) / nullif(frequency - 1, 0) as mean_days_between_orders, value / frequency as mean_ticket,
        item_count / frequency as mean_distinct_items, units / frequency as mean_quantity,
        monetary / (snapshot_date - first_date) as spend_per_month, frequency / (snapshot_date - first_date) as orders_per_month,
        refund_rate, snapshot_date - first_date as tenure_days
    from placed join booked using (snapshot_date, customer_id);
"""
"""Features as a build makes them, of orders; ``booked`` says which lines a snapshot knows."""


def publish(folder: Path, snapshots: dict[date, Customers], *, today: date = TODAY) -> Path:
    """Write the customers of some snapshots into a database of the name that all shops' have."""
    file = folder / "warehouse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(ORDERS)
        connection.execute(f"create table {PROFILES} ({_columns()})")
        connection.execute(GIVEN)
        for day, customers in snapshots.items():
            values = {name: np.ascontiguousarray(customers.column(name)) for name in NAMES}
            connection.register("given", {"customer_id": customers.ids.astype(object), **values})
            chosen = ", ".join(f"nullif({name}, 'nan'::double)" for name in NAMES)
            connection.execute(
                f"insert into {PROFILES} select ?, customer_id, ?, {chosen} from given", [day, day == today]
            )
            connection.unregister("given")
    return file


def _columns() -> str:
    typed = [f"{each.name} {'boolean' if each.kind == 'flag' else 'double'}" for each in FEATURES]
    return ", ".join(["snapshot_date date", "customer_id varchar", "is_current boolean", *typed])


def publish_orders(folder: Path, *, booked: str) -> Path:
    """A shop whose features are a view over orders, as a build makes it."""
    file = folder / "warehouse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(ORDERS)
        connection.execute(COUNTED.format(booked=booked))
    return file
