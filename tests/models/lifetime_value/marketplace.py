"""A shop whose customers buy as BTYD models assume, as the tables below the feature view."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
from jinja2 import Environment

import shopwright
from shopwright.models.lifetime_value.config import LifetimeValueConfig
from shopwright.settings import ModelSettings

VIEW = Path(shopwright.__file__).parent / "dbt" / "models" / "features" / "feat_lifetime_value.sql"
CONFIG = LifetimeValueConfig.from_settings(ModelSettings())
START = np.datetime64("2022-01-01")


def order_lines(*, customers, days, seed):
    """Customer, day and value of every purchase: rates, lives and values differ between customers (Pareto/NBD, Gamma-Gamma)."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, days * 2 // 3, customers)
    rate, life = (
        rng.gamma(0.8, 1 / 60, customers),
        rng.exponential(size=customers) / rng.gamma(0.7, 1 / 120, customers),
    )
    mean = rng.gamma(6.0, 5.0, customers)
    lived = np.minimum(life, days - first - 1)
    count = rng.poisson(rate * np.maximum(lived, 0))
    later = np.repeat(np.arange(customers), count)
    day = (first[later] + 1 + rng.random(len(later)) * lived[later]).astype(np.int64)
    who, when = np.append(np.arange(customers), later), np.append(first, np.minimum(day, days - 1))
    return who, when, rng.gamma(4.0, 1 / 4, len(who)) * mean[who]


def feature_view(config=CONFIG):
    """Return the feature view as dbt would make it."""
    source = VIEW.read_text(encoding="utf-8")
    template = Environment().from_string(source)
    variables = {
        "lifetime_value_horizon_days": config.horizon_days,
        "lifetime_value_long_horizon_days": config.long_horizon_days,
    }
    return template.render(
        config=lambda **_: "", ref=lambda name: f"warehouse.silver.{name}", var=variables.__getitem__
    )


def write_shop(file, *, customers=900, days=900, every=60, seed=1, view=None):
    """Write a published warehouse with the tables below the view, and the view.

    Args:
        file: named ``warehouse.duckdb``, as the views' references are.
        customers: how many.
        days: how long the shop has been there.
        every: days from one snapshot to the next.
        seed: of the customers.
        view: SQL of the view; the shipped one where not given.
    """
    who, when, value = order_lines(customers=customers, days=days, seed=seed)
    lines = {
        "who": who,
        "day": (START + when).astype("datetime64[us]"),
        "value": np.round(value, 2),
        "number": np.arange(len(who)),
    }
    last = START + (days - 1)
    dates = {
        "snapshot_date": np.append(START + np.arange(every, days, every), last + 1).astype("datetime64[us]")
    }
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema silver")
        connection.execute("create schema gold")
        connection.register("lines", lines)
        connection.register("dates", dates)
        connection.execute(f"""
            create table silver.int_snapshot_dates as
            select distinct cast(snapshot_date as date) as snapshot_date, date '{last}' as as_of_date from dates
        """)
        connection.execute("""
            create table silver.int_order_lines as
            select
                'o' || number as order_key, 'c' || who as customer_id, cast(day as date) as booked_date,
                'sale' as kind, cast(value as decimal(18, 4)) as gross_amount,
                cast(0 as decimal(18, 4)) as discount_amount, cast(0 as decimal(18, 4)) as return_amount
            from lines
            union all
            select 'r' || number, 'c' || who, cast(day as date) + 9, 'return', 0, 0, cast(value / 2 as decimal(18, 4))
            from lines where number % 20 = 0
        """)
        connection.execute(f"create view gold.feat_lifetime_value as {view or feature_view()}")
    return file
