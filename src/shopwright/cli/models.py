"""``shopwright models``: what models there are, which version serves, and whether features leak."""

from __future__ import annotations

from dataclasses import asdict
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
from shopwright.cli.train import AllOption, ModelArgument, NameArgument, parse_version, select_models
from shopwright.core.errors import DataError
from shopwright.registry import Registry, Version
from shopwright.registry.tracking import check_installed
from shopwright.settings import Project, load_project

if TYPE_CHECKING:
    from shopwright.evaluation.leaks import Finding
    from shopwright.models.protocol import ModelSpec

app = typer.Typer(
    help="Models: what there are, which version serves, and whether features leak.", no_args_is_help=True
)

VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", help="Its number, or 'challenger'.")]


@app.callback()
def _options() -> None:
    """Models: what there are, which version serves, and whether features leak."""
    check_installed()


@app.command("list")
def list_command(project: ProjectOption = DEFAULT_PROJECT, as_json: JsonOption = False) -> None:
    """Show the models, what each answers, which version serves, and what the shop lacks for it.

    Example:
        shopwright models list --project my-shop
    """
    from shopwright.models import MODELS, lifecycle  # noqa: PLC0415  # slow to import

    loaded = load_project(project)
    registry = Registry(loaded)
    rows = []
    for room in MODELS:
        versions = registry.versions(room.name)
        champion = next((each for each in versions if each.is_champion), None)
        rows.append(
            {
                "model": room.name,
                "question": room.question,
                "champion": champion.number if champion else None,
                "newest": versions[0].number if versions else None,
                "verdict": versions[0].verdict if versions else None,
                "missing": lifecycle.missing_requirement(loaded, room),
            }
        )
    if as_json:
        print_json(rows)
    else:
        stdout_console().print(tables.listing(rows))


@app.command("show")
def show_command(
    model: NameArgument,
    version: Annotated[
        str | None,
        typer.Argument(metavar="[VERSION]", help="Its number or alias; all of them where not given."),
    ] = None,
    project: ProjectOption = DEFAULT_PROJECT,
    as_json: JsonOption = False,
) -> None:
    """Show a model's versions, or one of them with its measures, what it was compared with and what the gate said.

    Example:
        shopwright models show churn champion --project my-shop
    """
    registry = Registry(load_project(project))
    _check(model)
    if version is not None:
        found = registry.show(model, parse_version(version))
        evaluation = registry.evaluation(model, found.number) if found.manifest_sha256 else None
        if as_json:
            print_json(_document(found) | {"evaluation": evaluation.model_dump() if evaluation else None})
        else:
            tables.print_version(stdout_console(), found, evaluation)
        return
    versions = registry.versions(model)
    if as_json:
        print_json([_document(each) for each in versions])
    elif not versions:
        stdout_console().print(
            f"{model} was not trained yet; 'shopwright train {model}' does it", markup=False
        )
    else:
        tables.print_versions(stdout_console(), model, versions)


@app.command("promote")
def promote_command(
    model: NameArgument,
    version: VersionArgument,
    project: ProjectOption = DEFAULT_PROJECT,
    force: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Overrule the gate; the reason is kept in the model's history."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Let a version serve, if it passed the gate against the one that serves now.

    Example:
        shopwright models promote churn 3 --project my-shop
    """
    _check(model)
    _tell(
        Registry(load_project(project)).promote(model, parse_version(version), force_reason=force),
        as_json=as_json,
    )


@app.command("rollback")
def rollback_command(
    model: NameArgument, project: ProjectOption = DEFAULT_PROJECT, as_json: JsonOption = False
) -> None:
    """Let the version serve again that served before the present one.

    Example:
        shopwright models rollback churn --project my-shop
    """
    _check(model)
    _tell(Registry(load_project(project)).rollback(model), as_json=as_json)


@app.command("audit")
def audit_command(
    model: ModelArgument = None,
    every: AllOption = False,
    project: ProjectOption = DEFAULT_PROJECT,
    as_json: JsonOption = False,
) -> None:
    """Look for leaks: rewrite everything after the decisions and demand the same features, and more.

    Training does it too; this says what was found without training.

    Example:
        shopwright models audit churn --project my-shop
    """
    loaded = load_project(project)
    documents, leaking = [], []
    for room in select_models(loaded, model, all_models=every):
        with progress_bar(quiet=as_json) as bar:
            bar.update(f"{room.name}: auditing for leaks", 0, 0)
            findings, compared = _audit(loaded, room)
        documents.append(
            {"model": room.name, "compared": compared, "findings": [asdict(each) for each in findings]}
        )
        leaking += [room.name] if findings else []
        if not as_json:
            tables.print_findings(stdout_console(), room, findings, compared)
    if as_json:
        print_json(documents if every else documents[0])
    if leaking:
        raise DataError(f"features leak in {' and '.join(leaking)}")


@app.command("naive-recipe")
def naive_recipe_command(
    model: Annotated[
        str, typer.Argument(metavar="[MODEL]", help="Of which the usual recipe is followed.")
    ] = "churn",
    project: ProjectOption = DEFAULT_PROJECT,
    as_json: JsonOption = False,
) -> None:
    """Show how the usual recipe for a model comes to look good on this shop, and what is left of it.

    Example:
        shopwright models naive-recipe abandonment --project my-shop
    """
    from shopwright.models.lifecycle import run_naive_recipe  # noqa: PLC0415  # slow to import

    loaded = load_project(project)
    with progress_bar(quiet=as_json) as bar:
        bar.update("following the recipe", 0, 0)
        naive_recipe, recipes = run_naive_recipe(loaded, model)
    rows = [recipe.to_dict() for recipe in recipes]
    if as_json:
        print_json(rows)
    else:
        tables.print_naive_recipe(stdout_console(), naive_recipe, rows)


def _audit(project: Project, room: ModelSpec) -> tuple[tuple[Finding, ...], int]:
    from shopwright.models.lifecycle import audit  # noqa: PLC0415  # slow to import

    return audit(project, room)


def _check(model: str) -> None:
    from shopwright.models.lifecycle import find_model  # noqa: PLC0415  # slow to import

    find_model(model)


def _document(version: Version) -> dict[str, Any]:
    return {
        **{name: getattr(version, name) for name in ("model", "number", "created_at", "aliases", "verdict")},
        "gate": version.gate.model_dump(),
        "metrics": {name: measure.model_dump() for name, measure in version.metrics.items()},
        "parameters": version.parameters,
        "data_fingerprint": version.data_fingerprint,
        "manifest_sha256": version.manifest_sha256,
    }


def _tell(version: Version, *, as_json: bool) -> None:
    if as_json:
        print_json(_document(version))
    else:
        stdout_console().print(f"{version.model}: version {version.number} serves from now on", markup=False)
