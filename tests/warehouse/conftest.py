"""One dirty simulated shop, built once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shopwright.cli.simulate import DIRTY
from shopwright.simulate import SimulationConfig, simulate
from shopwright.warehouse.build import build
from tests.built import build_once
from tests.warehouse.shops import make_shop, take_in

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.settings import Project
    from shopwright.simulate import Simulation


@pytest.fixture(scope="session")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    """A shop of 20,000 events without dirt, so that its truth can be found again exactly."""
    config = SimulationConfig(events=20_000, seed=11)
    return build_once(tmp_path_factory, "clean", lambda folder: simulate(config, folder / "raw"))


@pytest.fixture(scope="session")
def shop(simulation: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """That shop, built."""

    def make(folder: Path) -> Project:
        project = make_shop(folder, raw=simulation.out)
        take_in(project)
        build(project)
        return project

    return build_once(tmp_path_factory, "clean-shop", make)


@pytest.fixture(scope="session")
def dirty_raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small shop with every kind of dirt."""
    config = SimulationConfig(events=4_000, seed=5, months=2, products=60, dirt=DIRTY)
    return build_once(tmp_path_factory, "dirty", lambda folder: simulate(config, folder / "raw").out)
