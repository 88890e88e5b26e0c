"""The truth of any shop, with any traits, is what a loop over its files says."""

from __future__ import annotations

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.simulate.traits.independent import assign_persons, events_of, order_amounts, sessions

from shopwright.simulate import SimulationConfig, simulate
from shopwright.simulate.traits.declarations import traits_of
from shopwright.simulate.traits.order_truth import AMOUNTS


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    traits=st.lists(st.sampled_from(traits_of("marketplace")), min_size=1, unique=True),
    months=st.integers(1, 3),
    buyer_types=st.booleans(),
)
def test_truth_is_what_the_files_say(tmp_path_factory, seed, traits, months, buyer_types) -> None:
    config = SimulationConfig(
        format="marketplace",
        seed=seed,
        events=3_000,
        months=months,
        products=40,
        return_rate=0.4,
        buyer_types=buyer_types,
        traits=tuple(traits),
    )
    simulation = simulate(config, tmp_path_factory.mktemp("shop"))
    truth = (simulation.out / "truth").as_posix()
    events = events_of(simulation)
    assign_persons(events)
    assert sorted(duckdb.sql(f"FROM '{truth}/sessions.parquet'").fetchall()) == sessions(events)
    columns = ("order_id", "is_test", "is_canceled", *AMOUNTS)
    orders = duckdb.sql(f"SELECT {', '.join(columns)} FROM '{truth}/orders.parquet'").fetchall()
    assert {order_id: amounts for order_id, *amounts in orders} == {
        order_id: [totals[name.removesuffix("_amount")] for name in columns[1:]]
        for order_id, totals in order_amounts(simulation).items()
    }
