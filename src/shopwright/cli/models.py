"""``shopwright models``: list models, see and promote versions, and audit features for leaks."""

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
    help="List models, see and promote versions, and audit features for leaks.", no_args_is_help=True
)

VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", help="Version number, or 'challenger'.")]


@app.callback()
def _options() -> None:
    """List models, see and promote versions, and audit features for leaks."""
    check_installed()


@app.command("list")
def list_command(project: ProjectOption = DEFAULT_PROJECT, as_json: JsonOption = False) -> None:
    """List the models: the question, the live version, and the data still missing.

    Example:
        shopwright models list --project my-shop
    """
    from shopwright.models import MODELS, lifecycle  # noqa: PLC0415  # slow to import

    loaded = load_project(project)
    registry = Registry(loaded)
    rows = []
    for spec in MODELS:
        versions = registry.versions(spec.name)
        champion = next((version for version in versions if version.is_champion), None)
        rows.append(
            {
                "model": spec.name,
                "question": spec.question,
                "champion": champion.number if champion else None,
                "newest": versions[0].number if versions else None,
                "verdict": versions[0].verdict if versions else None,
                "missing_requirement": lifecycle.missing_requirement(loaded, spec),
            }
        )
    if as_json:
        print_json(rows)
    else:
        stdout_console().print(tables.models_table(rows))


@app.command("show")
def show_command(
    model: NameArgument,
    version: Annotated[
        str | None,
        typer.Argument(metavar="[VERSION]", help="Version number or alias. Default: list all versions."),
    ] = None,
    project: ProjectOption = DEFAULT_PROJECT,
    as_json: JsonOption = False,
) -> None:
    """Show a model's versions, or one version with its metrics, comparisons and gate result.

    Example:
        shopwright models show churn champion --project my-shop
    """
    registry = Registry(load_project(project))
    _check_name(model)
    if version is not None:
        details = registry.show(model, parse_version(version))
        evaluation = registry.evaluation(model, details.number) if details.manifest_sha256 else None
        if as_json:
            print_json(
                _version_document(details) | {"evaluation": evaluation.model_dump() if evaluation else None}
            )
        else:
            tables.print_version(stdout_console(), details, evaluation)
        return
    versions = registry.versions(model)
    if as_json:
        print_json([_version_document(item) for item in versions])
    elif not versions:
        stdout_console().print(
            f"{model} has not been trained yet. Train it with `shopwright train {model}`", markup=False
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
        typer.Option(
            metavar="REASON", help="Override the gate. The reason is recorded in the model's history."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a version the live one, if it passed the gate against the current champion.

    Example:
        shopwright models promote churn 3 --project my-shop
    """
    _check_name(model)
    _print_live(
        Registry(load_project(project)).promote(model, parse_version(version), force_reason=force),
        as_json=as_json,
    )


@app.command("rollback")
def rollback_command(
    model: NameArgument, project: ProjectOption = DEFAULT_PROJECT, as_json: JsonOption = False
) -> None:
    """Go back to the version that was live before the current one.

    Example:
        shopwright models rollback churn --project my-shop
    """
    _check_name(model)
    _print_live(Registry(load_project(project)).rollback(model), as_json=as_json)


@app.command("audit")
def audit_command(
    model: ModelArgument = None,
    all_models: AllOption = False,
    project: ProjectOption = DEFAULT_PROJECT,
    as_json: JsonOption = False,
) -> None:
    """Search a model's features for leaks, without training.

    Rewrites everything that happened after a decision and requires identical features, among other checks. Training
    runs the same audit.

    Example:
        shopwright models audit churn --project my-shop
    """
    loaded = load_project(project)
    documents, leaking = [], []
    for spec in select_models(loaded, model, all_models=all_models):
        with progress_bar(quiet=as_json) as bar:
            bar.update(f"{spec.name}: auditing for leaks", 0, 0)
            findings, compared = _audit(loaded, spec)
        documents.append(
            {
                "model": spec.name,
                "compared": compared,
                "findings": [asdict(finding) for finding in findings],
            }
        )
        leaking += [spec.name] if findings else []
        if not as_json:
            tables.print_findings(stdout_console(), spec, findings, compared)
    if as_json:
        print_json(documents if all_models else documents[0])
    if leaking:
        raise DataError(f"features leak in {' and '.join(leaking)}")


@app.command("naive-recipe")
def naive_recipe_command(
    model: Annotated[
        str, typer.Argument(metavar="[MODEL]", help="Model to run the naive recipe for.")
    ] = "churn",
    project: ProjectOption = DEFAULT_PROJECT,
    as_json: JsonOption = False,
) -> None:
    """Run the tutorials' naive recipe for a model on this shop, and show what remains of its score when evaluated honestly.

    Example:
        shopwright models naive-recipe abandonment --project my-shop
    """
    from shopwright.models.lifecycle import run_naive_recipe  # noqa: PLC0415  # slow to import

    loaded = load_project(project)
    with progress_bar(quiet=as_json) as bar:
        bar.update("running the naive recipe", 0, 0)
        naive_recipe, results = run_naive_recipe(loaded, model)
    rows = [result.to_dict() for result in results]
    if as_json:
        print_json(rows)
    else:
        tables.print_naive_recipe(stdout_console(), naive_recipe, rows)


def _audit(project: Project, spec: ModelSpec) -> tuple[tuple[Finding, ...], int]:
    from shopwright.models.lifecycle import audit  # noqa: PLC0415  # slow to import

    return audit(project, spec)


def _check_name(model: str) -> None:
    from shopwright.models.lifecycle import find_model  # noqa: PLC0415  # slow to import

    find_model(model)


def _version_document(version: Version) -> dict[str, Any]:
    return {
        **{name: getattr(version, name) for name in ("model", "number", "created_at", "aliases", "verdict")},
        "gate": version.gate.model_dump(),
        "metrics": {name: measure.model_dump() for name, measure in version.metrics.items()},
        "parameters": version.parameters,
        "data_fingerprint": version.data_fingerprint,
        "manifest_sha256": version.manifest_sha256,
    }


def _print_live(version: Version, *, as_json: bool) -> None:
    if as_json:
        print_json(_version_document(version))
    else:
        stdout_console().print(f"{version.model}: version {version.number} is live now", markup=False)
