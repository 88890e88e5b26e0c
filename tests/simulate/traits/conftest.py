"""Ordinary shops that several tests look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.built import build_once

from shopwright.simulate import SimulationConfig, simulate
from shopwright.simulate.traits.declarations import traits_of

if TYPE_CHECKING:
    from shopwright.simulate import Simulation


@pytest.fixture(scope="session")
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    """A marketplace with every trait."""
    config = SimulationConfig(
        format="marketplace",
        events=60_000,
        products=200,
        return_rate=0.3,
        price_changes_per_year=20,
        traits=traits_of("marketplace"),
    )
    return build_once(tmp_path_factory, "ordinary", lambda folder: simulate(config, folder / "raw"))
