"""``shopwright train``, ``evaluate`` and ``score``: customer models."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shopwright.cli import model_tables as tables
from shopwright.cli.output import (
    DEFAULT_PROJECT,
    JsonOption,
    ProjectOption,
    print_json,
    progress_bar,
    stdout_console,
)
from shopwright.core.errors import ConfigurationError, DataError
from shopwright.pipeline import ScoreStep, TrainStep
from shopwright.registry.tracking import check_installed
from shopwright.settings import Project, load_project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from shopwright.models.lifecycle import TrainedVersion
    from shopwright.models.protocol import ModelSpec
    from shopwright.pipeline import Step, StepResult

_NAME = "Name of the model, as in `shopwright models list`."
NameArgument = Annotated[str, typer.Argument(metavar="MODEL", help=_NAME)]
ModelArgument = Annotated[str | None, typer.Argument(metavar="[MODEL]", help=_NAME)]


class WindowName(StrEnum):
    """Decisions that a version is re-evaluated on."""

    LATER = "later"
    NEW = "new"


AllOption = Annotated[bool, typer.Option("--all", help="All models that the shop has data for.")]


def train_command(
    model: ModelArgument = None,
    all_models: AllOption = False,
    project: ProjectOption = DEFAULT_PROJECT,
    as_json: JsonOption = False,
) -> None:
    """Train a model, evaluate it on later data, and make it live if it passes the gate.

    Candidates are compared on a validation window. The best one is calibrated and evaluated on the last window, beside
    the baselines, and the features are audited for leaks. Each run is a version in the registry.

    Example:
        shopwright train churn --project my-shop
    """
    loaded = load_project(project)
    specs = select_models(loaded, model, all_models=all_models)
    results = []
    for spec in specs:
        try:
            trained = train_with_progress(loaded, spec, quiet=as_json)
        except DataError as error:
            if not all_models:
                raise
            results.append(_untrained(spec, error, quiet=as_json))
            continue
        results.append(tables.training_document(spec, trained))
        if not as_json:
            tables.print_training(stdout_console(), spec, trained)
    if as_json:
        print_json(results if all_models else results[0])


def evaluate_command(
    model: NameArgument,
    version: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help="Number or alias of the version.",
            show_default="the champion, or the newest if there is none",
        ),
    ] = None,
    window: Annotated[
        WindowName,
        typer.Option(
            help="later: the newest decisions that it did not learn from; new: decisions since it was evaluated in training."
        ),
    ] = WindowName.LATER,
    project: ProjectOption = DEFAULT_PROJECT,
    as_json: JsonOption = False,
) -> None:
    """Re-evaluate a model version on current data, beside the baselines and the champion.

    The outcome of the gate is stored with the version, and `shopwright models promote` uses it. Nothing is promoted.

    Example:
        shopwright evaluate churn --version 2 --project my-shop
    """
    check_installed()
    from shopwright.models import lifecycle  # noqa: PLC0415  # slow to import

    loaded = load_project(project)
    spec = lifecycle.find_model(model)
    with progress_bar(quiet=as_json) as bar:
        evaluated = lifecycle.evaluate(
            loaded,
            spec,
            parse_version(version) if version else None,
            window=window.value,
            on_progress=lambda text, done, total: bar.update(f"{spec.name}: {text}", done, total),
        )
    if as_json:
        print_json(tables.evaluation_document(spec, evaluated))
    else:
        tables.print_evaluation(stdout_console(), spec, evaluated)


def score_command(
    model: ModelArgument = None,
    all_models: AllOption = False,
    project: ProjectOption = DEFAULT_PROJECT,
    as_json: JsonOption = False,
) -> None:
    """Score all current entities with the champion, into a gold table.

    Example:
        shopwright score churn --project my-shop
    """
    check_installed()
    from shopwright.models import lifecycle  # noqa: PLC0415  # slow to import

    loaded = load_project(project)
    results = []
    for spec in select_models(loaded, model, all_models=all_models):
        with progress_bar(quiet=as_json) as bar:
            bar.update(f"scoring with {spec.name}", 0, 0)
            rows, version = lifecycle.score(loaded, spec)
        results.append(
            {"model": spec.name, "version": version.number, "rows": rows, "table": spec.scores_table}
        )
        if not as_json:
            stdout_console().print(
                f"{rows:,} rows in {spec.scores_table}, by version {version.number} of {spec.name}"
            )
    if as_json:
        print_json(results if all_models else results[0])


def parse_version(text: str) -> int | str:
    """Return a version's number, or its alias as it is."""
    return int(text) if text.isdecimal() else text


def select_models(project: Project, model: str | None, *, all_models: bool) -> list[ModelSpec]:
    """Return the models that a command is about.

    Args:
        project: the shop.
        model: name of one model; None with ``all_models``.
        all_models: whether all models are meant that the shop has data for.

    Raises:
        ConfigurationError: neither one model nor all were requested, or both.
        DataError: the shop has data for no model.
    """
    check_installed()
    from shopwright.models import MODELS, lifecycle  # noqa: PLC0415  # slow to import

    if (model is None) == (not all_models):
        raise ConfigurationError("name one model, or use --all; see `shopwright models list`")
    if model is not None:
        return [lifecycle.find_model(model)]
    possible = [spec for spec in MODELS if lifecycle.missing_requirement(project, spec) is None]
    if not possible:
        raise DataError("the shop has data for no model; see `shopwright models list`")
    return possible


def train_with_progress(project: Project, spec: ModelSpec, *, quiet: bool) -> TrainedVersion:
    """Train a model behind a progress bar."""
    from shopwright.models import lifecycle  # noqa: PLC0415  # slow to import

    with progress_bar(quiet=quiet) as bar:
        return lifecycle.train(
            project,
            spec,
            on_progress=lambda text, done, total: bar.update(f"{spec.name}: {text}", done, total),
        )


def show_result(console: Console, step: Step, result: StepResult) -> None:
    """Print the result of a training or scoring step; a step that was not due prints nothing."""
    if result.error:
        console.print(f"Skipped {step.name}: {result.error}", markup=False)
    elif isinstance(step, TrainStep) and result.value:
        tables.print_training(console, step.spec, result.value)
    elif isinstance(step, ScoreStep) and result.value:
        rows, _ = result.value
        console.print(f"{rows:,} rows in {step.spec.scores_table}")


def model_document(model: str, results: Mapping[str, StepResult]) -> dict[str, Any]:
    """Return what a run did for one model, as its JSON shows it.

    Args:
        model: name of the model.
        results: results of the run's steps by the step's name.
    """
    train, score = TrainStep(model), ScoreStep(model)
    trained, scored = results[train.name], results[score.name]
    document = tables.training_document(train.spec, trained.value) if trained.value else {"model": model}
    if scored.value:
        document |= {"scored_rows": scored.value[0], "scores_table": score.spec.scores_table}
    errors = [str(result.error) for result in (trained, scored) if result.error]
    return document | ({"error": errors[0]} if errors else {})


def _untrained(spec: ModelSpec, error: DataError, *, quiet: bool) -> dict[str, Any]:
    """Report a model that could not be trained."""
    if not quiet:
        stdout_console().print(f"Skipped {spec.name}: {error}", markup=False)
    return {"model": spec.name, "error": str(error)}
