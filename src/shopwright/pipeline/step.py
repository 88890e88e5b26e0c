"""What a step of a run is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from shopwright.core.errors import DataError

if TYPE_CHECKING:
    from datetime import datetime

    from shopwright.settings import Project

ProgressCallback = Callable[[str, float, float], None]
"""Receives what is being done, how much of it is done, and the total; a total of 0 is unknown."""


def ignore_progress(_text: str, _done: float, _total: float) -> None:
    """Drop a progress message."""


@dataclass(frozen=True, slots=True)
class StepContext:
    """What every step of one run is given."""

    project: Project
    now: datetime
    """Time of the run, naive UTC; no step looks at the clock itself."""
    on_progress: ProgressCallback = ignore_progress


@dataclass(frozen=True, slots=True)
class Due:
    """Whether a step has something to do."""

    is_due: bool
    reason: str
    """Why it is due, or why it is not; in a few words."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """What came of one step."""

    step: str
    due: Due
    value: Any = None
    """What the step returned; None where it was not due or failed."""
    error: DataError | None = None
    """Why an optional step could not run: the shop lacks the data for it."""


class Step(Protocol):
    """One step of a run."""

    @property
    def name(self) -> str:
        """Name of the step, such as ``train churn``."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """What it reads, by the names that other steps write."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """What it writes."""

    @property
    def is_optional(self) -> bool:
        """Whether later steps run although the shop lacks the data for this one."""

    def due(self, context: StepContext) -> Due:
        """Return whether there is something to do, judged from the project's files alone.

        A run in one process and an orchestrator with a process for each step therefore decide alike.
        """

    def run(self, context: StepContext) -> Any:
        """Do the work and return its report.

        Raises:
            ShopwrightError: the step failed; what it had finished before is kept.
        """


def run_step(step: Step, context: StepContext) -> StepResult:
    """Run a step if it is due.

    Returns:
        Its result. Missing data for an optional step is in ``error``; every other failure is raised.
    """
    due = Due(is_due=True, reason="")
    try:
        due = step.due(context)
        value = step.run(context) if due.is_due else None
    except DataError as error:
        if not step.is_optional:
            raise
        return StepResult(step.name, due, error=error)
    return StepResult(step.name, due, value)
