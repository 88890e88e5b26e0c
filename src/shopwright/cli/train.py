"""``shopwright train | evaluate | score``: models of customers, trained, judged and used."""

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

_NAME = "Its name, as in 'shopwright models list'."
NameArgument = Annotated[str, typer.Argument(metavar="MODEL", help=_NAME)]
ModelArgument = Annotated[str | None, typer.Argument(metavar="[MODEL]", help=_NAME)]


class WindowName(StrEnum):
    """Decisions that a version is judged anew on."""

    LATER = "later"
    NEW = "new"


AllOption = Annotated[bool, typer.Option("--all", help="All models that the shop has the data for.")]


def train_command(
    model: ModelArgument = None,
    every: AllOption = False,
    project: ProjectOption = DEFAULT_PROJECT,
    as_json: JsonOption = False,
) -> None:
    """Train a model, judge it on later data, and let it serve if it passes the gate.

    Candidates are compared on a later window, the chosen one is calibrated and judged on the last one, beside the
    baselines; the features are audited for leaks. Each run is a version in the registry.

    Example:
        shopwright train churn --project my-shop
    """
    loaded = load_project(project)
    rooms = chosen(loaded, model, every=every)
    results = []
    for room in rooms:
        try:
            trained = train_with_progress(loaded, room, quiet=as_json)
        except DataError as error:
            if not every:
                raise
            results.append(_untrained(room, error, quiet=as_json))
            continue
        results.append(tables.training_document(room, trained))
        if not as_json:
            tables.print_training(stdout_console(), room, trained)
    if as_json:
        print_json(results if every else results[0])


def evaluate_command(
    model: NameArgument,
    version: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help="Its number or alias.",
            show_default="the champion, or the newest where none serves",
        ),
    ] = None,
    window: Annotated[
        WindowName,
        typer.Option(
            help="later: the newest decisions that it did not learn from; new: those since it was judged in training."
        ),
    ] = WindowName.LATER,
    project: ProjectOption = DEFAULT_PROJECT,
    as_json: JsonOption = False,
) -> None:
    """Judge a version anew on the shop's data of now, beside the baselines and the champion.

    What the gate says is kept with the version, so that 'shopwright models promote' goes by it; nothing is promoted.

    Example:
        shopwright evaluate churn --version 2 --project my-shop
    """
    check_installed()
    from shopwright.models import lifecycle  # noqa: PLC0415  # slow to import

    loaded = load_project(project)
    room = lifecycle.find_model(model)
    with progress_bar(quiet=as_json) as bar:
        evaluated = lifecycle.evaluate(
            loaded,
            room,
            as_version(version) if version else None,
            window=window.value,
            on_progress=lambda text, done, total: bar.update(f"{room.name}: {text}", done, total),
        )
    if as_json:
        print_json(tables.evaluation_document(room, evaluated))
    else:
        tables.print_evaluation(stdout_console(), room, evaluated)


def score_command(
    model: ModelArgument = None,
    every: AllOption = False,
    project: ProjectOption = DEFAULT_PROJECT,
    as_json: JsonOption = False,
) -> None:
    """Score who is there now with the champion, into a gold table.

    Example:
        shopwright score churn --project my-shop
    """
    check_installed()
    from shopwright.models import lifecycle  # noqa: PLC0415  # slow to import

    loaded = load_project(project)
    results = []
    for room in chosen(loaded, model, every=every):
        with progress_bar(quiet=as_json) as bar:
            bar.update(f"scoring with {room.name}", 0, 0)
            rows, version = lifecycle.score(loaded, room)
        results.append(
            {"model": room.name, "version": version.number, "rows": rows, "table": room.scores_table}
        )
        if not as_json:
            stdout_console().print(
                f"{rows:,} rows in {room.scores_table}, by version {version.number} of {room.name}"
            )
    if as_json:
        print_json(results if every else results[0])


def as_version(given: str) -> int | str:
    """A version's number or alias as the registry takes it."""
    return int(given) if given.isdecimal() else given


def chosen(project: Project, model: str | None, *, every: bool) -> list[ModelSpec]:
    """The rooms that a command is about.

    Raises:
        ConfigurationError: neither one nor all were asked for, or both.
        DataError: the shop has the data for none.
    """
    check_installed()
    from shopwright.models import MODELS, lifecycle  # noqa: PLC0415  # slow to import

    if (model is None) == (not every):
        raise ConfigurationError("name one model, or give --all; see 'shopwright models list'")
    if model is not None:
        return [lifecycle.find_model(model)]
    possible = [room for room in MODELS if lifecycle.missing_requirement(project, room) is None]
    if not possible:
        raise DataError("the shop has the data for no model; see 'shopwright models list'")
    return possible


def train_with_progress(project: Project, room: ModelSpec, *, quiet: bool) -> TrainedVersion:
    """Train, with a bar that tells what is being done."""
    from shopwright.models import lifecycle  # noqa: PLC0415  # slow to import

    with progress_bar(quiet=quiet) as bar:
        return lifecycle.train(
            project,
            room,
            on_progress=lambda text, done, total: bar.update(f"{room.name}: {text}", done, total),
        )


def show_result(console: Console, step: Step, result: StepResult) -> None:
    """Print what came of a training or scoring step of a run; one that was not due prints nothing."""
    if result.error:
        console.print(f"{step.name}: not possible: {result.error}", markup=False)
    elif isinstance(step, TrainStep) and result.value:
        tables.print_training(console, step.spec, result.value)
    elif isinstance(step, ScoreStep) and result.value:
        rows, _ = result.value
        console.print(f"{rows:,} rows in {step.spec.scores_table}")


def model_document(model: str, results: Mapping[str, StepResult]) -> dict[str, Any]:
    """Return what a run did for one model, for machines.

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


def _untrained(room: ModelSpec, error: DataError, *, quiet: bool) -> dict[str, Any]:
    """Report a model that could not be trained."""
    if not quiet:
        stdout_console().print(f"{room.name} was not trained: {error}", markup=False)
    return {"model": room.name, "error": str(error)}
