"""Building the warehouse: dbt builds and tests, and what passed is published."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING, Any

import duckdb

from shopwright import __version__
from shopwright.core.engine import connect
from shopwright.core.errors import BuildError, DataTestError
from shopwright.core.lock import exclusive
from shopwright.experiments.store import check_installed, write_readouts
from shopwright.lake.delta import Lake
from shopwright.warehouse.profile import DBT_PROJECT, variables
from shopwright.warehouse.publish import Reading, publish
from shopwright.warehouse.run import DbtRun, NodeResult, Watch, run_dbt

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.settings import Project

SHOWN_ROWS = 3

NO_UNIT_TESTS = ["--exclude-resource-type", "unit_test"]
"""Unit tests prove the models' SQL, not the shop's data: our own test suite runs them."""


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did."""

    full_refresh: bool
    reason: str
    """Why everything was rebuilt; empty for an incremental build."""
    models: int
    tests: int
    warnings: tuple[str, ...]
    seconds: float
    slowest: tuple[tuple[str, float], ...] = field(default=())
    """Slowest models and tests with their seconds."""


def build(
    project: Project,
    *,
    full_refresh: bool = False,
    watch: Watch | None = None,
    meanwhile: Reading | None = None,
) -> BuildReport:
    """Bring the warehouse up to date with the lake, test it, and publish it.

    Only what new batches touch is computed again, unless everything must be: on request, for a new warehouse, or
    because settings or the models changed.

    Args:
        full_refresh: compute everything again.
        watch: told of each model and test as it starts.
        meanwhile: reads the tested warehouse while it is copied for readers.

    Raises:
        BusyError: another process writes to the project.
        ConfigurationError: there are experiments, and what they need is not installed.
        DataTestError: a test found wrong rows; what people read is as it was.
        BuildError: a model could not be built; what people read is as it was.
    """
    started = monotonic()
    if project.settings.experiments:
        check_installed()
    with exclusive(project.work / "lock", "build"):
        reason = "as asked" if full_refresh else _reason_to_rebuild(project)
        command = ["build", *NO_UNIT_TESTS, *(["--full-refresh"] if reason else [])]
        run = run_dbt(project, command, watch=watch)
        _check(project, run)
        with connect(project.warehouse) as connection:
            write_readouts(connection, project.settings.experiments, timezone=project.settings.shop.timezone)
            publish(project, connection, meanwhile=meanwhile)
        _remember(project)
    return _report(run, reason, monotonic() - started)


def is_outdated(project: Project) -> bool:
    """Whether other models than today's built what is published, such as those of an older version."""
    built = _remembered(project)
    return bool(built) and built.get("models") != _digest_of_models()


def due_reason(project: Project) -> str | None:
    """Return why a build has something to do; None where what is published is up to date with lake, settings and models."""
    if not project.published.exists():
        return "nothing is published yet"
    if reason := _reason_to_rebuild(project):
        return reason
    if _remembered(project).get("experiments") != _experiments(project):
        return "experiments changed"
    behind = batches_behind(project)
    return f"{behind} new batches in the lake" if behind else None


def batches_behind(project: Project) -> int:
    """Return how many batches of the lake are not in the published warehouse."""
    with connect(project.published, read_only=True) as connection:
        row = connection.execute("select coalesce(max(batch_seq), 0) from gold.fct_ingest_ledger").fetchone()
    return max(Lake(project.lake).sequence() - (int(row[0]) if row else 0), 0)


def _reason_to_rebuild(project: Project) -> str:
    if not project.warehouse.exists():
        return "the warehouse is new"
    built, current = _remembered(project), _identity(project)
    if not built:
        return "no build was finished yet"
    if built.get("orders") != current["orders"]:
        return f"orders are {current['orders']} from now on"
    # A change of experiments needs a build and no full refresh: their tables are computed as a whole each time.
    built.pop("experiments", None)
    return "settings or models changed" if built != current else ""


def _identity(project: Project) -> dict[str, Any]:
    lake = Lake(project.lake)
    states_orders = any(lake.files(table) for table in ("orders", "order_items"))
    settings = variables(project)
    del settings["experiments"]
    return {
        "version": __version__,
        "models": _digest_of_models(),
        "variables": settings,
        "orders": "stated by the shop" if states_orders else "derived from purchase events",
    }


def _experiments(project: Project) -> Any:
    """Return the experiments as dbt gets them, as they come back from JSON."""
    return json.loads(json.dumps(variables(project)["experiments"]))


def _digest_of_models() -> str:
    """What the models say: tables of other models do not go together with those of today's."""
    digest = sha256()
    for file in sorted(DBT_PROJECT.rglob("*.sql")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _memory(project: Project) -> Path:
    return project.work / "built.json"


def _remembered(project: Project) -> dict[str, Any]:
    """What the last finished build said of itself; empty where there was none."""
    try:
        given = json.loads(_memory(project).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return given if isinstance(given, dict) else {}


def _remember(project: Project) -> None:
    unfinished = project.work / "built.tmp"
    identity = _identity(project) | {"experiments": _experiments(project)}
    unfinished.write_text(json.dumps(identity), encoding="utf-8")
    unfinished.replace(_memory(project))


def _check(project: Project, run: DbtRun) -> None:
    failed = run.of("fail", "error")
    tests = [result for result in failed if "test" in result.kind]
    broken = [result for result in failed if result not in tests]
    if broken:
        first = broken[0]
        raise BuildError(
            f"{first.kind} {first.name} could not be built: {first.message} "
            f"(nothing was published; see {project.work / 'logs' / 'dbt.log'})"
        )
    if tests:
        told = [_tell(project, result) for result in tests]
        raise DataTestError(
            f"{len(tests)} of {_count_tests(run)} tests failed, nothing was published: {'; '.join(told)}",
            told,
        )


def _tell(project: Project, result: NodeResult) -> str:
    rows = _failing_rows(project, result)
    shown = f", such as {rows}" if rows else ""
    found = result.rows if result.failures else result.message
    return f"{result.name} ({found}{shown})"


def _failing_rows(project: Project, result: NodeResult) -> str:
    """A few of the rows a failed test objects to, from the warehouse that was not published."""
    if not result.query or result.kind != "test":
        return ""
    try:
        with connect(project.warehouse, read_only=True) as connection:
            found = connection.execute(f"select * from ({result.query}) limit {SHOWN_ROWS}")
            names = [str(column[0]) for column in found.description or []]
            rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    except duckdb.Error:
        return ""
    return json.dumps(rows, default=str)


def _count_tests(run: DbtRun) -> int:
    return sum("test" in result.kind for result in run.results)


def _report(run: DbtRun, reason: str, seconds: float) -> BuildReport:
    slowest = sorted(run.results, key=lambda result: -result.seconds)[:5]
    return BuildReport(
        full_refresh=bool(reason),
        reason=reason,
        models=sum(result.kind in ("model", "snapshot") for result in run.results),
        tests=_count_tests(run),
        warnings=tuple(f"{result.name}: {result.rows}" for result in run.of("warn")),
        seconds=seconds,
        slowest=tuple((result.name, result.seconds) for result in slowest),
    )
