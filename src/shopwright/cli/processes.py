"""Server processes that are started together, watched together and stopped together."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from shopwright.core.errors import ConfigurationError, StoppedError

START_TIMEOUT_SECONDS = 120.0
"""Generous, since the first start compiles and imports a lot on a slow machine."""
STOP_TIMEOUT_SECONDS = 10.0
_POLL_SECONDS = 0.1
_PR_SET_PDEATHSIG = 1
"""Option of Linux's ``prctl``."""
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """How to start one server in a process of its own."""

    name: str
    """Name in messages, such as ``service``."""
    command: tuple[str, ...]
    address: str
    """URL for users."""
    health: str
    """URL that returns 200 once the server is ready."""
    environment: dict[str, str] = field(default_factory=dict)
    """Variables added to the environment of this process."""
    log: Path | None = None
    """File for its output; standard error by default."""


def with_environment(spec: ProcessSpec, variables: dict[str, str]) -> ProcessSpec:
    """Return a process with more variables in its environment."""
    return replace(spec, environment=spec.environment | variables)


def find_free_port(host: str, port: int) -> int:
    """Return the port, or a free one for 0.

    Raises:
        ConfigurationError: the port is taken, or this machine has no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise ConfigurationError(
                f"Port {port} on {host} is not available ({error.strerror}). Choose another one, or 0 for any free port"
            ) from None
        free: int = listener.getsockname()[1]
        return free


def run_processes(specs: Sequence[ProcessSpec], *, announce: Callable[[], None]) -> None:
    """Start processes, wait until all are ready, and stop all of them when one exits or a signal arrives.

    Args:
        specs: processes to run.
        announce: called once, when all are ready.

    Raises:
        StoppedError: a process exited by itself, or did not become ready in time.
    """
    with _stop_signals() as signals, ExitStack() as stack:
        started = [(spec, stack.enter_context(_running(spec))) for spec in specs]
        for spec, process in started:
            _wait_until_ready(spec, process, started, signals)
        if not signals:
            announce()
        while not signals:
            _check(started)
            time.sleep(_POLL_SECONDS)


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """Yield a list that collects the stop signals this process receives, instead of being terminated by them."""
    received: list[int] = []
    previous = {
        number: signal.signal(number, lambda number, _: received.append(number)) for number in _STOP_SIGNALS
    }
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def _running(spec: ProcessSpec) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process; when the block ends it is stopped, with all processes that it started."""
    with ExitStack() as open_files:
        log = sys.stderr.fileno()
        if spec.log is not None:
            spec.log.parent.mkdir(parents=True, exist_ok=True)
            log = open_files.enter_context(spec.log.open("wb")).fileno()
        process = subprocess.Popen(  # noqa: S603  # our own commands, and no shell
            spec.command,
            env=os.environ | spec.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C goes to this process, which stops the others in order
            preexec_fn=_exit_with_parent(os.getpid()),  # noqa: PLW1509  # one system call, before any thread
        )
    try:
        yield process
    finally:
        _stop(process)


def _exit_with_parent(parent: int) -> Callable[[], None]:
    """Return what a new process runs first, so that it exits even if this one is killed (on Linux only)."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)

    def bind() -> None:
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # the parent was killed before the call
                os._exit(1)

    return bind


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_TIMEOUT_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # the process if it hangs, and any children it left behind
    process.wait()


def _wait_until_ready(
    spec: ProcessSpec,
    process: subprocess.Popen[bytes],
    started: Sequence[tuple[ProcessSpec, subprocess.Popen[bytes]]],
    signals: list[int],
) -> None:
    """Wait until a process is ready or a stop signal arrives."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not signals and not _is_ready(spec.health):
        _check(started)
        if time.monotonic() > deadline:
            raise StoppedError(
                f"The {spec.name} (process {process.pid}) did not respond at {spec.health} within "
                f"{START_TIMEOUT_SECONDS:.0f} seconds{_last_message(spec)}"
            )
        time.sleep(_POLL_SECONDS)


def _is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as response:  # noqa: S310  # our own address
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _check(started: Sequence[tuple[ProcessSpec, subprocess.Popen[bytes]]]) -> None:
    for spec, process in started:
        if process.poll() is not None:
            raise StoppedError(f"The {spec.name} exited with code {process.returncode}{_last_message(spec)}")


def _last_message(spec: ProcessSpec) -> str:
    """Return the last line of a process's log and the name of the file; empty without a log."""
    if spec.log is None:
        return ""
    lines = spec.log.read_text(encoding="utf-8", errors="replace").split("\n")
    message = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f": {message.removeprefix('error: ')} (see {spec.log})" if message else ""
