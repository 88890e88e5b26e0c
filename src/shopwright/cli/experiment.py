"""``shopwright experiment``: set experiments up, size them, watch them, read them, and check the machinery."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import duckdb
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
from shopwright.core.engine import connect
from shopwright.core.errors import ConfigurationError, DataError, near_match
from shopwright.experiments.simulated_effects import simulated_for
from shopwright.experiments.store import check_built, check_installed
from shopwright.metrics import METRICS, Kind
from shopwright.settings import ExperimentDefinition, Project, load_project

app = typer.Typer(
    help="Experiments: set them up, size them, watch them, read them, and check the machinery.",
    no_args_is_help=True,
)

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The experiment's name in shopwright.toml.")
]
MetricOption = Annotated[str | None, typer.Option(help="Metric.", show_default="the primary one")]
HtmlOption = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Write a report with plots that needs nothing else."),
]


@app.callback()
def _options(context: typer.Context) -> None:
    """Experiments: set them up, size them, watch them, read them, and check the machinery."""
    if context.invoked_subcommand not in ("list", "assign"):
        check_installed()


@app.command("list")
def list_command(project: ProjectOption = DEFAULT_PROJECT, as_json: JsonOption = False) -> None:
    """Show the experiments of shopwright.toml and how many units each has so far.

    Example:
        shopwright experiment list --project my-shop
    """
    loaded = load_project(project)
    seen = _seen(loaded)
    unseen = {"units": None, "simulated_events": None, "simulated_elsewhere": None}
    rows = [
        {**experiment.model_dump(mode="json"), **seen.get(experiment.name, unseen)}
        for experiment in loaded.settings.experiments
    ]
    if as_json:
        print_json(rows)
        return
    console = stdout_console()
    if not rows:
        console.print(
            f"{loaded.root / 'shopwright.toml'} has no [[experiments]] section; see the guide on experiments.",
            markup=False,
        )
        return
    console.print(*tables.listing(rows), sep="\n")


@app.command("plan")
def plan_command(
    name: NameArgument,
    project: ProjectOption = DEFAULT_PROJECT,
    metric: MetricOption = None,
    effect: Annotated[
        float | None,
        typer.Option(
            min=0.0001,
            help="Smallest relative change that matters, as a share.",
            show_default="the experiment's",
        ),
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="Days of history to size it by.")] = 28,
    as_json: JsonOption = False,
) -> None:
    """Say how many units and days an experiment needs, from what the shop's users did lately.

    Example:
        shopwright experiment plan checkout --effect 0.03
    """
    from shopwright.experiments.planning import plan  # noqa: PLC0415  # scipy takes a while to import

    _check_metric(metric)
    loaded, experiment = _find(project, name)
    with _published(loaded) as connection:
        found = plan(connection, experiment, metric=metric, effect=effect, days=days)
    if as_json:
        print_json(found)
    else:
        stdout_console().print(*tables.planned(found, experiment), sep="\n")


@app.command("assign")
def assign_command(
    name: NameArgument,
    unit_ids: Annotated[list[str], typer.Argument(metavar="UNIT_ID...", help="Users or sessions.")],
    project: ProjectOption = DEFAULT_PROJECT,
    as_json: JsonOption = False,
) -> None:
    """Say which variant units see, for ever and on every machine.

    Example:
        shopwright experiment assign checkout 541320447
    """
    _, experiment = _find(project, name)
    found = [assign(experiment, unit_id) for unit_id in unit_ids]
    if as_json:
        print_json(found)
    else:
        stdout_console().print(tables.assigned(found))


@app.command("read")
def read_command(
    name: NameArgument,
    project: ProjectOption = DEFAULT_PROJECT,
    html: HtmlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read an experiment: is it valid, what changed, and what to do.

    Example:
        shopwright experiment read checkout --html checkout.html
    """
    from shopwright.experiments.reading import read_experiment  # noqa: PLC0415  # scipy takes a while to import

    if html is not None and not html.parent.is_dir():
        raise ConfigurationError(f"--html: no folder {html.parent}")
    loaded, experiment = _find(project, name)
    with _published(loaded, experiment) as connection:
        found = read_experiment(connection, experiment)
    if html is not None:
        _write_report(loaded, found, html)
    if as_json:
        print_json(found.document())
    else:
        stdout_console().print(*tables.read(found), sep="\n")
        if html is not None:
            stdout_console().print(f"\nReport: {html}", markup=False)


@app.command("watch")
def watch_command(
    name: NameArgument,
    project: ProjectOption = DEFAULT_PROJECT,
    metric: MetricOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the read-out as it stood at the end of each day, with what may be believed of it at every look.

    Example:
        shopwright experiment watch checkout
    """
    from shopwright.experiments.watching import watch_experiment  # noqa: PLC0415  # scipy takes a while to import

    _check_metric(metric)
    loaded, experiment = _find(project, name)
    chosen = METRICS[metric or experiment.primary_metric]
    if chosen.kind is Kind.QUANTILE:
        raise ConfigurationError(
            f"{chosen.name} is a quantile and has no daily sequence; give --metric, such as conversion_rate"
        )
    with _published(loaded, experiment) as connection:
        found = watch_experiment(connection, experiment, chosen)
    if as_json:
        print_json(found.document())
    else:
        stdout_console().print(*tables.watched(found), sep="\n")


@app.command("audit")
def audit_command(
    name: NameArgument,
    project: ProjectOption = DEFAULT_PROJECT,
    simulations: Annotated[int, typer.Option(min=100, max=100_000, help="A/A tests per metric.")] = 1_000,
    seed: Annotated[int, typer.Option(help="Seed of the A/A tests.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Check the machinery: A/A tests on the shop's own metrics, the hash, other experiments, the sample ratio.

    Example:
        shopwright experiment audit checkout --simulations 2000
    """
    from shopwright.experiments.audit import audit  # noqa: PLC0415  # scipy takes a while to import

    loaded, experiment = _find(project, name)
    others = [other for other in loaded.settings.experiments if other.name != name]
    with _published(loaded, experiment) as connection, progress_bar(quiet=as_json) as bar:
        found = audit(
            connection,
            experiment,
            others,
            rng=np.random.default_rng(seed),
            simulations=simulations,
            watch=lambda done: bar.update(f"A/A test {done:,} of {simulations:,}", done, simulations),
        )
    if as_json:
        print_json(found.document())
    else:
        stdout_console().print(*tables.audited(found), sep="\n")


def _find(project: Path, name: str) -> tuple[Project, ExperimentDefinition]:
    loaded = load_project(project)
    known = {experiment.name: experiment for experiment in loaded.settings.experiments}
    if name not in known:
        raise ConfigurationError(
            f"no experiment '{name}' in {loaded.root / 'shopwright.toml'}{near_match(name, known)}"
        )
    return loaded, known[name]


def _check_metric(name: str | None) -> None:
    if name is not None and name not in METRICS:
        raise ConfigurationError(
            f"no metric '{name}'{near_match(name, METRICS)}; there are: {', '.join(METRICS)}"
        )


@contextmanager
def _published(
    project: Project, experiment: ExperimentDefinition | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published warehouse; with an experiment, one that was built since it is in the settings."""
    if not project.published.exists():
        raise DataError(f"{project.root}: nothing is published yet; run 'shopwright run' first")
    engine = project.settings.engine
    with connect(
        project.published, read_only=True, threads=engine.threads, memory_limit=engine.memory_limit
    ) as connection:
        check_built(connection, experiment, timezone=project.settings.shop.timezone)
        yield connection


def _seen(project: Project) -> dict[str, dict[str, Any]]:
    """Each experiment that the published warehouse knows, to its units and simulated events so far."""
    if not project.published.exists():
        return {}
    with _published(project) as connection:
        known = connection.execute("select distinct experiment from gold.fct_experiment_readouts").fetchall()
        if not known:  # then there are no models of experiments either
            return {}
        units = dict(
            connection.execute(
                "select experiment, count(*) from gold.fct_experiment_units group by experiment"
            ).fetchall()
        )
        found = {}
        for experiment in project.settings.experiments:
            if (experiment.name,) in known:
                own, others = simulated_for(connection, experiment)
                found[experiment.name] = {
                    "units": units.get(experiment.name, 0),
                    "simulated_events": own,
                    "simulated_elsewhere": others,
                }
        return found


def _write_report(project: Project, found: Any, file: Path) -> None:
    from shopwright.experiments.report import render  # noqa: PLC0415  # plotly takes a while to import

    file.write_text(render(found, shop=project.settings.shop), encoding="utf-8")
