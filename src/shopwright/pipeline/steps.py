"""The steps that take a shop from raw files to scores, in their order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from functools import cached_property
from typing import TYPE_CHECKING

from shopwright.core.engine import connect
from shopwright.ingest.ledger import read_ledger
from shopwright.ingest.run import IngestReport, Progress, ingest
from shopwright.lake.delta import Lake
from shopwright.pipeline.step import Due
from shopwright.registry import Registry
from shopwright.registry.tracking import check_installed
from shopwright.reports.summary import SummaryLine, summarize
from shopwright.warehouse.build import BuildReport, build, due_reason

if TYPE_CHECKING:
    from datetime import datetime

    from shopwright.core.engine import Connection
    from shopwright.models.lifecycle import TrainedVersion
    from shopwright.models.protocol import ModelSpec
    from shopwright.pipeline.step import Step, StepContext
    from shopwright.registry import Version
    from shopwright.settings import Project


class IngestStep:
    """New source files into the lake."""

    name = "ingest"
    inputs = ("sources",)
    outputs = ("lake",)
    is_optional = False

    def due(self, _context: StepContext) -> Due:
        """Return that it is due: only listing the sources tells whether there are new files."""
        return Due(is_due=True, reason="sources are listed for new files")

    def run(self, context: StepContext) -> IngestReport:
        """Load every file that is not in the lake yet."""

        def report(progress: Progress) -> None:
            context.on_progress(progress.file, progress.bytes_done, progress.bytes)

        return ingest(context.project, now=context.now, on_progress=report)


@dataclass(frozen=True, slots=True)
class BuildResult:
    """A build and what its warehouse says of the shop."""

    report: BuildReport
    findings: tuple[SummaryLine, ...]
    """The shop in a few numbers, read while the warehouse was copied for readers."""


class BuildStep:
    """The lake into a tested, published warehouse."""

    name = "build"
    inputs = ("lake",)
    outputs = ("warehouse", "published")
    is_optional = False

    def due(self, context: StepContext) -> Due:
        """Return whether the lake, the settings or the models are newer than what is published."""
        reason = due_reason(context.project)
        return Due(reason is not None, reason or "the published warehouse is up to date")

    def run(self, context: StepContext) -> BuildResult:
        """Build, test and publish."""
        findings: list[SummaryLine] = []

        def read(warehouse: Connection) -> None:
            findings.extend(summarize(warehouse, currency=context.project.settings.shop.currency))

        context.on_progress("starting dbt", 0, 0)
        report = build(
            context.project,
            on_progress=lambda name, number, total: context.on_progress(
                f"{number} of {total}: {name}", number, total
            ),
            while_publishing=read,
        )
        return BuildResult(report, tuple(findings))


class _ModelStep:
    """A step about one model."""

    is_optional = True

    def __init__(self, model: str) -> None:
        self.model = model

    @cached_property
    def spec(self) -> ModelSpec:
        """The model's specification."""
        from shopwright.models.lifecycle import find_model  # noqa: PLC0415  # slow to import

        return find_model(self.model)


class TrainStep(_ModelStep):
    """One model trained on the published warehouse and registered; it serves if it passes the gate."""

    @property
    def name(self) -> str:
        """Name of the step."""
        return f"train {self.model}"

    @property
    def inputs(self) -> tuple[str, ...]:
        """What it reads."""
        return ("published",)

    @property
    def outputs(self) -> tuple[str, ...]:
        """What it writes."""
        return (f"registry/{self.model}",)

    def due(self, context: StepContext) -> Due:
        """Return whether rows came in since the newest version, or there is none."""
        versions = Registry(context.project).versions(self.model)
        if not versions:
            return Due(is_due=True, reason="there is no version yet")
        trained_at = max(version.created_at for version in versions).astimezone(UTC).replace(tzinfo=None)
        loaded_at = _last_loaded_at(context.project)
        if loaded_at is not None and loaded_at > trained_at:
            return Due(is_due=True, reason="rows were loaded since the last training")
        return Due(is_due=False, reason="no rows were loaded since the last training")

    def run(self, context: StepContext) -> TrainedVersion:
        """Train the model and register the version.

        Raises:
            DataError: the shop lacks what the model needs, or has too little of it.
        """
        from shopwright.models.lifecycle import train  # noqa: PLC0415  # slow to import

        return train(context.project, self.spec, on_progress=context.on_progress)


class ScoreStep(_ModelStep):
    """The champion's scores of all current entities, in a gold table."""

    @property
    def name(self) -> str:
        """Name of the step."""
        return f"score {self.model}"

    @property
    def inputs(self) -> tuple[str, ...]:
        """What it reads."""
        return ("published", f"registry/{self.model}")

    @property
    def outputs(self) -> tuple[str, ...]:
        """What it writes."""
        return (f"published/{self.spec.scores_table}",)

    def due(self, context: StepContext) -> Due:
        """Return whether there is a champion and the data that it scores."""
        from shopwright.models.lifecycle import missing_requirement  # noqa: PLC0415  # slow to import

        if Registry(context.project).champion(self.model) is None:
            return Due(is_due=False, reason="no version serves")
        unmet = missing_requirement(context.project, self.spec)
        return Due(unmet is None, unmet or "the champion scores what was published")

    def run(self, context: StepContext) -> tuple[int, Version]:
        """Score with the champion.

        Returns:
            Rows written, and the version that scored them.
        """
        from shopwright.models.lifecycle import score  # noqa: PLC0415  # slow to import

        return score(context.project, self.spec)


def plan_steps(project: Project) -> tuple[Step, ...]:
    """Return the steps of a run in their order: ingest, build, and train and score for each model under ``[models] run``.

    Raises:
        ConfigurationError: a model is unknown, or what models need is not installed.
    """
    models = project.settings.models.run
    steps: list[Step] = [IngestStep(), BuildStep()]
    if models:
        check_installed()
    for model in models:
        train = TrainStep(model)
        _ = train.spec  # an unknown name is told before anything runs
        steps += [train, ScoreStep(model)]
    return tuple(steps)


def _last_loaded_at(project: Project) -> datetime | None:
    """Return when rows were last accepted into the lake, naive UTC."""
    with connect() as connection:
        ledger = read_ledger(connection, Lake(project.lake))
    return max((row.ingested_at for row in ledger if row.rows_accepted), default=None)
