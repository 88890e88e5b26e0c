"""Shops that several tests look at."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from shopwright.simulate import Dirt, Simulation, SimulationConfig, simulate

if TYPE_CHECKING:
    from pathlib import Path

ALL_DIRT = Dirt(
    duplicate_rate=0.02,
    late_file_rate=0.05,
    bad_timestamp_rate=0.01,
    negative_price_rate=0.01,
    missing_event_type_rate=0.02,
    missing_user_rate=0.03,
    torn_line_rate=0.02,
    wrong_encoding_rate=0.01,
)


@pytest.fixture(scope="session")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    """A clean click-only shop."""
    return simulate(SimulationConfig(format="rees46", events=60_000), tmp_path_factory.mktemp("clicks"))


@pytest.fixture(scope="session")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    """A clean event stream with a strong experiment."""
    config = SimulationConfig(events=80_000, experiment_effect=0.4, price_changes_per_year=40)
    return simulate(config, tmp_path_factory.mktemp("stream"))


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    """A clean marketplace with enough wrong payments and returns to count, up to the busy end of the year."""
    config = SimulationConfig(
        format="marketplace",
        events=150_000,
        start=date(2025, 9, 1),
        months=4,
        products=400,
        wrong_payment_rate=0.02,
        return_rate=0.08,
    )
    return simulate(config, tmp_path_factory.mktemp("market"))


@pytest.fixture(scope="session", params=["rees46", "event_stream"])
def dirty(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    """A dirty shop of either text format."""
    config = SimulationConfig(format=request.param, events=12_000, dirt=ALL_DIRT)
    out: Path = tmp_path_factory.mktemp("dirty")
    return simulate(config, out)
