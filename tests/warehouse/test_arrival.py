"""In whatever way the files of a shop arrive, its gold tables are those of one full load."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from shopwright.settings import load_project
from shopwright.simulate import SimulationConfig, simulate
from shopwright.warehouse import dbt_config
from shopwright.warehouse.build import build
from shopwright.warehouse.dbt_config import dbt_arguments
from tests.warehouse.shops import deal, gold, make_shop, take_in

pytestmark = pytest.mark.slow

MODELS_ONLY = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
NO_VIEWS = ["--exclude", "config.materialized:view"]
PARTS = 8
ONE_THREAD = "[engine]\nthreads = 1\n"
QUIET = ["--no-print", "--no-write-json", "--log-level", "none", "--log-level-file", "none"]


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """Every line of a shop of 1,200 events, by the kind of file it belongs to."""
    config = SimulationConfig(events=1_200, seed=23, months=2, products=30, profile_changes_per_year=4.0)
    simulated = simulate(config, tmp_path_factory.mktemp("arrival") / "raw")
    return {
        entity: [line for file in files for line in file.read_text("utf-8").splitlines(keepends=True)]
        for entity, files in simulated.files.items()
    }


@pytest.fixture(scope="module")
def expected(lines, tmp_path_factory):
    """Gold of one full load, with all tests, by an engine that takes queries as they are written.

    So an optimizer that gets a query wrong shows as a difference, instead of being wrong on both sides.
    """
    project = make_shop(tmp_path_factory.mktemp("whole"))
    for entity, name in (("events", "events"), ("products", "catalog"), ("customers", "users")):
        deal(lines[entity], project.root / "raw", name, random.Random(1), files=1)
    take_in(project)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dbt_config, "write_profile", _without_optimizers(dbt_config.write_profile))
        build(project)
    actual = gold(project.published)
    del actual[
        "fct_experiment_readouts"
    ]  # no model: written after the models, which are all that is built below
    return actual


def _without_optimizers(write_profile):
    """``write_profile`` with every optimizer of the engine switched off."""
    names = duckdb.execute("select string_agg(name, ',') from duckdb_optimizers()").fetchone()[0]

    def write(project):
        folder = write_profile(project)
        file = folder / "profiles.yml"
        content = json.loads(file.read_text("utf-8"))
        content["shopwright"]["outputs"]["duckdb"]["settings"] = {"disabled_optimizers": names}
        file.write_text(json.dumps(content), "utf-8")
        return folder

    return write


@cache
def _manifest(root: Path):
    """Return the parsed dbt project; parsing takes longer than building a shop of this size."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    parsed = dbtRunner().invoke(["parse", *QUIET, *dbt_arguments(load_project(root))])
    DuckDBConnectionManager.close_all_connections()
    return parsed.result


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return _manifest(make_shop(tmp_path_factory.mktemp("parsed")).root)


def build_models(project, manifest, *, views: bool = True) -> None:
    """Build without data tests, which another test runs; the state advances all the same.

    A view says the same after each delivery of such files, so it is made by the first build only.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    outcome = dbtRunner(manifest=manifest).invoke(
        ["build", *MODELS_ONLY, *([] if views else NO_VIEWS), *QUIET, *dbt_arguments(project)]
    )
    DuckDBConnectionManager.close_all_connections()
    assert outcome.success, outcome.exception or outcome.result


@pytest.mark.parametrize(
    "part", [0, *(pytest.param(part, marks=pytest.mark.long) for part in range(1, PARTS))]
)
def test_two_hundred_ways_of_arriving_end_in_the_same_gold(part, lines, expected, manifest):
    @seed(part)
    @settings(
        max_examples=200 // PARTS, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.integers(0, 2**32), st.integers(1, 3), st.integers(1, 3), st.booleans())
    def arrive(dealing, deliveries, files, is_repeated):
        with TemporaryDirectory() as folder:
            # Half of the ways on one thread, which is faster where two tests share two cores.
            project = make_shop(Path(folder), extra=ONE_THREAD if part % 2 else "")
            rng = random.Random(dealing)
            _deliver(
                project, manifest, lines, rng, deliveries=deliveries, files=files, is_repeated=is_repeated
            )
            assert gold(project.warehouse) == expected

    arrive()


def _deliver(project, manifest, lines, rng, *, deliveries, files, is_repeated) -> None:
    """Split all lines over some deliveries, in any order, and build after each of them."""
    raw = project.root / "raw"
    shares = {name: [[] for _ in range(deliveries)] for name in lines}
    for name, items in lines.items():
        for line in items:
            rng.choice(shares[name]).append(line)
    for number in range(deliveries):
        for entity, name in (("events", "events"), ("products", "catalog"), ("customers", "users")):
            deal(shares[entity][number], raw, f"{name}-{number}", rng, files=files)
        if is_repeated and number:
            deal(rng.sample(lines["events"], 200), raw, f"events-again-{number}", rng, files=1)
        take_in(project)
        build_models(project, manifest, views=number == 0)
