"""``shopwright init``: create a project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shopwright.cli.output import JsonOption, print_json, stderr_console, stdout_console
from shopwright.cli.templates import (
    CLICKSTREAM,
    REES46,
    TEMPLATES,
    Template,
    find_template,
    render,
)
from shopwright.core.errors import ConfigurationError
from shopwright.ingest.adapters.rees46 import COLUMNS
from shopwright.ingest.files import find_files
from shopwright.settings import FILE_NAME, Project, load_project

NAMES = "|".join(template.name for template in TEMPLATES)
PURPOSES = "; ".join(f"{template.name}: {template.purpose}" for template in TEMPLATES)


def _check_template(name: str) -> str:
    try:
        return find_template(name).name
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from None


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the new shop; created if absent.")],
    template: Annotated[
        str,
        typer.Option(
            metavar=f"<{NAMES}>", callback=_check_template, help=f"Template to start from. {PURPOSES}."
        ),
    ] = CLICKSTREAM.name,
    source_path: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Folder or file of the shop's data.", show_default="DIR/raw"),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the shop.", show_default="DIR's name")] = None,
    as_json: JsonOption = False,
) -> None:
    """Create a folder for a shop, with a commented shopwright.toml.

    With the template clickstream, CSV files with the columns of the REES46 data sets are recognized; other files are read
    as events in JSON or Parquet. Existing files are not overwritten.

    Example:
        shopwright init my-shop --template clickstream --source-path ~/exports
        shopwright init market --template olist --source-path ~/Downloads/olist
    """
    file = folder / FILE_NAME
    if file.exists():
        raise ConfigurationError(f"{file} already exists; edit it, or choose another folder")
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"{folder} is a file, not a folder")
    folder.mkdir(parents=True, exist_ok=True)
    selected = _select_template(template, source_path or folder / "raw")
    text = render(selected, name=name or folder.resolve().name, path=_settings_path(source_path, folder))
    file.write_text(text, encoding="utf-8")
    warnings = _warnings(load_project(folder), selected)
    for warning in warnings:
        stderr_console().print(f"warning: {warning}", markup=False, soft_wrap=True)
    if as_json:
        print_json(
            {
                "project": str(folder),
                "settings": str(file),
                "template": selected.name,
                "adapter": selected.adapter,
                "warnings": warnings,
            }
        )
        return
    console = stdout_console()
    console.print(f"Created {file}" + (f" (source read as {selected.adapter})" if selected.adapter else ""))
    option = "" if folder.resolve() == Path.cwd() else f" --project {folder}"
    console.print(
        f"Next: shopwright run{option}"
        if selected.adapter
        else f"Add a source to it, then: shopwright run{option}"
    )


def _settings_path(source_path: Path | None, folder: Path) -> str:
    """Return the path for the settings: relative inside the project, absolute elsewhere."""
    if source_path is None:
        return "raw"
    path = source_path.expanduser()
    absolute = Path(str(path.absolute()))
    try:
        return str(absolute.relative_to(folder.absolute()))
    except ValueError:
        return str(absolute)


def _select_template(name: str, path: Path) -> Template:
    """Return the template with this name; files of REES46 are recognized by their columns."""
    template = find_template(name)
    return REES46 if template is CLICKSTREAM and _is_rees46(path) else template


def _warnings(project: Project, template: Template) -> list[str]:
    """Return the files that a data set's source lacks; they can be added later."""
    if not template.is_data_set:
        return []
    (source,) = project.settings.sources
    try:
        names = {file.data_name.casefold() for file in find_files(source, project.root)}
    except ConfigurationError as error:
        return [str(error)]
    missing_names = [name for name in template.files if name not in names]
    return [f"missing in {', '.join(source.paths)}: {', '.join(missing_names)}"] if missing_names else []


def _is_rees46(path: Path) -> bool:
    files = sorted(path.rglob("*.csv")) if path.is_dir() else [path] if path.suffix == ".csv" else []
    for file in files:
        with file.open("rb") as stream:
            header = stream.readline(4096).decode("utf-8-sig", "replace").strip()
        if header == ",".join(COLUMNS):
            return True
    return False
