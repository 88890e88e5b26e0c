"""Units of an experiment, made in memory: a few written out by hand, or a crowd of random ones."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from shopwright.core.engine import connect
from shopwright.settings import ExperimentDefinition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from duckdb import DuckDBPyConnection
    from numpy.random import Generator

START = date(2024, 3, 1)
COUNTS = ("session_count", "cart_session_count", "order_count", "unit_count")
MONEY = pa.decimal128(38, 4)
SCHEMA = pa.schema(
    [
        *(
            (name, pa.string())
            for name in ("experiment", "unit_id", "variant", "device", "channel", "country")
        ),
        ("exposed_date", pa.date32()),
        ("variant_count", pa.int32()),
        ("is_new", pa.bool_()),
        *((name, pa.int64()) for name in COUNTS),
        *(
            (name, pa.int64())
            for name in ("purchase_session_count", "abandoned_session_count", "is_converted")
        ),
        *((name, pa.int64()) for name in ("returned_unit_count", "seconds_to_purchase")),
        ("revenue_amount", MONEY),
        *((name, pa.bool_()) for name in ("has_view", "has_cart", "has_checkout", "has_purchase")),
        *((f"pre_{name}", pa.int64()) for name in (*COUNTS, "is_converted")),
        ("pre_revenue_amount", MONEY),
    ]
)
"""Columns of ``fct_experiment_units`` that a read-out looks at."""


def experiment(**given: Any) -> ExperimentDefinition:
    """One experiment, of which only what is given differs from the defaults."""
    common = {"name": "checkout", "hypothesis": "It sells more.", "start": START, "pre_period_days": 0}
    return ExperimentDefinition.model_validate(common | given)


def unit(number: int = 0, variant: str = "control", **given: Any) -> dict[str, Any]:
    """One unit that did nothing but what is given."""
    nothing: dict[str, Any] = dict.fromkeys(SCHEMA.names, 0)
    nothing |= {name: False for name in SCHEMA.names if name.startswith("has_")}
    told = {"device": "desktop", "channel": "direct", "country": "DE", "is_new": True}
    told |= {"experiment": "checkout", "unit_id": f"u{number}", "variant": variant, "exposed_date": START}
    return nothing | told | {"variant_count": 1, "seconds_to_purchase": None} | given


def table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Units written out by hand."""
    return pa.Table.from_pylist(list(rows), schema=SCHEMA)


def crowd(
    rng: Generator, sizes: Mapping[str, int], *, lift: Mapping[str, float] | None = None, days: int = 14
) -> pa.Table:
    """Random units whose orders go with what they ordered before.

    Args:
        rng: decides everything.
        sizes: variant to its units.
        lift: variant to the relative change of its units' orders.
        days: dates over which units come in.
    """
    variant = np.repeat(list(sizes), list(sizes.values()))
    many = len(variant)
    keenness = rng.gamma(1.5, 0.3, many)
    more = np.array([1 + (lift or {}).get(name, 0.0) for name in sizes]).repeat(list(sizes.values()))
    now, before = behaviour(rng, keenness * more), behaviour(rng, keenness)
    days_in = rng.integers(0, days, many)
    columns: dict[str, Any] = {
        **now,
        **{f"pre_{name}": before[name] for name in (*COUNTS, "is_converted", "revenue_amount")},
        "experiment": ["checkout"] * many,
        "unit_id": [f"u{number}" for number in range(many)],
        "variant": variant,
        "variant_count": np.ones(many, dtype=int),
        "exposed_date": [START + timedelta(days=int(day)) for day in days_in],
        "device": rng.choice(["desktop", "mobile"], many),
        "channel": rng.choice(["direct", "email", "(unknown)"], many),
        "country": rng.choice(["DE", "FR"], many),
        "is_new": rng.random(many) < 0.5,
        "seconds_to_purchase": pa.array(rng.integers(1, 10**6, many), mask=now["order_count"] == 0),
    }
    return from_columns(columns)


def behaviour(rng: Generator, keenness: Any) -> dict[str, Any]:
    """What units do that order so often on average."""
    many = len(keenness)
    orders = rng.poisson(keenness)
    items = orders + rng.poisson(orders)
    buying = np.minimum(orders, 2)
    carts = buying + rng.poisson(0.5, many)
    sessions = carts + 1 + rng.poisson(1.0, many)
    amount = np.round(orders * rng.lognormal(3, 0.8, many), 2)
    return {
        "order_count": orders,
        "unit_count": items,
        "returned_unit_count": rng.binomial(items, 0.1),
        "revenue_amount": amount,
        "is_converted": (orders > 0).astype(int),
        "session_count": sessions,
        "cart_session_count": carts,
        "purchase_session_count": buying,
        "abandoned_session_count": carts - buying,
        "has_view": sessions > 1,
        "has_cart": carts > 0,
        "has_checkout": orders > 0,
        "has_purchase": orders > 0,
    }


def from_columns(columns: Mapping[str, Any]) -> pa.Table:
    """A table of the columns given, in the types of the warehouse."""
    arrays = [pa.array(columns[name], from_pandas=True) for name in SCHEMA.names]
    arrays = [
        array.cast(field.type) if field.type != MONEY else array.cast(pa.float64()).cast(MONEY)
        for array, field in zip(arrays, SCHEMA, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def warehouse(units: pa.Table) -> DuckDBPyConnection:
    """A warehouse with these units and nothing else."""
    connection = connect(threads=2)
    connection.execute("create schema gold")
    connection.execute("create schema silver")
    return refill(connection, units)


def refill(connection: DuckDBPyConnection, units: pa.Table) -> DuckDBPyConnection:
    """The same warehouse with other units."""
    connection.register("given_units", units)
    connection.execute("create or replace table gold.fct_experiment_units as select * from given_units")
    return connection


def values(units: pa.Table, name: str, variant: str | None = None) -> Any:
    """A column as floats, of all units or of those of a variant; null becomes nan."""
    array = units[name].cast(pa.float64()).to_numpy(zero_copy_only=False)
    return array if variant is None else array[units["variant"].to_numpy() == variant]


def published(units: pa.Table) -> DuckDBPyConnection:
    """A warehouse with all that a reading looks at; each unit did everything on the day it came in."""
    connection = warehouse(units)
    connection.execute("""
        create table silver.int_experiment_units as
        select row_number() over () as unit_key, experiment, unit_id from gold.fct_experiment_units;
        create table silver.int_experiment_unit_days as
        select keys.unit_key, units.exposed_date as activity_date, units.*
        from gold.fct_experiment_units as units
        inner join silver.int_experiment_units as keys using (experiment, unit_id);
        create table gold.fct_sessions as
        select unit_id as user_id, exposed_date as session_date, false as is_bot from gold.fct_experiment_units;
        create table gold.fct_orders (order_date date, ordered_at_is_day boolean);
        create table gold.fct_simulated_effects (experiment varchar, event_date date, changed_event_count bigint);
    """)
    return connection
