"""dbt, run in this process, with its results as typed values."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from shopwright.core.errors import BuildError, BusyError
from shopwright.warehouse.dbt_config import dbt_arguments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shopwright.settings import Project

GC_THRESHOLD = 100_000
"""Allocations between two garbage collections; Python's default is a few hundred."""
SWITCH_SECONDS = 0.001
"""Longest time a thread runs before another takes over; Python's default is five times as long."""
QUIET_FLAGS = ["--no-print", "--log-level", "none", "--log-level-file", "info", "--no-use-colors"]

ProgressCallback = Callable[[str, int, int], None]
"""Called when a model or test starts, with its name, its number from 1, and the total."""


@dataclass(frozen=True, slots=True)
class NodeResult:
    """The result of one model, snapshot or test."""

    name: str
    kind: str
    """model, snapshot, test, unit test or operation."""
    status: str
    """success, pass, warn, fail, error or skipped."""
    seconds: float
    failures: int
    """Number of failing rows of a test."""
    message: str
    query: str
    """The SQL that ran; for a test, the query that returns the failing rows."""
    model: str = ""
    """The model that a test belongs to; empty for a test across models."""
    column: str = ""
    """The column that a test belongs to; empty for a test of rows."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """Arguments of a test, such as ``columns`` and ``condition``."""

    @property
    def failing_rows(self) -> str:
        """Number of failing rows as text, such as ``2 rows``."""
        return "1 row" if self.failures == 1 else f"{self.failures:,} rows"


@dataclass(slots=True)
class DbtRun:
    """Results of one dbt command."""

    results: list[NodeResult] = field(default_factory=list)

    def with_status(self, *statuses: str) -> list[NodeResult]:
        """Return the results with one of the statuses."""
        return [result for result in self.results if result.status in statuses]


def run_dbt(project: Project, command: list[str], *, on_progress: ProgressCallback | None = None) -> DbtRun:
    """Run a dbt command for a project.

    Args:
        command: the dbt command and its options, without those that every command needs.
        on_progress: called for each model and test as it starts.

    Returns:
        The results in the order in which they finished; failed tests are results, not errors.

    Raises:
        BuildError: dbt could not start or run.
        BusyError: another program has the warehouse open.
    """
    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    with _tuned_interpreter():
        # Imported here: dbt takes seconds to import, and most commands do not need it.
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # noqa: PLC0415
        from dbt.cli.main import dbtRunner  # noqa: PLC0415

        _skip_debug_events()
        runner = dbtRunner(callbacks=[_event_listener(on_progress)] if on_progress else [])
        try:
            result = runner.invoke([*command, *QUIET_FLAGS, *dbt_arguments(project)])
        finally:
            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]  # dbt-duckdb is partly typed
    if result.exception is not None:
        raise _as_error(str(result.exception))
    results = [_to_node_result(node_result) for node_result in getattr(result.result, "results", None) or []]
    if not results and not result.success:
        raise BuildError(f"dbt {command[0]} failed; see {project.work / 'logs' / 'dbt.log'}")
    return DbtRun(results)


@cache
def _skip_debug_events() -> None:
    """Let dbt skip events that no log takes: it would turn each into a message first, an eighth of the time of a small build."""
    from dbt_common.events.base_types import BaseEvent, EventLevel  # noqa: PLC0415
    from dbt_common.events.event_manager import EventManager  # noqa: PLC0415
    from dbt_common.events.event_manager_client import ctx_set_event_manager  # noqa: PLC0415

    class InfoEventManager(EventManager):
        def fire_event(
            self, e: BaseEvent, level: EventLevel | None = None, *args: Any, **options: Any
        ) -> None:
            if (level or e.level_tag()) is not EventLevel.DEBUG:
                super().fire_event(e, level, *args, **options)

    ctx_set_event_manager(InfoEventManager())


@contextmanager
def _tuned_interpreter() -> Iterator[None]:
    """Tune the interpreter for dbt, and restore it afterwards.

    Garbage collection runs less often: dbt keeps almost all of its objects to the end, and scanning them takes a tenth of its
    time. Threads switch sooner: DuckDB asks for the interpreter lock between the parts of a query, and would stall each
    time while another thread prepares the next model.
    """
    thresholds, switch_interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(GC_THRESHOLD, *thresholds[1:])
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(switch_interval)


def _as_error(message: str) -> BuildError | BusyError:
    if "Could not set lock" in message:
        return BusyError(
            "another program has warehouse.duckdb open: close it, or open published/warehouse.duckdb there instead"
        )
    return BuildError(f"dbt: {join_first_lines(message)}")


def _event_listener(on_progress: ProgressCallback) -> Callable[[Any], None]:
    """Return a callback for dbt's events. It must not raise: an exception would fail the node that the event is about."""

    def handle(event: Any) -> None:
        if event.info.name == "LogStartLine":
            data = event.data
            on_progress(str(data.node_info.node_name), int(data.index), int(data.total))

    return handle


def _to_node_result(result: Any) -> NodeResult:
    node = result.node
    return NodeResult(
        name=str(node.name),
        kind=str(getattr(node.resource_type, "value", node.resource_type)).replace("_", " "),
        status=str(getattr(result.status, "value", result.status)),
        seconds=float(result.execution_time or 0),
        failures=int(result.failures or 0),
        message=join_first_lines(result.message or ""),
        query=str(getattr(node, "compiled_code", "") or ""),
        model=str(getattr(node, "attached_node", "") or "").rsplit(".", 1)[-1],
        column=str(getattr(node, "column_name", "") or ""),
        arguments=dict(getattr(getattr(node, "test_metadata", None), "kwargs", None) or {}),
    )


def join_first_lines(text: str) -> str:
    """Return the beginning of a message of several lines as one line."""
    return " ".join([line.strip() for line in text.splitlines() if line.strip()][:3])
