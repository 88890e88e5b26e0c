"""Programs that run until they are told to stop: started together, answered for together, stopped together."""

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

READY_WITHIN_SECONDS = 120.0
"""A first start compiles and imports much on a slow machine."""
STOPS_WITHIN_SECONDS = 10.0
_LOOK_EVERY_SECONDS = 0.1
_DIE_WITH_PARENT = 1
"""``PR_SET_PDEATHSIG`` of Linux."""
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """A server of ours in a process of its own."""

    name: str
    """As people call it, such as ``service``."""
    command: tuple[str, ...]
    address: str
    """Where people find it."""
    health: str
    """An address that answers 200 once the program serves."""
    environment: dict[str, str] = field(default_factory=dict)
    """Beside that of this process."""
    log: Path | None = None
    """Where its output goes; standard error where not given."""


def with_environment(program: ProcessSpec, further: dict[str, str]) -> ProcessSpec:
    """The program with further variables in its environment."""
    return replace(program, environment=program.environment | further)


def find_free_port(host: str, port: int) -> int:
    """The port, or a free one for 0.

    Raises:
        ConfigurationError: it is taken, or this machine has no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((host, port))
        except OSError as error:
            raise ConfigurationError(
                f"port {port} of {host} cannot be used ({error.strerror}); choose another, or 0 for a free one"
            ) from None
        found: int = door.getsockname()[1]
        return found


def run_processes(programs: Sequence[ProcessSpec], *, announce: Callable[[], None]) -> None:
    """Start programs, wait until all answer, and stop all of them when one ends or a signal asks to.

    Args:
        programs: what to run.
        announce: called once, when all answer.

    Raises:
        StoppedError: a program ended by itself, or never answered.
    """
    with _asked_to_end() as asked, ExitStack() as running:
        started = [(program, running.enter_context(_running(program))) for program in programs]
        for program, process in started:
            _await(program, process, started, asked)
        if not asked:
            announce()
        while not asked:
            _check(started)
            time.sleep(_LOOK_EVERY_SECONDS)


@contextmanager
def _asked_to_end() -> Iterator[list[int]]:
    """A list that gets the number of each signal that asks this process to end, in place of dying of it."""
    asked: list[int] = []
    before = {each: signal.signal(each, lambda number, _: asked.append(number)) for each in _ENDING}
    try:
        yield asked
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def _running(program: ProcessSpec) -> Iterator[subprocess.Popen[bytes]]:
    """A program's process; it has ended, with all that it started, when the block ends."""
    with ExitStack() as open_files:
        log = sys.stderr.fileno()
        if program.log is not None:
            program.log.parent.mkdir(parents=True, exist_ok=True)
            log = open_files.enter_context(program.log.open("wb")).fileno()
        process = subprocess.Popen(  # noqa: S603  # our own programs, and no shell
            program.command,
            env=os.environ | program.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C is for us: we pass it on in our way
            preexec_fn=_dying_with(os.getpid()),  # noqa: PLW1509  # one system call, before any thread
        )
    try:
        yield process
    finally:
        _stop(process)


def _dying_with(parent: int) -> Callable[[], None]:
    """What a new process does first, so that it ends even if this one is killed; nothing where the system cannot."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)

    def bind() -> None:
        if prctl is not None:
            prctl(_DIE_WITH_PARENT, signal.SIGTERM)
            if os.getppid() != parent:  # it was killed meanwhile
                os._exit(1)

    return bind


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOPS_WITHIN_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # itself where it hangs, and whatever it left behind
    process.wait()


def _await(
    program: ProcessSpec,
    process: subprocess.Popen[bytes],
    started: Sequence[tuple[ProcessSpec, subprocess.Popen[bytes]]],
    asked: list[int],
) -> None:
    """Wait until a program answers, or somebody asks to end."""
    last = time.monotonic() + READY_WITHIN_SECONDS
    while not asked and not _answers(program.health):
        _check(started)
        if time.monotonic() > last:
            raise StoppedError(
                f"the {program.name} (process {process.pid}) did not answer at {program.health} within "
                f"{READY_WITHIN_SECONDS:.0f} seconds{_seen_in(program)}"
            )
        time.sleep(_LOOK_EVERY_SECONDS)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310  # an address of ours
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _check(started: Sequence[tuple[ProcessSpec, subprocess.Popen[bytes]]]) -> None:
    for program, process in started:
        if process.poll() is not None:
            raise StoppedError(
                f"the {program.name} ended by itself with code {process.returncode}{_seen_in(program)}"
            )


def _seen_in(program: ProcessSpec) -> str:
    """The last thing that a program said, and where the rest is."""
    if program.log is None:
        return ""
    lines = program.log.read_text(encoding="utf-8", errors="replace").split("\n")
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f": {said.removeprefix('error: ')} (see {program.log})" if said else ""
