"""``shopwright serve | keys``: run the HTTP API, and manage its API keys."""

from __future__ import annotations

import secrets
import sys
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import Annotated

import typer

from shopwright.cli.output import (
    DEFAULT_PROJECT,
    JsonOption,
    ProjectOption,
    print_json,
    stderr_console,
    stdout_console,
    table,
)
from shopwright.core.errors import ConfigurationError
from shopwright.core.passwords import hash_password, remove_password, write_password
from shopwright.service.keys import (
    SCOPES,
    KeyRecord,
    create_key,
    read_keys,
    revoke_key,
    rotate_key,
)
from shopwright.settings import load_project

keys = typer.Typer(
    help="Create, list, rotate and revoke API keys of the service, and set the password of the app.",
    no_args_is_help=True,
)
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Who uses the key, such as checkout.")]
REQUIRED_PACKAGES = ("fastapi", "uvicorn", "prometheus_client", "pyarrow", "mlflow", "xgboost", "lightgbm")


def command(
    project: ProjectOption = DEFAULT_PROJECT,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 picks a free one.")] = 8000,
    as_json: JsonOption = False,
) -> None:
    """Run the HTTP API: scores, experiments, reports and event collection.

    Without an API key it serves this machine only. A newly promoted champion takes over without a restart.

    Example:
        shopwright serve --project my-shop
    """
    loaded = load_project(project)
    _check_installed()
    from shopwright.service.server import bind_server  # noqa: PLC0415  # slow to import

    with bind_server(loaded, host=host, port=port) as server:
        if as_json:
            print_json({"address": server.address, "is_open": server.allows_anonymous})
        _announce(loaded.settings.shop.name, server.address, allows_anonymous=server.allows_anonymous)
        server.run()


@keys.command("create")
def create_command(
    name: NameArgument,
    project: ProjectOption = DEFAULT_PROJECT,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help=f"What the key allows: {', '.join(SCOPES)}. Repeat the option for several.",
            show_default="all",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Create a key and show it once.

    Example:
        shopwright keys create checkout --scope predict --scope collect
    """
    # create_key checks the scopes.
    record, key = create_key(load_project(project).keys, name, scope or SCOPES, now=datetime.now(UTC))  # type: ignore[arg-type]
    _show(record, key, as_json=as_json)


@keys.command("list")
def list_command(project: ProjectOption = DEFAULT_PROJECT, as_json: JsonOption = False) -> None:
    """List the keys, without their secrets.

    Example:
        shopwright keys list
    """
    records = read_keys(load_project(project).keys)
    now = datetime.now(UTC)
    if as_json:
        print_json([_to_dict(record, now) for record in records])
    elif not records:
        stdout_console().print("No API keys yet. Create one with `shopwright keys create NAME`", markup=False)
    else:
        rows = [
            (
                record.id,
                record.name,
                ", ".join(record.scopes),
                record.created_at,
                record.ends_at,
                "yes" if record.is_valid(now) else "no",
            )
            for record in records
        ]
        stdout_console().print(
            table("", ("id", "name", "scopes", "created (UTC)", "expires (UTC)", "valid"), rows)
        )


@keys.command("revoke")
def revoke_command(
    name: NameArgument, project: ProjectOption = DEFAULT_PROJECT, as_json: JsonOption = False
) -> None:
    """Revoke a key; a running service notices within seconds.

    Example:
        shopwright keys revoke checkout
    """
    count = revoke_key(load_project(project).keys, name, now=datetime.now(UTC))
    if as_json:
        print_json({"name": name, "revoked": count})
    else:
        stdout_console().print(f"{count} key{'s' if count > 1 else ''} of {name} revoked", markup=False)


@keys.command("rotate")
def rotate_command(
    name: NameArgument,
    project: ProjectOption = DEFAULT_PROJECT,
    grace: Annotated[
        float,
        typer.Option(metavar="HOURS", min=0, max=8_760, help="Hours for which the old key stays valid."),
    ] = 24,
    as_json: JsonOption = False,
) -> None:
    """Replace a key by a new one with the same name and scopes; the old one expires.

    Example:
        shopwright keys rotate checkout --grace 1
    """
    record, key = rotate_key(
        load_project(project).keys, name, now=datetime.now(UTC), grace=timedelta(hours=grace)
    )
    _show(record, key, as_json=as_json)


@keys.command("password")
def password_command(
    project: ProjectOption = DEFAULT_PROJECT,
    generate: Annotated[
        bool, typer.Option("--generate", help="Make a random password and show it once.")
    ] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove the password: the app is open to this machine only.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Set the password of the app. A changed one ends all sessions.

    It is asked for twice, or read from a pipe, and stored as a salted hash (scrypt).

    Example:
        shopwright keys password
    """
    loaded = load_project(project)
    if remove and generate:
        raise typer.BadParameter("--remove and --generate exclude each other")
    if remove:
        removed = remove_password(loaded.app_password)
        if as_json:
            print_json({"removed": removed})
        else:
            stdout_console().print("Password removed" if removed else "The app has no password")
        return
    password = secrets.token_urlsafe(18) if generate else _read_new_password()
    write_password(loaded.app_password, hash_password(password))
    if as_json:
        print_json({"password": password if generate else None})
        return
    if generate:
        stdout_console().print(password, markup=False, soft_wrap=True)
    is_used = not loaded.app_login.exists()
    stderr_console().print(
        (
            "The app asks for this password from now on."
            if is_used
            else f"{loaded.app_login} comes first: the app asks for this password once that file is gone."
        )
        + (" Store it now: it cannot be shown again." if generate else ""),
        markup=False,
        soft_wrap=True,
    )


def _read_new_password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def _announce(shop: str, address: str, *, allows_anonymous: bool) -> None:
    console = stderr_console()
    console.print(f"Serving {shop} at {address} (see /docs)", markup=False, soft_wrap=True)
    if allows_anonymous:
        console.print(
            "No API key is required, so only this machine is served. Create a key with `shopwright keys create NAME`.",
            markup=False,
        )


def _show(record: KeyRecord, key: str, *, as_json: bool) -> None:
    if as_json:
        print_json({**_to_dict(record, record.created_at), "key": key})
        return
    stdout_console().print(key, markup=False)
    stderr_console().print(
        f"API key of {record.name} ({', '.join(record.scopes)}). Store it now: it cannot be shown again.",
        markup=False,
    )


def _to_dict(record: KeyRecord, now: datetime) -> dict[str, object]:
    return {
        "id": record.id,
        "name": record.name,
        "scopes": list(record.scopes),
        "created_at": record.created_at.isoformat(),
        "ends_at": record.ends_at.isoformat() if record.ends_at else None,
        "is_valid": record.is_valid(now),
    }


def _check_installed() -> None:
    missing = [name for name in REQUIRED_PACKAGES if find_spec(name) is None]
    if missing:
        raise ConfigurationError(f"Missing {' and '.join(missing)}. Run `pip install 'shopwright[api]'`")
