"""``shopwright app`` and ``shopwright up``: the web app, alone or together with the service."""

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
from shopwright.core.addresses import is_loopback
from shopwright.core.errors import ConfigurationError
from shopwright.core.openid import has_provider
from shopwright.core.passwords import read_password
from shopwright.service.keys import API_KEY_VARIABLE, read_keys
from shopwright.settings import Project, load_project

LOOPBACK = "127.0.0.1"
APP_PORT, SERVICE_PORT = 8501, 8000

HostOption = Annotated[
    str, typer.Option(help="Address to listen on; another than this machine's needs a log-in.")
]
AppPortOption = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="Port of the app; 0 picks a free one.")
]
OpenOption = Annotated[bool, typer.Option("--open", help="Open the app in the browser.")]

_SECRETS = "secrets.files"
"""Option of Streamlit for the file with the OpenID provider. It is always set: that of another app of this user, in the home or
the current folder, may not open this one."""
_ENTRY = Path(shopwright.__file__).parent / "app" / "entry" / "start.py"
_SETTINGS = {
    "server.headless": "true",  # otherwise Streamlit asks for an e-mail address and opens a browser
    "server.fileWatcherType": "none",
    "server.maxUploadSize": "200",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "viewer",
    "client.disableDataExport": "true",  # Streamlit's CSV keeps spreadsheet formulas; the download below each table escapes them
    "client.showErrorDetails": "none",
    "global.developmentMode": "false",
    "server.trustedUserHeaders": "{}",  # settings of this user's other apps may not let callers state who they are
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
            help="URL of the service.",
            show_default=f"http://{LOOPBACK}:{SERVICE_PORT}",
        ),
    ] = None,
    opens: OpenOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run the web app until interrupted.

    Pages that score need the service; `shopwright up` starts both. Without a password it serves this machine only; set one with
    `shopwright keys password`.

    Example:
        shopwright app --project my-shop
    """
    loaded = _load(project, needs=("streamlit", "plotly"))
    _check_access(loaded, host)
    app = _app_process(loaded, host=host, port=port, api_url=api_url)
    run_processes([app], announce=lambda: _announce([app], opens=opens, as_json=as_json))


def up_command(
    project: ProjectOption = DEFAULT_PROJECT,
    port: AppPortOption = APP_PORT,
    service_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the service; 0 picks a free one.")
    ] = SERVICE_PORT,
    opens: OpenOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run the service and the web app together until interrupted.

    Both listen on 127.0.0.1 only. If the shop has API keys, the app uses the one in the environment variable API_KEY, or one
    created for this run.

    Example:
        shopwright up --project my-shop
    """
    loaded = _load(project, needs=("streamlit", "plotly", "fastapi", "uvicorn"))
    _check_access(loaded, LOOPBACK)
    logs = loaded.work / "logs"
    service, app = _pair(loaded, port=port, service_port=service_port, logs=logs)
    if not as_json:
        stderr_console().print(f"Starting the service and the app. Logs are in {logs}", markup=False)
    pair = [service, app]
    run_processes(pair, announce=lambda: _announce(pair, opens=opens, as_json=as_json))


def _load(project: Path, *, needs: tuple[str, ...]) -> Project:
    loaded = load_project(project)
    missing = [name for name in needs if find_spec(name) is None]
    if missing:
        extras = "api,app" if "fastapi" in needs else "app"
        raise ConfigurationError(f"Missing {' and '.join(missing)}. Run `pip install 'shopwright[{extras}]'`")
    return loaded


def _check_access(project: Project, host: str) -> None:
    """Refuse an address that other machines reach where the app has no log-in.

    Raises:
        ConfigurationError: as said, or the file of the password or of the OpenID provider is damaged or gone.
    """
    if has_provider(project.app_login, project.settings.app.allowed):
        absent = [name for name in ("authlib", "httpx") if find_spec(name) is None]
        if absent:
            raise ConfigurationError(
                f"The log-in with an OpenID provider needs {' and '.join(absent)}. Run `pip install 'shopwright[app]'`"
            )
        return
    if read_password(project.app_password) is None and not is_loopback(host):
        raise ConfigurationError(
            f"Other machines can reach {host}, and the app has no password. Set one with `shopwright keys password`, "
            f"or serve this machine only with `--host {LOOPBACK}`"
        )


def _app_process(
    project: Project, *, host: str, port: int, api_url: str | None, log: Path | None = None
) -> ProcessSpec:
    port = find_free_port(host, port)
    options = _SETTINGS | {
        "server.address": host,
        "server.port": str(port),
        _SECRETS: str(project.app_login),
    }
    return ProcessSpec(
        name="app",
        command=(
            *(sys.executable, "-m", "streamlit", "run", str(_ENTRY)),
            *(f"--{name}={value}" for name, value in options.items()),
        ),
        address=_address(host, port),
        health=f"{_address(_reachable_host(host), port)}/_stcore/health",
        environment={
            "SHOPWRIGHT_PROJECT": str(project.root),
            "STREAMLIT_SERVER_ENABLE_AGENT_API": "false",  # not an option, since older versions know none of that name
            "API_URL": api_url or f"http://{LOOPBACK}:{SERVICE_PORT}",
        },
        log=log,
    )


def _service_process(project: Project, *, port: int, log: Path) -> ProcessSpec:
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
    """Return the processes of the service and of an app that uses it, with a shared key if the shop has keys."""
    service = _service_process(project, port=service_port, log=logs / "service.log")
    app = _app_process(project, host=LOOPBACK, port=port, api_url=service.address, log=logs / "app.log")
    if not read_keys(project.keys) or "API_KEY" in os.environ:
        return service, app
    key = secrets.token_urlsafe(32)
    return with_environment(service, {API_KEY_VARIABLE: key}), with_environment(app, {"API_KEY": key})


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _reachable_host(host: str) -> str:
    """Return the host under which this machine reaches a server that listens on all addresses."""
    return {"0.0.0.0": LOOPBACK, "::": "::1"}.get(host, host)  # noqa: S104  # what a user may choose


def _announce(specs: list[ProcessSpec], *, opens: bool, as_json: bool) -> None:
    if as_json:
        print_json({spec.name: spec.address for spec in specs})
    else:
        for spec in specs:
            stdout_console().print(f"{spec.name.capitalize() + ':':9}{spec.address}", markup=False)
        stdout_console().print("Press Ctrl-C to stop.")
    if opens:
        webbrowser.open(specs[-1].address)
