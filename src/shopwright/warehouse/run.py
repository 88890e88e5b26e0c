"""Running dbt in this process, and reading its results as ours."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shopwright.core.errors import BuildError, BusyError
from shopwright.warehouse.profile import dbt_arguments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shopwright.settings import Project

ALLOCATIONS_BETWEEN_COLLECTIONS = 100_000
"""Where Python's default is some hundreds."""
SWITCH_SECONDS = 0.001
"""Where Python's default is five times as long."""
QUIET = ["--no-print", "--log-level", "none", "--log-level-file", "info", "--no-use-colors"]

Watch = Callable[[str, int, int], None]
"""Called with a node's name, its number and how many there are."""


@dataclass(frozen=True, slots=True)
class NodeResult:
    """What became of one model, snapshot or test."""

    name: str
    kind: str
    """model, snapshot, test, unit test or operation."""
    status: str
    """success, pass, warn, fail, error or skipped."""
    seconds: float
    failures: int
    message: str
    query: str
    """The SQL that ran, for a test the query for the rows it objects to."""

    @property
    def rows(self) -> str:
        """How many rows a test objects to, in words."""
        return "1 row" if self.failures == 1 else f"{self.failures:,} rows"


@dataclass(slots=True)
class DbtRun:
    """Results of one dbt command."""

    results: list[NodeResult] = field(default_factory=list)

    def of(self, *statuses: str) -> list[NodeResult]:
        """Results with one of the statuses."""
        return [result for result in self.results if result.status in statuses]


def run_dbt(project: Project, command: list[str], *, watch: Watch | None = None) -> DbtRun:
    """Run a dbt command about a project.

    Raises:
        BuildError: dbt could not start or run; failed tests are results and raise nothing.
        BusyError: another program has the warehouse open.
    """
    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    with _interpreter_for_dbt():
        # imported here: dbt takes seconds to import, and most commands do not need it
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # noqa: PLC0415
        from dbt.cli.main import dbtRunner  # noqa: PLC0415

        runner = dbtRunner(callbacks=[_watcher(watch)] if watch else [])
        try:
            outcome = runner.invoke([*command, *QUIET, *dbt_arguments(project)])
        finally:
            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]  # dbt-duckdb is partly typed
    if outcome.exception is not None:
        raise _as_error(str(outcome.exception))
    results = [_result(item) for item in getattr(outcome.result, "results", None) or []]
    if not results and not outcome.success:
        raise BuildError(f"dbt {command[0]} failed; see {project.work / 'logs' / 'dbt.log'}")
    return DbtRun(results)


@contextmanager
def _interpreter_for_dbt() -> Iterator[None]:
    """Python as it suits dbt.

    It looks for garbage less often: what dbt makes stays to its end, and looking through it takes a tenth of its time.
    And one thread gives way to another sooner: the engine asks for Python's lock between the parts of a query, and would
    stand still each time while another thread prepares its next model.
    """
    collections, switch = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(ALLOCATIONS_BETWEEN_COLLECTIONS, *collections[1:])
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        gc.set_threshold(*collections)
        sys.setswitchinterval(switch)


def _as_error(message: str) -> BuildError | BusyError:
    if "Could not set lock" in message:
        return BusyError(
            "another program has warehouse.duckdb open; close it, or let it open published/warehouse.duckdb instead"
        )
    return BuildError(f"dbt: {_first_lines(message)}")


def _watcher(watch: Watch) -> Callable[[Any], None]:
    """A callback for dbt's events. An exception in one would fail the node that it is about."""

    def take(event: Any) -> None:
        if event.info.name == "LogStartLine":
            data = event.data
            watch(str(data.node_info.node_name), int(data.index), int(data.total))

    return take


def _result(item: Any) -> NodeResult:
    node = item.node
    return NodeResult(
        name=str(node.name),
        kind=str(getattr(node.resource_type, "value", node.resource_type)).replace("_", " "),
        status=str(getattr(item.status, "value", item.status)),
        seconds=float(item.execution_time or 0),
        failures=int(item.failures or 0),
        message=_first_lines(item.message or ""),
        query=str(getattr(node, "compiled_code", "") or ""),
    )


def _first_lines(text: str) -> str:
    return " ".join([line.strip() for line in text.splitlines() if line.strip()][:3])
