"""``shopwright app`` and ``shopwright up``: the pages in a browser, alone or with the service they ask."""

from __future__ import annotations

import os
import secrets
import sys
import webbrowser
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

import shopwright
from shopwright.cli.output import (
    DEFAULT_PROJECT,
    JsonOption,
    ProjectOption,
    print_json,
    stderr_console,
    stdout_console,
)
from shopwright.cli.processes import ProcessSpec, find_free_port, run_processes, with_environment
from shopwright.core.errors import ConfigurationError
from shopwright.service.keys import API_KEY_VARIABLE, read_keys
from shopwright.settings import Project, load_project

LOOPBACK = "127.0.0.1"
APP_PORT, SERVICE_PORT = 8501, 8000

HostOption = Annotated[
    str, typer.Option(help="Address of this machine to listen on; the app itself asks nobody for a password.")
]
AppPortOption = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="Port of the app; 0 takes a free one.")
]
OpenOption = Annotated[bool, typer.Option("--open", help="Open the pages in the browser of this machine.")]

_ENTRY = Path(shopwright.__file__).parent / "app" / "entry" / "start.py"
_SETTINGS = {
    "server.headless": "true",  # else it asks for an e-mail address, and opens a browser
    "server.fileWatcherType": "none",
    "server.maxUploadSize": "200",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "viewer",
    "client.disableDataExport": "true",  # Streamlit's own CSV holds formulas as they are; ours below each table does not
    "client.showErrorDetails": "none",
    "global.developmentMode": "false",
}


def app_command(
    project: ProjectOption = DEFAULT_PROJECT,
    host: HostOption = LOOPBACK,
    port: AppPortOption = APP_PORT,
    api_url: Annotated[
        str | None,
        typer.Option(
            envvar="API_URL",
            metavar="URL",
            help="Where the service answers.",
            show_default=f"http://{LOOPBACK}:{SERVICE_PORT}",
        ),
    ] = None,
    opens: OpenOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show the shop's pages in a browser, until interrupted.

    Pages that score ask the service; 'shopwright up' starts both.

    Example:
        shopwright app --project my-shop
    """
    loaded = _ready(project, needs=("streamlit", "plotly"))
    app = _app(loaded, host=host, port=port, api_url=api_url)
    run_processes([app], announce=lambda: _announce([app], opens=opens, as_json=as_json))


def up_command(
    project: ProjectOption = DEFAULT_PROJECT,
    port: AppPortOption = APP_PORT,
    service_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the service; 0 takes a free one.")
    ] = SERVICE_PORT,
    opens: OpenOption = False,
    as_json: JsonOption = False,
) -> None:
    """Start the service and the app on this machine, and stop both together.

    Both listen on 127.0.0.1 only. Where the shop has API keys, the app sends the one in the environment's API_KEY, or one
    that is made for this run.

    Example:
        shopwright up --project my-shop
    """
    loaded = _ready(project, needs=("streamlit", "plotly", "fastapi", "uvicorn"))
    logs = loaded.work / "logs"
    service, app = _pair(loaded, port=port, service_port=service_port, logs=logs)
    if not as_json:
        stderr_console().print(f"Starting both; what they say goes to {logs}", markup=False)
    both = [service, app]
    run_processes(both, announce=lambda: _announce(both, opens=opens, as_json=as_json))


def _ready(project: Path, *, needs: tuple[str, ...]) -> Project:
    loaded = load_project(project)
    missing = [name for name in needs if find_spec(name) is None]
    if missing:
        extras = "api,app" if "fastapi" in needs else "app"
        raise ConfigurationError(f"this needs {' and '.join(missing)}: pip install 'shopwright[{extras}]'")
    return loaded


def _app(
    project: Project, *, host: str, port: int, api_url: str | None, log: Path | None = None
) -> ProcessSpec:
    port = find_free_port(host, port)
    options = _SETTINGS | {"server.address": host, "server.port": str(port)}
    return ProcessSpec(
        name="app",
        command=(
            *(sys.executable, "-m", "streamlit", "run", str(_ENTRY)),
            *(f"--{name}={value}" for name, value in options.items()),
        ),
        address=_address(host, port),
        health=f"{_address(_reached_at(host), port)}/_stcore/health",
        environment={
            "SHOPWRIGHT_PROJECT": str(project.root),
            "API_URL": api_url or f"http://{LOOPBACK}:{SERVICE_PORT}",
        },
        log=log,
    )


def _service(project: Project, *, port: int, log: Path) -> ProcessSpec:
    port = find_free_port(LOOPBACK, port)
    return ProcessSpec(
        name="service",
        command=(
            *(sys.executable, "-m", "shopwright.cli.main", "serve"),
            *("--project", str(project.root), "--host", LOOPBACK, "--port", str(port)),
        ),
        address=_address(LOOPBACK, port),
        health=f"{_address(LOOPBACK, port)}/health",
        log=log,
    )


def _pair(project: Project, *, port: int, service_port: int, logs: Path) -> tuple[ProcessSpec, ProcessSpec]:
    """The service and an app that asks it, with a key where the shop has any."""
    service = _service(project, port=service_port, log=logs / "service.log")
    app = _app(project, host=LOOPBACK, port=port, api_url=service.address, log=logs / "app.log")
    if not read_keys(project.keys) or "API_KEY" in os.environ:
        return service, app
    key = secrets.token_urlsafe(32)
    return with_environment(service, {API_KEY_VARIABLE: key}), with_environment(app, {"API_KEY": key})


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _reached_at(host: str) -> str:
    """Where a program that listens everywhere is found from here."""
    return {"0.0.0.0": LOOPBACK, "::": "::1"}.get(host, host)  # noqa: S104  # what a user may ask for


def _announce(programs: list[ProcessSpec], *, opens: bool, as_json: bool) -> None:
    if as_json:
        print_json({program.name: program.address for program in programs})
    else:
        for program in programs:
            stdout_console().print(f"{program.name.capitalize() + ':':9}{program.address}", markup=False)
        stdout_console().print("Ctrl-C ends " + ("both." if len(programs) > 1 else "it."))
    if opens:
        webbrowser.open(programs[-1].address)
