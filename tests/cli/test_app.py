"""Programs that are started together answer together, and none is left behind, however they end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shopwright.cli import app
from shopwright.cli.processes import find_free_port
from shopwright.core.errors import ConfigurationError
from shopwright.core.passwords import hash_password, write_password
from shopwright.service.keys import create_key
from shopwright.settings import load_project

PROVIDER = """[auth]
redirect_uri = "https://shop.example/oauth2callback"
cookie_secret = "0123456789abcdef0123456789abcdef"
client_id = "shopwright"
client_secret = "of the client"
server_metadata_url = "https://login.example/.well-known/openid-configuration"
"""

# Two servers that answer "200" and tell their numbers; the second takes no notice of SIGTERM and has a child.
TOGETHER = """
import json, sys
from shopwright.cli.processes import ProcessSpec, run_processes
from shopwright.core.errors import StoppedError

SERVER = '''
import http.server, os, signal, subprocess, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
child = 0
if sys.argv[3] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "60"]).pid
if sys.argv[3] == "broken":
    sys.exit("error: no luck today")
open(sys.argv[2], "w").write(f"{os.getpid()} {child}")
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
'''

def program(name, port, kind):
    return ProcessSpec(
        name=name,
        command=(sys.executable, "-c", SERVER, port, f"{sys.argv[1]}/{name}", kind),
        address=f"http://127.0.0.1:{port}",
        health=f"http://127.0.0.1:{port}/",
        log=__import__("pathlib").Path(sys.argv[1]) / f"{name}.log",
    )

import shopwright.cli.processes as programs
programs.STOP_TIMEOUT_SECONDS = 0.5
try:
    run_processes(
        [program("one", sys.argv[2], "plain"), program("two", sys.argv[3], sys.argv[4])],
        announce=lambda: print("ready", flush=True),
    )
except StoppedError as error:
    sys.exit(f"error: {error}")
"""


def started(folder, kind="stubborn"):
    ports = [str(find_free_port("127.0.0.1", 0)) for _ in range(2)]
    return subprocess.Popen(
        [sys.executable, "-c", TOGETHER, str(folder), *ports, kind],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def numbers(folder):
    """Process numbers of both servers and of what they started."""
    texts = [(folder / name).read_text() for name in ("one", "two")]
    return [int(number) for text in texts for number in text.split() if number != "0"]


def is_alive(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    return state != "Z"


def wait_until(true, seconds=20):
    last = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < last
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_and_what_they_started(tmp_path, number):
    with started(tmp_path) as together:
        assert together.stdout.readline() == "ready\n"
        known = numbers(tmp_path)
        assert (len(known), all(map(is_alive, known))) == (3, True)
        together.send_signal(number)
        assert together.wait(20) == 0
    assert not any(map(is_alive, known))


def test_when_one_ends_the_other_is_ended(tmp_path):
    with started(tmp_path) as together:
        assert together.stdout.readline() == "ready\n"
        known = numbers(tmp_path)
        os.kill(known[0], signal.SIGKILL)
        assert together.wait(20) == 1
        assert together.stderr.read() == "error: The one exited with code -9\n"
    assert not any(map(is_alive, known))


def test_one_that_does_not_start_ends_the_other_and_says_why(tmp_path):
    with started(tmp_path, "broken") as together:
        assert together.wait(20) == 1
        said = together.stderr.read()
    assert said == f"error: The two exited with code 1: no luck today (see {tmp_path / 'two.log'})\n"
    if (tmp_path / "one").exists():
        assert not is_alive(int((tmp_path / "one").read_text().split()[0]))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent was killed")
def test_a_killed_parent_leaves_no_server_behind(tmp_path):
    with started(tmp_path, "plain") as together:
        assert together.stdout.readline() == "ready\n"
        known = numbers(tmp_path)
        together.kill()
        wait_until(lambda: not any(map(is_alive, known)))


def test_a_taken_port_is_told():
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        port = door.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"Port {port} on 127.0.0.1 is not available"):
            find_free_port("127.0.0.1", port)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "shopwright.toml").write_text("")
    return load_project(tmp_path)


@pytest.mark.parametrize(
    ("host", "address", "reached"),
    [
        ("127.0.0.1", "http://127.0.0.1:", "http://127.0.0.1:"),
        ("0.0.0.0", "http://0.0.0.0:", "http://127.0.0.1:"),
    ],
)
def test_an_app_is_asked_where_it_is_found(project, host, address, reached):
    made = app._app_process(project, host=host, port=0, api_url=None)
    assert made.address.startswith(address)
    assert made.health.startswith(reached)
    assert made.environment["SHOPWRIGHT_PROJECT"] == str(project.root)
    assert made.environment["API_URL"] == "http://127.0.0.1:8000"
    assert "--browser.gatherUsageStats=false" in made.command
    assert Path(made.command[4]).is_file()


def test_addresses_are_one_document_for_machines(project, capsys):
    service = app._service_process(project, port=0, log=project.work / "log")
    app._announce([service], opens=False, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"service": service.address}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "shop.example", ""])
def test_no_other_machine_reaches_an_app_without_a_password(project, monkeypatch, host):
    started = []
    monkeypatch.setattr(app, "run_processes", lambda specs, **_: started.extend(specs))
    monkeypatch.setattr(app, "find_free_port", lambda _, port: port)

    def start(host):
        app.app_command(project.root, host=host, port=1, api_url=None, opens=False, as_json=False)

    with pytest.raises(ConfigurationError, match="keys password"):
        start(host)
    assert started == []
    start("127.0.0.1")
    write_password(project.app_password, hash_password("correct horse battery"))
    start(host)
    assert len(started) == 2
    project.app_password.unlink()  # a restore that left it out
    for address in (host, "127.0.0.1"):
        with pytest.raises(ConfigurationError, match="is gone"):
            start(address)


def test_an_app_with_a_provider_needs_its_library_and_reads_no_other_secrets(project, monkeypatch):
    (project.root / "shopwright.toml").write_text('[app]\nallowed = ["@shop.example"]\n')
    project.app_login.parent.mkdir()
    project.app_login.touch(0o600)
    project.app_login.write_text(PROVIDER)
    project = load_project(project.root)
    monkeypatch.setattr(app, "find_spec", lambda name: None if name == "authlib" else name)
    with pytest.raises(ConfigurationError, match=r"needs authlib. Run `pip install 'shopwright\[app\]'"):
        app._check_access(project, "0.0.0.0")
    monkeypatch.setattr(app, "find_spec", lambda name: name)
    app._check_access(project, "0.0.0.0")
    made = app._app_process(project, host="127.0.0.1", port=0, api_url=None)
    assert f"--secrets.files={project.app_login}" in made.command
    assert "--server.trustedUserHeaders={}" in made.command
    assert made.environment["STREAMLIT_SERVER_ENABLE_AGENT_API"] == "false"


def test_a_missing_extra_is_named(project, monkeypatch):
    monkeypatch.setattr(app, "find_spec", lambda _: None)
    with pytest.raises(
        ConfigurationError, match=r"streamlit and plotly. Run `pip install 'shopwright\[app\]'"
    ):
        app._load(project.root, needs=("streamlit", "plotly"))


def test_an_app_gets_a_key_where_the_shop_has_any(project, monkeypatch):
    monkeypatch.delenv("API_KEY", raising=False)
    service, pages = app._pair(project, port=0, service_port=0, logs=project.work)
    assert "API_KEY" not in service.environment | pages.environment
    create_key(project.keys, "checkout", ["predict"], now=datetime.now(UTC))
    service, pages = app._pair(project, port=0, service_port=0, logs=project.work)
    assert service.environment["SHOPWRIGHT_API_KEY"] == pages.environment["API_KEY"]
    assert len(pages.environment["API_KEY"]) > 40
    monkeypatch.setenv("API_KEY", "given")
    _, pages = app._pair(project, port=0, service_port=0, logs=project.work)
    assert "API_KEY" not in pages.environment
