"""``shopwright run``: every step that is due, and the shop in a few numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from shopwright.cli import build as build_command
from shopwright.cli import ingest as ingest_command
from shopwright.cli import train as train_command
from shopwright.cli.forget import finish_erasures
from shopwright.cli.output import (
    DEFAULT_PROJECT,
    JsonOption,
    ProjectOption,
    now,
    print_json,
    progress_bar,
    stdout_console,
    table,
)
from shopwright.core.engine import connect
from shopwright.pipeline import BuildStep, IngestStep, StepContext, plan_steps, run_step
from shopwright.reports.summary import SummaryLine, summarize
from shopwright.settings import load_project

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.pipeline import Step, StepResult
    from shopwright.settings import Project


def command(project: ProjectOption = DEFAULT_PROJECT, as_json: JsonOption = False) -> None:
    """Load new files, build, test, publish and train, then summarize the shop.

    A step with nothing to do is skipped. Models are trained and scored where shopwright.toml names them under [models].

    Example:
        shopwright run --project my-shop
    """
    loaded = load_project(project)
    finish_erasures(loaded)
    started = now()
    results = {}
    for step in plan_steps(loaded):
        results[step.name] = result = _run(step, loaded, started, quiet=as_json)
        if not as_json:
            _show(step, result)
    ingested = results[IngestStep.name].value
    built = results[BuildStep.name].value
    findings = built.findings if built else _read_findings(loaded)
    if as_json:
        document = {
            "ingest": ingest_command.to_dict(ingested),
            "build": built.report if built else None,
            "findings": findings,
        }
        models = [train_command.model_document(name, results) for name in loaded.settings.models.run]
        print_json(document | ({"models": models} if models else {}))
    else:
        _show_summary(loaded, project, findings)
    if not ingested.is_complete:
        raise typer.Exit(1)


def _run(step: Step, project: Project, started: Any, *, quiet: bool) -> StepResult:
    with progress_bar(quiet=quiet) as bar:

        def show_progress(text: str, done: float, total: float) -> None:
            bar.update(f"{step.name}: {text}", done, total)

        return run_step(step, StepContext(project, started, show_progress))


def _show(step: Step, result: StepResult) -> None:
    console = stdout_console()
    if isinstance(step, IngestStep):
        ingest_command.show_report(console, result.value)
    elif isinstance(step, BuildStep):
        if result.value:
            build_command.show_report(console, result.value.report)
        else:
            console.print(f"Not built: {result.due.reason}")
    else:
        train_command.show_result(console, step, result)


def _read_findings(project: Project) -> tuple[SummaryLine, ...]:
    """Read the summary of a warehouse that needed no build."""
    with connect(project.published, read_only=True) as connection:
        return tuple(summarize(connection, currency=project.settings.shop.currency))


def _show_summary(project: Project, folder: Path, findings: tuple[SummaryLine, ...]) -> None:
    console = stdout_console()
    console.print()
    console.print(table("Summary", ("", ""), [(finding.name, finding.text) for finding in findings]))
    console.print()
    console.print(f"Warehouse:         {project.warehouse}  (schemas bronze, silver, gold)")
    console.print(f"Published copy:    {project.published}  (the last build that passed its tests)")
    console.print(f"Models, lineage:   shopwright docs --project {folder}")
    console.print(f"State of the shop: shopwright status --project {folder}")
