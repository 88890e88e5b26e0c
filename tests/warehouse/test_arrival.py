"""In whatever way the files of a shop arrive, its gold tables are those of one full load."""

from __future__ import annotations

import json
import random
import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from shopwright.ingest.mending import forget, read_again
from shopwright.settings import load_project
from shopwright.simulate import SimulationConfig, simulate
from shopwright.warehouse import dbt_config
from shopwright.warehouse.build import build
from shopwright.warehouse.dbt_config import dbt_arguments
from tests.built import build_once
from tests.warehouse.shops import NOW, deal, gold, make_shop, take_in
from tests.warehouse.trade import STATEMENTS, trade_shop, write_trade

pytestmark = pytest.mark.slow

MODELS_ONLY = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
NO_VIEWS = ["--exclude", "config.materialized:view"]
PARTS = 20
TRADE_PARTS = 100
"""A way of trading takes several times as long as one of clicking."""
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


def build_models(project, manifest, *, views: bool = True, full_refresh: bool = False) -> None:
    """Build without data tests, which another test runs; the state advances all the same.

    A view says the same after each delivery of such files, so it is made by the first build only.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    outcome = dbtRunner(manifest=manifest).invoke(
        [
            "build",
            *MODELS_ONLY,
            *([] if views else NO_VIEWS),
            *(["--full-refresh"] if full_refresh else []),
            *QUIET,
            *dbt_arguments(project),
        ]
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


@pytest.fixture(scope="module")
def trade(tmp_path_factory):
    """Every line of a shop with orders, refunds, rates and visitors, by the kind of its file; and its till's statements."""
    folder = build_once(tmp_path_factory, "trade", write_trade)
    trade_lines: dict[str, list[str]] = {}
    for file in sorted([*folder.glob("*.jsonl"), *folder.glob("o*/*.jsonl"), *folder.glob("events/*.jsonl")]):
        name = "events" if file.parent.name == "events" else file.stem.split("-")[0]
        trade_lines.setdefault(name, []).extend(file.read_text("utf-8").splitlines(keepends=True))
    return trade_lines, [folder / "till" / name for name in STATEMENTS]


@pytest.fixture(scope="module")
def expected_trade(trade, tmp_path_factory):
    """Gold of one full load of that shop, with all tests."""
    trade_lines, statements = trade
    project = trade_shop(tmp_path_factory.mktemp("whole-trade"))
    for name, items in trade_lines.items():
        deal(items, project.root / "raw", name, random.Random(1), files=1)
    for file in statements:
        shutil.copy(file, project.root / "till")
    take_in(project)
    build(project)
    actual = gold(project.published)
    del actual["fct_experiment_readouts"]
    return actual


@pytest.fixture(scope="module")
def trade_manifest(tmp_path_factory):
    return _manifest(trade_shop(tmp_path_factory.mktemp("parsed-trade")).root)


@pytest.mark.parametrize(
    "part", [0, *(pytest.param(part, marks=pytest.mark.long) for part in range(1, TRADE_PARTS))]
)
def test_two_hundred_ways_of_trading_end_in_the_same_gold(part, trade, expected_trade, trade_manifest):
    @seed(part)
    @settings(
        max_examples=200 // TRADE_PARTS, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.integers(0, 2**32), st.integers(1, 3), st.booleans())
    def arrive(dealing, deliveries, is_read_again):
        with TemporaryDirectory() as folder:
            project = trade_shop(Path(folder), extra=ONE_THREAD if part % 2 else "")
            rng = random.Random(dealing)
            _trade(project, trade_manifest, trade, rng, deliveries=deliveries, is_read_again=is_read_again)
            assert gold(project.warehouse) == expected_trade

    arrive()


def _trade(project, manifest, trade, rng, *, deliveries, is_read_again) -> None:
    """Split all lines over some deliveries, and build after each of them.

    Half of the ways have a file of mistakes that is taken out at last, and sources that are read again, after which builds are
    full ones. The others end in an incremental build; their rates come first, since late ones are a reason for a full build too.
    """
    trade_lines, statements = trade
    raw = project.root / "raw"
    arrivals = sorted(rng.randrange(deliveries) for _ in statements)
    mistaken = rng.randrange(deliveries)
    shares = {name: [[] for _ in range(deliveries)] for name in trade_lines}
    for name, items in trade_lines.items():
        for line in items:
            is_first = name == "exchange_rates" and not is_read_again
            (shares[name][0] if is_first else rng.choice(shares[name])).append(line)
    for number in range(deliveries):
        for name, parts in shares.items():
            deal(parts[number], raw, f"{name}-{number}", rng, files=1)
        for file, arrival in zip(statements, arrivals, strict=True):
            if arrival == number:
                shutil.copy(file, project.root / "till")
        if is_read_again and number == mistaken:
            _write_mistake(raw, trade_lines, rng)
        take_in(project)
        if is_read_again and rng.random() < 0.5:
            read_again(project, rng.choice(["clicks", "till"]), now=NOW)
        if (
            is_read_again and number == deliveries - 1
        ):  # after the rest, since reading its source again brings it back
            forget(project, str(raw / "events-mistaken.jsonl"), now=NOW)
        build_models(project, manifest, full_refresh=is_read_again)


def _write_mistake(raw, trade_lines, rng) -> None:
    """Write a file of events of which some are right, and in other files too, and some never happened."""
    right = rng.sample(trade_lines["events"], 30)
    wrong = [
        json.dumps({**json.loads(line), "event_id": f"wrong-{line_number}"}) + "\n"
        for line_number, line in enumerate(right)
    ]
    (raw / "events-mistaken.jsonl").write_text("".join([*right, *wrong]), encoding="utf-8")
