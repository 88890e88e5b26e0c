"""``shopwright experiment``: size, assign, monitor and analyze A/B tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from shopwright.assignment import assign
from shopwright.cli import experiment_tables as tables
from shopwright.cli.output import (
    DEFAULT_PROJECT,
    JsonOption,
    ProjectOption,
    print_json,
    progress_bar,
    stdout_console,
)
from shopwright.core.engine import Connection, connect
from shopwright.core.errors import ConfigurationError, DataError, near_match
from shopwright.experiments.readout_table import check_built, check_installed
from shopwright.experiments.simulated_effects import simulated_for
from shopwright.metrics import METRICS, Kind
from shopwright.settings import ExperimentDefinition, Project, load_project

app = typer.Typer(
    help="A/B tests: size, assign, monitor and analyze experiments.",
    no_args_is_help=True,
)

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of the experiment in shopwright.toml.")
]
MetricOption = Annotated[
    str | None, typer.Option(help="Name of the metric.", show_default="the primary metric")
]
HtmlOption = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Also write a self-contained HTML report with charts."),
]


@app.callback()
def _options(context: typer.Context) -> None:
    """A/B tests: size, assign, monitor and analyze experiments."""
    if context.invoked_subcommand not in ("list", "assign"):
        check_installed()


@app.command("list")
def list_command(project: ProjectOption = DEFAULT_PROJECT, as_json: JsonOption = False) -> None:
    """List the experiments in shopwright.toml with their units so far.

    Example:
        shopwright experiment list --project my-shop
    """
    loaded = load_project(project)
    published = _published_counts(loaded)
    unpublished = {"units": None, "simulated_events": None, "simulated_elsewhere": None}
    rows = [
        {**experiment.model_dump(mode="json"), **published.get(experiment.name, unpublished)}
        for experiment in loaded.settings.experiments
    ]
    if as_json:
        print_json(rows)
        return
    console = stdout_console()
    if not rows:
        console.print(
            f"No [[experiments]] section in {loaded.root / 'shopwright.toml'}. See the guide on experiments.",
            markup=False,
        )
        return
    console.print(*tables.list_experiments(rows), sep="\n")


@app.command("plan")
def plan_command(
    name: NameArgument,
    project: ProjectOption = DEFAULT_PROJECT,
    metric: MetricOption = None,
    effect: Annotated[
        float | None,
        typer.Option(
            min=0.0001,
            help="Smallest relative change to detect, as a share: 0.03 is 3%.",
            show_default="the experiment's",
        ),
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="Days of recent data to size the experiment with.")] = 28,
    as_json: JsonOption = False,
) -> None:
    """Calculate the units and days an experiment needs, from recent data.

    Example:
        shopwright experiment plan checkout --effect 0.03
    """
    from shopwright.experiments.planning import plan  # noqa: PLC0415  # scipy takes a while to import

    _check_metric(metric)
    loaded, experiment = _find(project, name)
    with _published(loaded) as connection:
        sample_plan = plan(connection, experiment, metric=metric, effect=effect, days=days)
    if as_json:
        print_json(sample_plan)
    else:
        stdout_console().print(*tables.show_plan(sample_plan, experiment), sep="\n")


@app.command("assign")
def assign_command(
    name: NameArgument,
    unit_ids: Annotated[list[str], typer.Argument(metavar="UNIT_ID...", help="Ids of users or sessions.")],
    project: ProjectOption = DEFAULT_PROJECT,
    as_json: JsonOption = False,
) -> None:
    """Show the variant each user or session is assigned to.

    Example:
        shopwright experiment assign checkout 541320447
    """
    _, experiment = _find(project, name)
    assignments = [assign(experiment, unit_id) for unit_id in unit_ids]
    if as_json:
        print_json(assignments)
    else:
        stdout_console().print(tables.show_assignments(assignments))


@app.command("results")
def results_command(
    name: NameArgument,
    project: ProjectOption = DEFAULT_PROJECT,
    html: HtmlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show an experiment's results: validity, changes by metric, and the verdict.

    Example:
        shopwright experiment results checkout --html checkout.html
    """
    from shopwright.experiments.result import read_experiment  # noqa: PLC0415  # scipy takes a while to import

    if html is not None and not html.parent.is_dir():
        raise ConfigurationError(f"--html: folder {html.parent} does not exist")
    loaded, experiment = _find(project, name)
    with _published(loaded, experiment) as connection:
        result = read_experiment(connection, experiment)
    if html is not None:
        _write_report(loaded, result, html)
    if as_json:
        print_json(result.to_dict())
    else:
        stdout_console().print(*tables.show_result(result), sep="\n")
        if html is not None:
            stdout_console().print(f"\nReport: {html}", markup=False)


@app.command("daily")
def daily_command(
    name: NameArgument,
    project: ProjectOption = DEFAULT_PROJECT,
    metric: MetricOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show results at the end of each day, with always-valid intervals and p-values.

    Example:
        shopwright experiment daily checkout
    """
    from shopwright.experiments.daily import read_daily_result  # noqa: PLC0415  # scipy takes a while to import

    _check_metric(metric)
    loaded, experiment = _find(project, name)
    daily_metric = METRICS[metric or experiment.primary_metric]
    if daily_metric.kind is Kind.QUANTILE:
        raise ConfigurationError(
            f"{daily_metric.name} is a quantile and has no daily results; give --metric, such as conversion_rate"
        )
    with _published(loaded, experiment) as connection:
        daily = read_daily_result(connection, experiment, daily_metric)
    if as_json:
        print_json(daily.to_dict())
    else:
        stdout_console().print(*tables.show_daily(daily), sep="\n")


@app.command("audit")
def audit_command(
    name: NameArgument,
    project: ProjectOption = DEFAULT_PROJECT,
    simulations: Annotated[
        int, typer.Option(min=100, max=100_000, help="Number of A/A tests per metric.")
    ] = 1_000,
    seed: Annotated[int, typer.Option(help="Random seed of the A/A tests.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Check an experiment: A/A tests on the shop's metrics, the hash, overlap with other experiments, sample ratio.

    Example:
        shopwright experiment audit checkout --simulations 2000
    """
    from shopwright.experiments.audit import audit  # noqa: PLC0415  # scipy takes a while to import

    loaded, experiment = _find(project, name)
    other_experiments = [other for other in loaded.settings.experiments if other.name != name]
    with _published(loaded, experiment) as connection, progress_bar(quiet=as_json) as bar:
        report = audit(
            connection,
            experiment,
            other_experiments,
            rng=np.random.default_rng(seed),
            simulations=simulations,
            on_progress=lambda count: bar.update(
                f"A/A test {count:,} of {simulations:,}", count, simulations
            ),
        )
    if as_json:
        print_json(report.to_dict())
    else:
        stdout_console().print(*tables.show_audit(report), sep="\n")


def _find(project: Path, name: str) -> tuple[Project, ExperimentDefinition]:
    loaded = load_project(project)
    by_name = {experiment.name: experiment for experiment in loaded.settings.experiments}
    if name not in by_name:
        raise ConfigurationError(
            f"no experiment '{name}' in {loaded.root / 'shopwright.toml'}{near_match(name, by_name)}"
        )
    return loaded, by_name[name]


def _check_metric(name: str | None) -> None:
    if name is not None and name not in METRICS:
        raise ConfigurationError(
            f"no metric '{name}'{near_match(name, METRICS)}; choose one of {', '.join(METRICS)}"
        )


@contextmanager
def _published(project: Project, experiment: ExperimentDefinition | None = None) -> Iterator[Connection]:
    """Connect to the published warehouse; with an experiment, check that it was built with its current settings."""
    if not project.published.exists():
        raise DataError(f"{project.root}: no published data yet; run `shopwright run` first")
    engine = project.settings.engine
    with connect(
        project.published, read_only=True, threads=engine.threads, memory_limit=engine.memory_limit
    ) as connection:
        check_built(connection, experiment, timezone=project.settings.shop.timezone)
        yield connection


def _published_counts(project: Project) -> dict[str, dict[str, Any]]:
    """Return each experiment in the published warehouse with its units and simulated events so far."""
    if not project.published.exists():
        return {}
    with _published(project) as connection:
        published = connection.execute(
            "select distinct experiment from gold.fct_experiment_readouts"
        ).fetchall()
        if not published:  # then the dbt models of experiments have no tables either
            return {}
        units = dict(
            connection.execute(
                "select experiment, count(*) from gold.fct_experiment_units group by experiment"
            ).fetchall()
        )
        counts = {}
        for experiment in project.settings.experiments:
            if (experiment.name,) in published:
                own_events, elsewhere = simulated_for(connection, experiment)
                counts[experiment.name] = {
                    "units": units.get(experiment.name, 0),
                    "simulated_events": own_events,
                    "simulated_elsewhere": elsewhere,
                }
        return counts


def _write_report(project: Project, result: Any, file: Path) -> None:
    from shopwright.experiments.report import render_report  # noqa: PLC0415  # plotly takes a while to import

    file.write_text(render_report(result, shop=project.settings.shop), encoding="utf-8")
