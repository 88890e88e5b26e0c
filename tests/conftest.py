"""What all tests share: no network, reproducible examples, and the folder of real data where there is one."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from shopwright.warehouse import dbt_runner
from tests.parsed import lend_parses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shopwright.settings import Project

ROOT = Path(__file__).resolve().parents[1]
REAL_DATA = Path(os.environ.get("SHOPWRIGHT_REAL_DATA") or ROOT.parent / "shared" / "data")

# Examples build warehouses: how long one takes says nothing about whether it is right.
_SLOW_EXAMPLES = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("dev", **_SLOW_EXAMPLES)
settings.register_profile("ci", derandomize=True, print_blob=True, database=None, **_SLOW_EXAMPLES)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real exports (``rees46/``, ``online_retail/`` ...), read only."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"no real data in {REAL_DATA}; set SHOPWRIGHT_REAL_DATA to the folder that has rees46/")
    return REAL_DATA


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    """Let Python connect to this machine only, so that no test depends on anything else."""
    connect = socket.socket.connect

    def connect_here(this: socket.socket, address: Any) -> None:
        if this.family != socket.AF_UNIX and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            raise OSError(f"a test tried to reach {address[0]}")
        connect(this, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_here)
        patch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
        patch.setenv("DO_NOT_TRACK", "1")
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_parse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Parse the dbt project once for each set of variables, not once for each shop."""
    folder, arguments = tmp_path_factory.mktemp("parsed"), dbt_runner.dbt_arguments

    def lend_and_tell(project: Project) -> list[str]:
        lend_parses(folder)
        return arguments(project)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dbt_runner, "dbt_arguments", lend_and_tell)
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tracing every line of dbt makes a build half as long again: coverage is taken where builds themselves are tested.

    What slow tests and those of the warehouse's tables run is run by traced tests, too.
    """
    for item in items:
        if item.get_closest_marker("slow") or (
            item.path.is_relative_to(ROOT / "tests" / "warehouse") and item.path.name != "test_build.py"
        ):
            item.add_marker(pytest.mark.no_cover)
