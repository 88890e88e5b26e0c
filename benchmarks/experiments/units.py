"""The units that are read: random ones, in the columns and types of ``gold.fct_experiment_units``.

``python -m benchmarks.experiments.units DATABASE COUNT`` writes them.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa

from shopwright.metrics import METRICS
from shopwright.settings import ExperimentDefinition

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

LIFTS = {"control": 0.0, "same": 0.0, "little": 0.01, "some": 0.03, "much": 0.1}
"""Variant to the relative change of what its users order."""
SEED = 4
EXPERIMENT = ExperimentDefinition(
    name="checkout",
    hypothesis="One of four checkouts sells more.",
    start=date(2025, 1, 1),
    variants=dict.fromkeys(LIFTS, 1.0),
    primary_metric="conversion_rate",
    secondary_metrics=tuple(name for name in METRICS if name != "conversion_rate"),
)
"""All metrics that there are, in one experiment."""

_AMOUNTS = ("revenue_amount", "pre_revenue_amount")
_INTEGERS = (
    *("session_count", "cart_session_count", "purchase_session_count", "abandoned_session_count"),
    *("order_count", "is_converted", "variant_count"),
    *("pre_session_count", "pre_cart_session_count", "pre_order_count", "pre_is_converted"),
)


def write_units(file: Path, count: int) -> None:
    """Write a database with so many users.

    Args:
        file: of the database; must not exist.
        count: of users, dealt to the variants at random.
    """
    columns = _columns(np.random.default_rng(SEED), count)
    given = pa.table(columns)
    casts = ", ".join(
        [
            *(f"cast({name} as decimal(38, 4)) as {name}" for name in _AMOUNTS),
            *(f"cast({name} as integer) as {name}" for name in _INTEGERS),
        ]
    )
    with duckdb.connect(str(file)) as connection:
        connection.register("given", given)
        connection.execute("create schema gold")
        connection.execute(
            f"create table gold.fct_experiment_units as select * replace ({casts}) from given order by exposed_date"
        )


def _columns(rng: Generator, count: int) -> dict[str, Any]:
    variant = rng.integers(0, len(LIFTS), count)
    keenness = rng.gamma(0.5, 0.5, count)
    now = _behaviour(rng, keenness * (1 + np.array(list(LIFTS.values()))[variant]))
    before = _behaviour(rng, keenness)
    kept = (
        "session_count",
        "cart_session_count",
        "order_count",
        "unit_count",
        "revenue_amount",
        "is_converted",
    )
    seconds = np.where(now["order_count"] > 0, rng.exponential(86_400, count).astype(np.int64), -1)
    days = rng.integers(0, 28, count).astype("timedelta64[D]")
    return {
        "experiment": np.full(count, EXPERIMENT.name),
        "unit_id": np.char.add("u", np.arange(count).astype(str)),
        "variant": np.array(list(LIFTS))[variant],
        "exposed_date": np.datetime64(EXPERIMENT.start) + days,
        "variant_count": np.ones(count, dtype=np.int64),
        "device": rng.choice(["desktop", "mobile", "tablet"], count),
        "channel": rng.choice(["direct", "email", "organic", "paid", "social"], count),
        "country": rng.choice(["DE", "ES", "FR", "GB", "IT", "NL", "PL", "US"], count),
        "is_new": rng.random(count) < 0.5,
        **now,
        "seconds_to_purchase": pa.array(seconds, mask=seconds < 0),
        **{f"pre_{name}": before[name] for name in kept},
    }


def _behaviour(rng: Generator, keenness: NDArray[np.float64]) -> dict[str, Any]:
    """What users do who order so often on average."""
    count = len(keenness)
    orders = rng.poisson(keenness)
    items = orders + rng.poisson(0.6 * orders)
    buying = np.minimum(orders, 2)
    carts = buying + rng.poisson(0.3, count)
    sessions = carts + 1 + rng.poisson(1.2, count)
    return {
        "session_count": sessions,
        "cart_session_count": carts,
        "purchase_session_count": buying,
        "abandoned_session_count": carts - buying,
        "order_count": orders,
        "unit_count": items,
        "revenue_amount": np.round(orders * rng.lognormal(3.5, 0.7, count), 2),
        "returned_unit_count": rng.binomial(items, 0.08),
        "is_converted": (orders > 0).astype(np.int64),
        "has_view": sessions > 1,
        "has_cart": carts > 0,
        "has_checkout": orders > 0,
        "has_purchase": orders > 0,
    }


if __name__ == "__main__":
    write_units(Path(sys.argv[1]), int(sys.argv[2]))
