"""The service as a process: the address it listens on, never reachable from outside without an API key."""

from __future__ import annotations

import gc
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn
from threadpoolctl import threadpool_limits

from shopwright.core.addresses import is_loopback
from shopwright.core.errors import ConfigurationError
from shopwright.service.app import create_app
from shopwright.service.connections import ConnectionLimits, allow_open_files, limited_protocol
from shopwright.service.telemetry import configure_logging

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

    from shopwright.settings import Project

BACKLOG = 2_048
"""Connections that may wait to be accepted."""
SHUTDOWN_SECONDS = 20
"""Time that open requests have to finish when the server stops."""


@dataclass(frozen=True, slots=True)
class BoundServer:
    """A server that has its port and is ready to run."""

    app: FastAPI
    listener: socket.socket
    host: str
    port: int
    allows_anonymous: bool
    """Whether it accepts requests of this machine without a key, since there is none."""

    @property
    def address(self) -> str:
        """URL of the server."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    def run(self) -> None:
        """Serve until a signal stops the process; open requests are finished first."""
        configure_logging()
        service = self.app.state.service
        limits = ConnectionLimits(
            service.settings.max_connections,
            service.settings.head_timeout_seconds,
            service.metrics.record_refusal,
        )
        allow_open_files(limits.max_connections)
        config = uvicorn.Config(
            self.app,
            http=limited_protocol(limits),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
        # What is loaded by now stays for good. Without freezing it, each full garbage collection would scan it and pause
        # all responses for a fifth of a second.
        gc.collect()
        gc.freeze()
        # One thread per score: with an arithmetic library's own default, threads wait for each other on a busy machine.
        with threadpool_limits(1):
            uvicorn.Server(config).run(sockets=[self.listener])


@contextmanager
def bind_server(project: Project, *, host: str, port: int) -> Iterator[BoundServer]:
    """Load the champion and bind the port.

    Args:
        project: the shop.
        host: address or host name to listen on.
        port: 0 picks a free one.

    Raises:
        ConfigurationError: there is no API key although other machines could connect, or the port is not available.
    """
    is_local = is_loopback(host)
    app = create_app(project, allow_anonymous=is_local, is_local=is_local)
    guard = app.state.service.guard
    guard.check_key_file()
    if not is_local and guard.has_no_keys():
        raise ConfigurationError(
            f"Other machines can reach {host}, and there is no API key. Create one with `shopwright keys create NAME`, "
            "or serve this machine only with `--host 127.0.0.1`"
        )
    with _bind(host, port) as listener:
        yield BoundServer(app, listener, host, listener.getsockname()[1], guard.allows_anonymous())


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)  # from now on, early connections wait instead of being refused
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"Port {port} on {host} is not available ({error.strerror}). Choose another one, or 0 for any free port"
        ) from None
    return listener
