"""The ``shopwright`` command: its subcommands, and how failures leave it."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress

import typer

from shopwright import __version__
from shopwright.cli import app as pages
from shopwright.cli import (
    build,
    docs,
    doctor,
    experiment,
    explain,
    ingest,
    init,
    models,
    quarantine,
    report,
    run,
    serve,
    simulate,
    simulate_effect,
    status,
    train,
)
from shopwright.core.errors import ShopwrightError

INTERRUPTIBLE = ("ingest", "build", "run")
"""Commands that Ctrl-C ends at once."""

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


def _interrupt(_number: int, _frame: object) -> None:
    """Say it in one line and exit at once.

    The engine does not always come back from an interrupted query, and what these commands write survives even a kill.
    """
    cursor = "\x1b[?25h" if sys.stderr.isatty() else ""  # a progress bar hides it
    with suppress(OSError):
        os.write(
            2, f"{cursor}interrupted; what was finished is kept, run the command again to go on\n".encode()
        )
    os._exit(130)


def main() -> None:
    """Run the command line: 0 for success, 1 for an expected failure in one line, 2 for misuse, 130 for Ctrl-C."""
    if sys.argv[1:2] and sys.argv[1] in INTERRUPTIBLE and signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        app()
    except (ShopwrightError, OSError) as error:
        # An OSError is a full disk, a missing permission or a deleted folder: nothing that a traceback explains.
        message = " ".join(str(error).split())
        if "--json" in sys.argv:
            print(json.dumps({"error": message, "kind": type(error).__name__}))  # noqa: T201  # the one document
        typer.echo(f"error: {message}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
