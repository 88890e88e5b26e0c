"""The service as a process: where it listens, and that it never listens to everybody without a key."""

from __future__ import annotations

import gc
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

import uvicorn
from threadpoolctl import threadpool_limits

from shopwright.core.errors import ConfigurationError
from shopwright.service.app import create_app
from shopwright.service.telemetry import configure_logging

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

    from shopwright.settings import Project

BACKLOG = 2_048
"""Connections that may wait to be taken."""
GRACE_SECONDS = 20
"""How long requests may go on after it was told to stop."""


@dataclass(frozen=True, slots=True)
class BoundServer:
    """A service that is about to answer."""

    app: FastAPI
    door: socket.socket
    host: str
    port: int
    is_open: bool
    """Whether it lets anybody of this machine in, since there is no key."""

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    def run(self) -> None:
        """Answer until told to stop; requests that came before are answered first."""
        configure_logging()
        config = uvicorn.Config(
            self.app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        # What was loaded stays for good: left to the collector of garbage, it would stop all answers for a fifth of a
        # second each time that it is looked through.
        gc.collect()
        gc.freeze()
        # One thread for each score: at an arithmetic library's own choice they wait for each other on a busy machine.
        with threadpool_limits(1):
            uvicorn.Server(config).run(sockets=[self.door])


@contextmanager
def bind_server(project: Project, *, host: str, port: int) -> Iterator[BoundServer]:
    """Load the champion and take the port.

    Args:
        project: the shop.
        host: address or name to listen at.
        port: 0 takes a free one.

    Raises:
        ConfigurationError: there is no key, and others than this machine could ask; or the port cannot be taken.
    """
    is_local = is_loopback(host)
    app = create_app(project, allow_anonymous=is_local, is_local=is_local)
    guard = app.state.service.guard
    if not is_local and guard.has_no_keys():
        raise ConfigurationError(
            f"there is no key, and {host} can be reached by others: make one with 'shopwright keys create NAME', "
            "or serve this machine alone with --host 127.0.0.1"
        )
    with _door(host, port) as door:
        yield BoundServer(app, door, host, door.getsockname()[1], guard.allows_anonymous())


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _door(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((host, port))
        door.listen(BACKLOG)  # who comes from now on waits, and is not turned away
    except OSError as error:
        door.close()
        raise ConfigurationError(
            f"port {port} of {host} cannot be used ({error.strerror}); choose another, or 0 for a free one"
        ) from None
    return door
