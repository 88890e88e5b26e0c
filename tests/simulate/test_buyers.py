"""Types of customers buy as they are said to, and are told in the truth only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pytest

from shopwright.simulate import Simulation, SimulationConfig, simulate
from shopwright.simulate.buyers import PLANTED

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    config = SimulationConfig(
        format="marketplace", files="parquet", events=80_000, users=2_000, months=6, seed=4, buyer_types=True
    )
    return simulate(config, tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def traits(planted: Simulation) -> dict[str, dict[str, float]]:
    """What people of each type did, counted in the files."""
    with duckdb.connect() as connection:
        found = connection.execute(
            """
            with people as (select * from read_parquet($buyers)),
            sessions as (
                select user_id, count(distinct session_id) as sessions from read_parquet($events) group by user_id
            ),
            lines as (
                select lines.*, any_value(customer_id) over (partition by lines.order_id) as buyer
                from read_parquet($lines) as lines
                inner join (select distinct order_id, customer_id from read_parquet($orders)) using (order_id)
            ),
            bought as (
                select
                    buyer as user_id,
                    avg(quantity) filter (kind = 'sale') as units,
                    count(distinct order_id) filter (kind = 'return') / count(distinct order_id) as returned
                from lines group by buyer
            )
            select buyer_type, count(*) as people, avg(coalesce(sessions, 0)) as sessions, avg(units) as units, avg(returned) as returned
            from people left join sessions using (user_id) left join bought using (user_id) group by buyer_type
            """,
            {
                "buyers": str(planted.out / "truth" / "buyers.parquet"),
                "events": [str(file) for file in planted.files["events"]],
                "lines": [str(file) for file in planted.files["order_items"]],
                "orders": [str(file) for file in planted.files["orders"]],
            },
        ).fetchnumpy()
    names = found.pop("buyer_type")
    return {
        name: {trait: float(values[row]) for trait, values in found.items()} for row, name in enumerate(names)
    }


def test_everybody_but_bots_is_of_one_type(planted: Simulation, traits: dict[str, dict[str, float]]) -> None:
    people = sum(each["people"] for each in traits.values())
    assert people == 2_000 - planted.truth["bots"]["count"]
    for kind in PLANTED:
        assert traits[kind.name]["people"] / people == pytest.approx(kind.share, abs=0.03)
    assert [each["name"] for each in planted.truth["buyer_types"]] == [kind.name for kind in PLANTED]


def test_types_visit_buy_and_return_as_planted(traits: dict[str, dict[str, float]]) -> None:
    passing, regular, stocking, returning = (traits[kind.name] for kind in PLANTED)
    assert regular["sessions"] > 10 * passing["sessions"]
    assert returning["sessions"] == pytest.approx(regular["sessions"], rel=0.2)
    assert stocking["units"] == pytest.approx(PLANTED[2].units * regular["units"], rel=0.1)
    assert returning["returned"] > 5 * regular["returned"]


def test_without_types_nothing_is_told_of_them(tmp_path: Path) -> None:
    made = simulate(SimulationConfig(events=3_000, months=1), tmp_path)
    assert not (tmp_path / "truth" / "buyers.parquet").exists()
    assert [each["name"] for each in made.truth["buyer_types"]] == ["anybody"]


def test_another_choice_of_types_leaves_no_file_of_the_one_before(tmp_path: Path) -> None:
    config = SimulationConfig(events=3_000, months=1, buyer_types=True)
    made = simulate(config, tmp_path)
    assert set(made.files) == {"events", "products", "customers"}
    assert (tmp_path / "truth" / "buyers.parquet").exists()
    simulate(config.model_copy(update={"buyer_types": False}), tmp_path)
    assert not (tmp_path / "truth" / "buyers.parquet").exists()
    assert np.isclose(sum(kind.share for kind in PLANTED), 1)
