"""``shopwright explain``: the reasons for one score, and the effect of features on all scores."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shopwright.cli import explain_tables as tables
from shopwright.cli.output import (
    DEFAULT_PROJECT,
    JsonOption,
    ProjectOption,
    print_json,
    progress_bar,
    stdout_console,
)
from shopwright.cli.train import NameArgument
from shopwright.core.errors import ConfigurationError
from shopwright.registry.tracking import check_installed
from shopwright.settings import Project, load_project

if TYPE_CHECKING:
    from shopwright.models.protocol import ModelSpec


def explain_command(
    model: NameArgument,
    entity: Annotated[
        str | None, typer.Argument(metavar="[ENTITY]", help="Id of the customer, user or seller.")
    ] = None,
    summary: Annotated[
        bool, typer.Option("--summary", help="Show what each feature adds, over many decisions.")
    ] = False,
    dependence: Annotated[
        str | None, typer.Option(metavar="FEATURE", help="Show what one feature adds at each value.")
    ] = None,
    rows: Annotated[
        int, typer.Option(min=10, max=100_000, help="Size of the sample for --summary and --dependence.")
    ] = 2_000,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also draw a chart: a waterfall, a beeswarm, or points by value; .svg or .png.",
        ),
    ] = None,
    project: ProjectOption = DEFAULT_PROJECT,
    as_json: JsonOption = False,
) -> None:
    """Explain one score, or the effect of features on all scores, with exact contributions.

    Example:
        shopwright explain churn 17850 --project my-shop --plot why.svg
        shopwright explain churn --summary --project my-shop --plot features.png
        shopwright explain churn --dependence recency_days --project my-shop
    """
    check_installed()
    if [entity is not None, summary, dependence is not None].count(True) != 1:
        raise ConfigurationError("give one ENTITY, or --summary, or --dependence FEATURE")
    from shopwright.models import lifecycle  # noqa: PLC0415  # slow to import
    from shopwright.models.plots import check_plot  # noqa: PLC0415  # slow to import

    loaded = load_project(project)
    spec = lifecycle.find_model(model)
    if plot is not None:
        check_plot(plot)
    if entity is not None:
        _explain_one(loaded, spec, entity, plot=plot, as_json=as_json)
    else:
        _explain_many(loaded, spec, dependence, rows=rows, plot=plot, as_json=as_json)


def _explain_one(project: Project, spec: ModelSpec, entity: str, *, plot: Path | None, as_json: bool) -> None:
    from shopwright.models import lifecycle  # noqa: PLC0415  # slow to import
    from shopwright.models.plots import write_waterfall  # noqa: PLC0415  # slow to import

    explanation, version = lifecycle.explain(project, spec, entity)
    if plot is not None:
        write_waterfall(explanation, plot)
    if as_json:
        print_json({"model": spec.name, "version": version.number, **asdict(explanation)})
    else:
        tables.print_explanation(stdout_console(), explanation, version)


def _explain_many(
    project: Project, spec: ModelSpec, feature: str | None, *, rows: int, plot: Path | None, as_json: bool
) -> None:
    """Explain the effect of all features, or of one of them."""
    from shopwright.models import lifecycle  # noqa: PLC0415  # slow to import
    from shopwright.models.effect_plots import write_beeswarm, write_dependence  # noqa: PLC0415
    from shopwright.models.effects import dependence, summarize  # noqa: PLC0415

    with progress_bar(quiet=as_json) as bar:
        bar.update(f"explaining {spec.name}", 0, 0)
        sample, version = lifecycle.sample(project, spec, rows=rows)
    effects = summarize(sample) if feature is None else dependence(sample, feature)
    if plot is not None and feature is None:
        write_beeswarm(sample, plot)
    elif plot is not None and feature is not None:
        write_dependence(sample, feature, plot)
    if as_json:
        document = {"model": spec.name, "version": version.number, "rows": len(sample.contributions)}
        document |= {"population": sample.population, "base": sample.base, "scale": sample.scale}
        print_json(
            {
                **document,
                **({"summary": effects} if feature is None else {"dependence": effects, "feature": feature}),
            }
        )
    elif feature is None:
        tables.print_summary(stdout_console(), sample, effects, version)
    else:
        tables.print_dependence(stdout_console(), sample, feature, effects, version)
