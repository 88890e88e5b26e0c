"""``shopwright serve | keys``: answer the shop's software over HTTP, and keep the keys that it asks with."""

from __future__ import annotations

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
from shopwright.service.keys import (
    SCOPES,
    KeyRecord,
    create_key,
    read_keys,
    revoke_key,
    rotate_key,
)
from shopwright.settings import load_project

keys = typer.Typer(help="Keys of the service: make, list, revoke and replace them.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Who uses it, such as checkout.")]
NEEDS = ("fastapi", "uvicorn", "prometheus_client", "pyarrow", "mlflow", "xgboost", "lightgbm")


def command(
    project: ProjectOption = DEFAULT_PROJECT,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    as_json: JsonOption = False,
) -> None:
    """Answer the shop's software over HTTP: scores, experiments, figures, events.

    Without a key it serves this machine alone. A champion that is promoted meanwhile takes over without a pause.

    Example:
        shopwright serve --project my-shop
    """
    loaded = load_project(project)
    _check_installed()
    from shopwright.service.server import bind_server  # noqa: PLC0415  # slow to import

    with bind_server(loaded, host=host, port=port) as found:
        if as_json:
            print_json({"address": found.address, "is_open": found.is_open})
        _announce(loaded.settings.shop.name, found.address, is_open=found.is_open)
        found.run()


@keys.command("create")
def create_command(
    name: NameArgument,
    project: ProjectOption = DEFAULT_PROJECT,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help=f"What it may do: {', '.join(SCOPES)}; may be given more than once.",
            show_default="all of them",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key and show it, once.

    Example:
        shopwright keys create checkout --scope predict --scope collect
    """
    # Which scopes there are is checked where keys are made.
    made, key = create_key(load_project(project).keys, name, scope or SCOPES, now=datetime.now(UTC))  # type: ignore[arg-type]
    _show(made, key, as_json=as_json)


@keys.command("list")
def list_command(project: ProjectOption = DEFAULT_PROJECT, as_json: JsonOption = False) -> None:
    """Show the keys, without their secrets.

    Example:
        shopwright keys list
    """
    found = read_keys(load_project(project).keys)
    now = datetime.now(UTC)
    if as_json:
        print_json([_document(each, now) for each in found])
    elif not found:
        stdout_console().print("there are no keys yet; 'shopwright keys create NAME' makes one", markup=False)
    else:
        rows = [
            (
                each.id,
                each.name,
                ", ".join(each.scopes),
                each.created_at,
                each.ends_at,
                "yes" if each.is_valid(now) else "no",
            )
            for each in found
        ]
        stdout_console().print(table("", ("id", "name", "scopes", "made (UTC)", "ends (UTC)", "valid"), rows))


@keys.command("revoke")
def revoke_command(
    name: NameArgument, project: ProjectOption = DEFAULT_PROJECT, as_json: JsonOption = False
) -> None:
    """Refuse a key from now on; a service that runs notices within seconds.

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
        typer.Option(
            metavar="HOURS", min=0, max=8_760, help="How long the old key is still taken, in hours."
        ),
    ] = 24,
    as_json: JsonOption = False,
) -> None:
    """Make a new key of the same name and scopes, and let the old one end.

    Example:
        shopwright keys rotate checkout --grace 1
    """
    made, key = rotate_key(
        load_project(project).keys, name, now=datetime.now(UTC), grace=timedelta(hours=grace)
    )
    _show(made, key, as_json=as_json)


def _announce(shop: str, address: str, *, is_open: bool) -> None:
    console = stderr_console()
    console.print(f"Serving {shop} at {address} (see /docs)", markup=False, soft_wrap=True)
    if is_open:
        console.print(
            "Open without a key, to this machine alone; 'shopwright keys create NAME' makes one.",
            markup=False,
        )


def _show(made: KeyRecord, key: str, *, as_json: bool) -> None:
    if as_json:
        print_json({**_document(made, made.created_at), "key": key})
        return
    stdout_console().print(key, markup=False)
    stderr_console().print(
        f"This is the key of {made.name} ({', '.join(made.scopes)}). It is not kept and cannot be shown again.",
        markup=False,
    )


def _document(record: KeyRecord, now: datetime) -> dict[str, object]:
    return {
        "id": record.id,
        "name": record.name,
        "scopes": list(record.scopes),
        "created_at": record.created_at.isoformat(),
        "ends_at": record.ends_at.isoformat() if record.ends_at else None,
        "is_valid": record.is_valid(now),
    }


def _check_installed() -> None:
    missing = [name for name in NEEDS if find_spec(name) is None]
    if missing:
        raise ConfigurationError(f"this needs {' and '.join(missing)}: pip install 'shopwright[api]'")
