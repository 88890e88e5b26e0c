"""``shopwright simulate-effect``: a copy of an export in which an experiment has a known effect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shopwright.cli.output import (
    DEFAULT_PROJECT,
    JsonOption,
    ProjectOption,
    print_json,
    progress_bar,
    stdout_console,
    table,
)
from shopwright.settings import load_project
from shopwright.simulate.effects import EffectReport, simulate_effect

MAX_FILES_SHOWN = 40


def command(
    export: Annotated[
        Path, typer.Argument(metavar="IN", help="The shop's export: a file or a folder.", exists=True)
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New folder for the changed copy.")],
    experiment: Annotated[str, typer.Option(help="Name of the experiment in shopwright.toml.")],
    share: Annotated[
        float,
        typer.Option(min=1e-9, max=1, help="Share of the treated users' cart events that become purchases."),
    ] = 0.05,
    seed: Annotated[int, typer.Option(min=0, help="Another seed changes other events.")] = 1,
    source: Annotated[
        str | None,
        typer.Option(help="Source that reads the export.", show_default="the only one that reads events"),
    ] = None,
    project: ProjectOption = DEFAULT_PROJECT,
    as_json: JsonOption = False,
) -> None:
    """Write a copy of an export with a simulated effect of an experiment.

    A share of the cart events of treated users become purchases. Load the copy in a project of its own and run `shopwright
    experiment results` there, to see that the read-out finds an effect whose size you know.

    Every event of the copy is marked with the property simulated_effect, so reports and pages say that the data is simulated. IN is
    only read.

    Example:
        shopwright simulate-effect raw simulated --experiment checkout --share 0.1 --seed 7 --project my-shop
    """
    with progress_bar(quiet=as_json) as bar:
        report = simulate_effect(
            load_project(project),
            export,
            out,
            experiment=experiment,
            share=share,
            seed=seed,
            source=source,
            on_progress=lambda done, total, name: bar.update(
                f"file {done + 1} of {total}, {name}", done, total
            ),
        )
    if as_json:
        print_json(_to_dict(report))
    else:
        _show(report)


def _to_dict(report: EffectReport) -> dict[str, object]:
    return {
        "out": str(report.out),
        "effect": report.effect,
        "events": report.events,
        "changed": report.changed,
        "files": [
            {"file": str(file.file), "entity": file.entity, "events": file.events, "changed": file.changed}
            for file in report.files
        ],
    }


def _show(report: EffectReport) -> None:
    console = stdout_console()
    rows: list[tuple[object, ...]] = [
        (file.file, file.entity, file.events, file.changed) for file in report.files[:MAX_FILES_SHOWN]
    ]
    if len(report.files) > MAX_FILES_SHOWN:
        rows.append((f"… {len(report.files) - MAX_FILES_SHOWN} more files", "", None, None))
    rows.append(("total", "", report.events, report.changed))
    console.print(table("", ("file", "entity", "events marked", "events changed"), rows))
    console.print(
        f"Wrote {report.out}: {report.changed:,} cart events became purchases ({report.effect}).",
        markup=False,
    )
    if not report.changed:
        console.print(
            "No event was changed. The experiment's dates, its treated users and a price at cart events are needed."
        )
    console.print("This is simulated data. Load it in a project of its own.")
