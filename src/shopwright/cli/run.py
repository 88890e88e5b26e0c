"""``shopwright run``: ingest and build, and what was found."""

from __future__ import annotations

import typer

from shopwright.cli import build as building
from shopwright.cli import ingest as ingesting
from shopwright.cli import train as training
from shopwright.cli.output import (
    DEFAULT_PROJECT,
    JsonOption,
    ProjectOption,
    print_json,
    stdout_console,
    table,
)
from shopwright.reports.summary import Finding, summarise
from shopwright.settings import load_project


def command(project: ProjectOption = DEFAULT_PROJECT, as_json: JsonOption = False) -> None:
    """Do everything: take in new files, build, test, publish, train, and say what was found.

    Models are trained and score where shopwright.toml names them under [models].

    Example:
        shopwright run --project my-shop
    """
    loaded = load_project(project)
    training.check_names(loaded)
    console = stdout_console()
    taken = ingesting.ingest_with_progress(loaded, quiet=as_json)
    if not as_json:
        ingesting.show_report(console, taken)
    findings: list[Finding] = []
    built = building.build_with_progress(
        loaded,
        meanwhile=lambda warehouse: findings.extend(
            summarise(warehouse, currency=loaded.settings.shop.currency)
        ),
        quiet=as_json,
    )
    if not as_json:
        building.show_report(console, built)
    trained = training.train_due(loaded, is_new=taken.total("rows_accepted") > 0, quiet=as_json)
    if as_json:
        document = {"ingest": ingesting.as_document(taken), "build": built, "findings": findings}
        print_json(document | ({"models": trained} if loaded.settings.models.run else {}))
    else:
        console.print()
        console.print(table("What was found", ("", ""), [_cells(item) for item in findings]))
        console.print()
        console.print(f"The warehouse:     {loaded.warehouse}  (schemas bronze, silver, gold)")
        console.print(f"For readers:       {loaded.published}  (the last build whose tests passed)")
        console.print(f"Models, lineage:   shopwright docs --project {project}")
        console.print(f"State of the shop: shopwright status --project {project}")
    if taken.failed:
        raise typer.Exit(1)


def _cells(finding: Finding) -> tuple[str, str]:
    return finding.name, finding.text
