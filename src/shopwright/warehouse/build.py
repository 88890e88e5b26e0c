"""The build: dbt builds and tests the warehouse, and a build that passes is published."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING, Any

from shopwright import __version__
from shopwright.core.disk import write_synced
from shopwright.core.engine import connect
from shopwright.core.errors import BuildError, DataTestError
from shopwright.core.lock import exclusive_lock
from shopwright.experiments.readout_table import check_installed, write_readouts
from shopwright.lake.delta import Lake, read_sql
from shopwright.migrations import migrate
from shopwright.tombstones import load_tombstones
from shopwright.warehouse.applied_rates import digest_applied_rates
from shopwright.warehouse.built_commit import BuiltCommit, find_mismatch, find_other_copy
from shopwright.warehouse.dbt_config import DBT_PROJECT, dbt_variables
from shopwright.warehouse.dbt_runner import DbtRun, ProgressCallback, run_dbt
from shopwright.warehouse.failures import (
    clear_failed_build,
    describe_rows,
    format_failure,
    record_failed_build,
)
from shopwright.warehouse.merges import describe_merges, has_visitors
from shopwright.warehouse.model_failures import format_model_failure
from shopwright.warehouse.publish import WarehouseReader, publish

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shopwright.settings import Project

NO_UNIT_TESTS = ["--exclude-resource-type", "unit_test"]
"""Unit tests test the models' SQL, not the shop's data: the test suite of this package runs them."""

NOT_COMPARED = ("experiments", "begun", "finished", "root")
"""What is remembered of the last build, and makes no full build necessary by itself."""

MAX_FAILED_MODELS = 3
"""Failed models that the message of a build describes."""


@dataclass(frozen=True, slots=True)
class BuildReport:
    """The result of a successful build."""

    full_refresh: bool
    reason: str
    """Why everything was rebuilt; empty for an incremental build."""
    models: int
    tests: int
    warnings: tuple[str, ...]
    """Data tests that only warn, with the number of rows that they are about."""
    seconds: float
    slowest: tuple[tuple[str, float], ...] = field(default=())
    """The five slowest models and tests with their seconds, slowest first."""
    warning_rows: tuple[str, ...] = field(default=())
    """Some of those rows, in words, in the order of the warnings."""
    merges: tuple[str, ...] = field(default=())
    """What became one of what was sent as several, a sentence each; empty where nothing did."""


def build(
    project: Project,
    *,
    full_refresh: bool = False,
    on_progress: ProgressCallback | None = None,
    while_publishing: WarehouseReader | None = None,
) -> BuildReport:
    """Bring the warehouse up to date with the lake, test it, and publish it.

    Only what new batches affect is computed again. Everything is if ``full_refresh`` asks for it, if the warehouse is new, or
    if settings or models changed.

    Args:
        full_refresh: compute everything again.
        on_progress: called for each model and test as it starts.
        while_publishing: reads the tested warehouse while it is copied for readers.

    Raises:
        BusyError: another process writes to the project.
        ConfigurationError: experiments are configured, but the packages they need are not installed.
        DataTestError: a data test failed; the published database is unchanged.
        BuildError: a model failed; the published database is unchanged.
        LakeError: ledger, logs and files of the lake disagree; nothing was built.
    """
    started = monotonic()
    if project.settings.experiments:
        check_installed()
    with exclusive_lock(project.work / "lock", "build"):
        migrate(project)
        lake = Lake(project.lake)
        lake.recover()
        _set_aside_retired_files(project, lake)
        reason = "requested" if full_refresh else _reason_to_rebuild(project)
        commit = BuiltCommit.from_lake(lake)
        if not reason:
            _write_fingerprint(project, _read_fingerprint(project) | {"begun": asdict(commit)})
        command = ["build", *NO_UNIT_TESTS, "--no-write-json", *(["--full-refresh"] if reason else [])]
        run = run_dbt(project, command, on_progress=on_progress)
        try:
            _raise_on_failure(project, run)
        except (BuildError, DataTestError) as error:
            record_failed_build(project, str(error))
            raise
        with connect(project.warehouse) as connection:
            write_readouts(connection, project.settings.experiments, timezone=project.settings.shop.timezone)
            merges = describe_merges(connection)
            commit.write(connection)
            publish(project, connection, while_copying=while_publishing)
        _write_fingerprint(
            project,
            _fingerprint(project)
            | {"experiments": _experiments(project), "root": str(project.root)}
            | {name: asdict(commit) for name in ("begun", "finished")},
        )
        clear_failed_build(project)
    return replace(_report(project, run, reason, monotonic() - started), merges=merges)


def _set_aside_retired_files(project: Project, lake: Lake) -> None:
    """Move files that left the lake before the last build to the trash: what it published no longer reads them."""
    if _read_fingerprint(project).get("mended") == lake.sequence("retired_batches"):
        lake.set_aside_retired()


def is_outdated(project: Project) -> bool:
    """Return whether other models than the current ones built the warehouse, such as those of an older version."""
    last_build = _read_fingerprint(project)
    return bool(last_build) and last_build.get("models") != _digest_of_models()


def was_moved(project: Project) -> bool:
    """Return whether the project's folder had another name when it was built: views name files of the lake by their whole path."""
    return bool(_read_fingerprint(project).get("root", str(project.root)) != str(project.root))


def due_reason(project: Project) -> str | None:
    """Return why a build is due; None if the published database is up to date with the lake, the settings and the models."""
    if not project.published.exists():
        return "nothing is published yet"
    if reason := _reason_to_rebuild(project):
        return reason
    if _read_fingerprint(project).get("experiments") != _experiments(project):
        return "experiments changed"
    if was_moved(project):
        return "the shop has another folder than when it was built"
    if reason := published_mismatch(project):
        return reason
    behind = batches_behind(project)
    return f"{behind} new batches in the lake" if behind else None


def batches_behind(project: Project) -> int:
    """Return how many batches of the lake are not in the published warehouse."""
    with connect(project.published, read_only=True) as connection:
        row = connection.execute("select coalesce(max(batch_seq), 0) from gold.fct_ingest_ledger").fetchone()
    files = [file.path for file in Lake(project.lake).files("ledger")]
    with connect() as connection:
        # a commit that reads files again has a number, but no batch of that number
        behind = connection.execute(
            f"select count(*) from ({read_sql('ledger', files)}) where batch_seq > $published",
            {"published": row[0] if row else 0},
        ).fetchone()
    return int(behind[0]) if behind else 0


def _reason_to_rebuild(project: Project) -> str:
    return next(_reasons_to_rebuild(project), "")


def _reasons_to_rebuild(project: Project) -> Iterator[str]:
    """Yield why an incremental build would not do; what comes later may need what comes earlier."""
    if not project.warehouse.exists():
        yield "the warehouse is new"
    last_build, current = _read_fingerprint(project), _fingerprint(project)
    if not last_build:
        yield "no build has finished yet"
    if last_build.get("erased", "") != current.get("erased", ""):
        yield "people were erased"
    if last_build.get("mended", 0) != current["mended"]:
        yield "files were read again or taken out of the lake"
    if reason := find_mismatch(project, last_build):
        yield reason
    for name in ("orders", "visitors"):
        if last_build.get(name, current[name]) != current[name]:
            yield f"{name} are now {current[name]}"
    if last_build.get("rates", "") != current["rates"]:
        yield "rates of exchange of earlier days are new"
    # A change of experiments needs a build, but not a full one: every build computes their tables in full.
    compared = {name: value for name, value in last_build.items() if name not in NOT_COMPARED}
    if compared != current:
        yield "settings or models changed"


def _fingerprint(project: Project) -> dict[str, Any]:
    """Return everything that makes a full build necessary when it changes."""
    lake = Lake(project.lake)
    has_source_orders = any(lake.files(table) for table in ("orders", "order_items"))
    settings = dbt_variables(project)
    del settings["experiments"]
    erased = load_tombstones(project.tombstones).digest
    return ({"erased": erased} if erased else {}) | {
        "version": __version__,
        "models": _digest_of_models(),
        "variables": settings,
        "mended": lake.sequence("retired_batches"),
        "orders": "taken from the source" if has_source_orders else "derived from purchase events",
        "visitors": "stated" if has_visitors(lake) else "none",
        "rates": digest_applied_rates(project),
    }


def _experiments(project: Project) -> Any:
    """Return the experiments as dbt gets them, as they come back from JSON."""
    return json.loads(json.dumps(dbt_variables(project)["experiments"]))


def _digest_of_models() -> str:
    """Return a hash of all SQL of the dbt project: tables built by other models must not be mixed with new ones."""
    digest = sha256()
    for file in sorted(DBT_PROJECT.rglob("*.sql")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _fingerprint_file(project: Project) -> Path:
    return project.work / "built.json"


def _read_fingerprint(project: Project) -> dict[str, Any]:
    """Return the fingerprint of the last finished build; empty if there is none."""
    try:
        last_build = json.loads(_fingerprint_file(project).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return last_build if isinstance(last_build, dict) else {}


def was_built(project: Project) -> bool:
    """Return whether a build of the project has finished."""
    return bool(_read_fingerprint(project))


def published_mismatch(project: Project) -> str:
    """Return why the published database is not the one of the last build; empty where it is, or where there is none."""
    return find_other_copy(project.published, _read_fingerprint(project))


def warehouse_mismatch(project: Project) -> str:
    """Return why the warehouse is not one of this lake; empty where it is, or where there is none."""
    return find_mismatch(project, _read_fingerprint(project)) if project.warehouse.exists() else ""


def _write_fingerprint(project: Project, fingerprint: dict[str, Any]) -> None:
    write_synced(_fingerprint_file(project), json.dumps(fingerprint).encode())


def _raise_on_failure(project: Project, run: DbtRun) -> None:
    failed = run.with_status("fail", "error")
    tests = [result for result in failed if "test" in result.kind]
    failed_models = [result for result in failed if result not in tests]
    if failed_models:
        described = "; ".join(format_model_failure(result) for result in failed_models[:MAX_FAILED_MODELS])
        more = len(failed_models) - MAX_FAILED_MODELS
        raise BuildError(
            f"{len(failed_models)} of {_count_models(run)} models failed, nothing was published: {described}"
            f"{f'; and {more} more' if more > 0 else ''} (details in {project.work / 'logs' / 'dbt.log'})"
        )
    if tests:
        messages = [format_failure(project, result) for result in tests]
        raise DataTestError(
            f"{len(tests)} of {_count_tests(run)} tests failed, nothing was published: {'; '.join(messages)}",
            messages,
        )


def _count_models(run: DbtRun) -> int:
    return sum(result.kind in ("model", "snapshot") for result in run.results)


def _count_tests(run: DbtRun) -> int:
    return sum("test" in result.kind for result in run.results)


def _report(project: Project, run: DbtRun, reason: str, seconds: float) -> BuildReport:
    warnings = run.with_status("warn")
    slowest = sorted(run.results, key=lambda result: -result.seconds)[:5]
    return BuildReport(
        full_refresh=bool(reason),
        reason=reason,
        models=_count_models(run),
        tests=_count_tests(run),
        warnings=tuple(f"{result.name}: {result.failing_rows}" for result in warnings),
        warning_rows=tuple("; ".join(describe_rows(project, result)) for result in warnings),
        seconds=seconds,
        slowest=tuple((result.name, result.seconds) for result in slowest),
    )
