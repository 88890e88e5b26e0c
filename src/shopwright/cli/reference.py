"""The reference pages, written from the code: ``python -m shopwright.cli.reference [--check]``."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shopwright.contracts import dictionary
from shopwright.core.markdown import format_table
from shopwright.metrics import reference as metrics_reference
from shopwright.reports import REPORTS
from shopwright.reports import reference as reports_reference
from shopwright.settings import reference as settings_reference
from shopwright.warehouse import reference as warehouse_reference

if TYPE_CHECKING:
    from collections.abc import Iterator

_INTRODUCTION = """\
# Command line

<!-- Written by `make docs` from the commands' own help; edit there. -->

`shopwright COMMAND --help` prints the same in the terminal. A command that fails for an expected reason prints one
line and exits with 1. A command that is called incorrectly exits with 2."""


def render(app: typer.Typer, *, name: str = "shopwright") -> str:
    """Describe every command of an app.

    Args:
        app: the app, with its groups.
        name: what the user types to start it.

    Returns:
        Markdown, ending in a newline: per command its usage, help, arguments and options, in the app's order.
    """
    root = typer.main.get_command(app)
    commands = list(_walk(root, typer.Context(root, info_name=name)))
    overview = format_table(
        ("command", "what it does"),
        [(f"[`{c.command_path}`](#{_anchor(c.command_path)})", _summary(c.command)) for c in commands],
    )
    return "\n\n".join([_INTRODUCTION, overview, *map(_section, commands)]) + "\n"


def pages() -> dict[str, str]:
    """Return every generated page.

    Returns:
        File name in ``docs/reference`` to its text.
    """
    # Imported here, so that the app may import this module for a command of its own.
    app = import_module("shopwright.cli.main").app
    return {
        "cli.md": render(app),
        "data-dictionary.md": dictionary.render(),
        "gold-tables.md": warehouse_reference.render(),
        "metrics.md": metrics_reference.render(),
        "openapi.json": import_module("shopwright.service.openapi").render(),
        "reports.md": reports_reference.render(REPORTS),
        "settings.md": settings_reference.render(),
    }


def stale(folder: Path) -> list[Path]:
    """Return the generated pages in a folder that are missing or differ from what the code says now."""
    expected = {folder / name: text for name, text in pages().items()}
    return [path for path, text in expected.items() if not path.exists() or path.read_text("utf-8") != text]


def _walk(command: Any, context: Any) -> Iterator[Any]:
    """Yield the contexts of all commands below a group that do something themselves."""
    if not hasattr(command, "commands"):
        yield context
        return
    for name, child in command.commands.items():
        if not child.hidden:
            yield from _walk(child, typer.Context(child, info_name=name, parent=context))


def _section(context: Any) -> str:
    command = context.command
    # Collected rather than taken from get_usage(), which wraps to the width of the terminal.
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    blocks = [f"## {context.command_path}", f"```\n{usage}\n```", _help(command)]
    records = [parameter.get_help_record(context) for parameter in command.params]
    rows = [(f"`{name}`", " ".join(meaning.split())) for name, meaning in filter(None, records)]
    if rows:
        blocks.append(format_table(("argument or option", "meaning"), rows))
    return "\n\n".join(filter(None, [*blocks, _epilog(command)]))


def _help(command: Any) -> str:
    """Return the command's help; indented lines, such as examples, become code blocks."""
    lines: list[str] = []
    for line in inspect.cleandoc(command.help or "").replace("\b\n", "").splitlines():
        indented = line.startswith(" ")
        if indented and lines and lines[-1] and not lines[-1].startswith(" "):
            lines.append("")
        lines.append("    " + line.strip() if indented else line)
    return "\n".join(lines)


def _epilog(command: Any) -> str:
    return inspect.cleandoc(command.epilog or "")


def _summary(command: Any) -> str:
    return inspect.cleandoc(command.short_help or command.help or "").split("\n\n")[0].replace("\n", " ")


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")


def main(
    into: Annotated[Path, typer.Option(help="Folder of the pages.")] = Path("docs/reference"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a page is stale.")] = False,
) -> None:
    """Write the reference pages."""
    outdated = stale(into)
    if check:
        for path in outdated:
            typer.echo(f"{path} is not what the code says; run make docs", err=True)
        raise typer.Exit(bool(outdated))
    into.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (into / name).write_text(text, "utf-8")


if __name__ == "__main__":
    typer.run(main)
