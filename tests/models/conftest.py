"""One simulated marketplace of a year, built once."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from shopwright.settings import load_project
from shopwright.simulate import SimulationConfig, simulate
from shopwright.warehouse.build import build
from tests.built import build_once
from tests.warehouse.shops import make_shop, take_in

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.settings import Project
    from shopwright.simulate import Simulation

FEW_TRIALS = "[models]\ntrials = 2\n"


@pytest.fixture(scope="session")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    """A marketplace of 30,000 events over twelve months."""
    config = SimulationConfig(format="marketplace", events=30_000, seed=7, users=1_200)
    return build_once(tmp_path_factory, "market", lambda folder: simulate(config, folder / "raw"))


@pytest.fixture(scope="session")
def market(simulation: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """That shop, built; only to be read. Tests in other folders that ask for it share it."""

    def make(folder: Path) -> Project:
        project = make_shop(folder, raw=simulation.out, extra=FEW_TRIALS)
        take_in(project)
        build(project)
        return project

    return build_once(tmp_path_factory, "market-shop", make)


@pytest.fixture
def own_market(market: Project, tmp_path: Path) -> Project:
    """A copy that a test may change."""
    for folder in (market.work, market.published.parent):
        shutil.copytree(folder, tmp_path / folder.relative_to(market.root))
    for file in (market.warehouse, market.root / "shopwright.toml"):
        shutil.copy(file, tmp_path / file.relative_to(market.root))
    return load_project(tmp_path)
