"""``shopwright init``: a new project."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from shopwright.cli.output import JsonOption, people, print_json
from shopwright.cli.templates import render
from shopwright.core.errors import ConfigurationError
from shopwright.ingest.adapters.rees46 import COLUMNS
from shopwright.settings import FILE_NAME, load_project


class Template(StrEnum):
    """What a new project starts from."""

    CLICKSTREAM = "clickstream"
    BLANK = "blank"


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the new shop; made if absent.")],
    template: Annotated[
        Template, typer.Option(help="clickstream reads event files; blank names no source yet.")
    ] = Template.CLICKSTREAM,
    source_path: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Where the shop's files lie.", show_default="DIR/raw"),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the shop.", show_default="DIR's name")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a folder for a shop, with a commented shopwright.toml.

    A folder of CSV files with the columns of the REES46 data sets is recognised; other files are read as a stream
    of JSON or Parquet events. Nothing that exists is overwritten.

    Example:
        shopwright init my-shop --template clickstream --source-path ~/exports
    """
    file = folder / FILE_NAME
    if file.exists():
        raise ConfigurationError(f"{file} exists already; edit it, or choose another folder")
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"{folder} is a file, not a folder")
    folder.mkdir(parents=True, exist_ok=True)
    kind = "blank" if template is Template.BLANK else _kind_of(source_path or folder / "raw")
    text = render(name=name or folder.resolve().name, path=_shown(source_path, folder), kind=kind)
    file.write_text(text, encoding="utf-8")
    load_project(folder)
    if as_json:
        print_json(
            {"project": str(folder), "settings": str(file), "adapter": None if kind == "blank" else kind}
        )
        return
    console = people()
    console.print(f"Made {file}" + ("" if kind == "blank" else f" (source read as {kind})"))
    where = "" if folder.resolve() == Path.cwd() else f" --project {folder}"
    console.print(
        "Name a source in it, then: shopwright run" + where
        if kind == "blank"
        else f"Next: shopwright run{where}"
    )


def _shown(source_path: Path | None, folder: Path) -> str:
    """The path as the settings state it: relative inside the project, absolute elsewhere."""
    if source_path is None:
        return "raw"
    path = source_path.expanduser()
    absolute = Path(str(path.absolute()))
    try:
        return str(absolute.relative_to(folder.absolute()))
    except ValueError:
        return str(absolute)


def _kind_of(path: Path) -> str:
    files = sorted(path.rglob("*.csv")) if path.is_dir() else [path] if path.suffix == ".csv" else []
    for file in files:
        with file.open("rb") as opened:
            header = opened.readline(4096).decode("utf-8-sig", "replace").strip()
        if header == ",".join(COLUMNS):
            return "rees46"
    return "event_stream"
