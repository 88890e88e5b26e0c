"""The ``shopwright`` command: its subcommands, and how failures leave it."""

from __future__ import annotations

from shopwright.cli.interrupts import end_on_interrupt

end_on_interrupt()  # before the imports below, which take a second

import json
import sys

import typer

from shopwright import __version__
from shopwright.cli import app as pages
from shopwright.cli import (
    backup,
    build,
    docs,
    doctor,
    experiment,
    explain,
    forget,
    ingest,
    init,
    models,
    quarantine,
    repair,
    report,
    run,
    serve,
    simulate,
    simulate_effect,
    status,
    train,
)
from shopwright.core.engine import DatabaseError
from shopwright.core.errors import ShopwrightError

app = typer.Typer(
    name="shopwright",
    help="Turn a shop's raw exports into a tested warehouse, experiment results, models, an API and an app.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("init")(init.command)
app.command("simulate")(simulate.command)
app.command("simulate-effect")(simulate_effect.command)
app.command("ingest")(ingest.command)
app.add_typer(quarantine.app, name="quarantine")
app.command("forget")(forget.forget_command)
app.command("subject")(forget.subject_command)
app.command("build")(build.command)
app.command("run")(run.command)
app.add_typer(experiment.app, name="experiment")
app.command("train")(train.train_command)
app.command("evaluate")(train.evaluate_command)
app.command("score")(train.score_command)
app.command("explain")(explain.explain_command)
app.add_typer(models.app, name="models")
app.command("serve")(serve.command)
app.add_typer(serve.keys, name="keys")
app.command("app")(pages.app_command)
app.command("up")(pages.up_command)
app.command("report")(report.command)
app.command("status")(status.command)
app.command("doctor")(doctor.command)
app.command("repair")(repair.command)
app.command("backup")(backup.backup_command)
app.command("restore")(backup.restore_command)
app.command("docs")(docs.command)


def _print_version(is_requested: bool) -> None:
    if is_requested:
        typer.echo(f"shopwright {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Turn a shop's raw exports into a tested warehouse."""


def main() -> None:
    """Run the command line: 0 for success, 1 for an expected failure in one line, 2 for misuse, 130 for Ctrl-C."""
    end_on_interrupt()
    try:
        app()
    except (ShopwrightError, OSError, *DatabaseError) as error:
        # An OSError is a full disk, a missing permission or a deleted folder: nothing that a traceback explains.
        message = " ".join(str(error).split())
        if isinstance(error, DatabaseError):
            message += "; `shopwright doctor` says what is wrong with the project"
        if "--json" in sys.argv:
            print(json.dumps({"error": message, "kind": type(error).__name__}))  # noqa: T201  # the one document
        typer.echo(f"error: {message}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
