"""One dirty simulated shop, built once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shopwright.cli.simulate import DIRTY
from shopwright.simulate import SimulationConfig, simulate
from shopwright.warehouse.build import build
from tests.warehouse.shops import make_shop, take_in

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.settings import Project
    from shopwright.simulate import Simulation


@pytest.fixture(scope="session")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    """A shop of 20,000 events without dirt, so that its truth can be found again exactly."""
    return simulate(SimulationConfig(events=20_000, seed=11), tmp_path_factory.mktemp("clean") / "raw")


@pytest.fixture(scope="session")
def shop(simulation: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """That shop, built."""
    project = make_shop(tmp_path_factory.mktemp("shop"), raw=simulation.out)
    take_in(project)
    build(project)
    return project


@pytest.fixture(scope="session")
def dirty_raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small shop with every kind of dirt."""
    config = SimulationConfig(events=4_000, seed=5, months=2, products=60, dirt=DIRTY)
    return simulate(config, tmp_path_factory.mktemp("dirty") / "raw").out
