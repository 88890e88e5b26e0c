"""A real server: heads that never end, bodies that trickle, too many connections, and headers that no client sends."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime

import pytest

from shopwright.core.errors import ConfigurationError
from shopwright.service.keys import MARKER_NAME, create_key
from shopwright.service.server import bind_server
from shopwright.settings import load_project
from tests.service.example_shop import SESSION

MEGABYTE = 1 << 20
GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"


@contextmanager
def running(project, **settings):
    """A server in this process, in a thread; yields its port."""
    import uvicorn

    lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
    (project.root / "shopwright.toml").write_text(f"[service]\n{lines}")
    started = []

    class Server(uvicorn.Server):
        def install_signal_handlers(self):
            """Only the main thread may."""

        def run(self, sockets=None):
            started.append(self)
            return super().run(sockets)

    with (
        pytest.MonkeyPatch.context() as patch,
        bind_server(load_project(project.root), host="127.0.0.1", port=0) as bound,
    ):
        patch.setattr("shopwright.service.server.uvicorn.Server", Server)
        patch.setattr("shopwright.service.server.configure_logging", lambda: None)
        patch.setattr("shopwright.service.server.gc.freeze", lambda: None)
        thread = threading.Thread(target=bound.run)
        thread.start()
        try:
            yield bound.port
        finally:
            started[0].should_exit = True
            thread.join(30)


@pytest.fixture(scope="module")
def root(served, tmp_path_factory):
    import shutil

    copied = tmp_path_factory.mktemp("connections") / "shop"
    shutil.copytree(served.root, copied)
    return load_project(copied)


@pytest.fixture(scope="module")
def port(root):
    """A server with little patience."""
    with running(root, head_timeout_seconds=1, timeout_seconds=1, max_connections=20) as port:
        yield port


def connect(port):
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return closing(connection)


def read(connection):
    """Status and problem of the one response on a connection."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    body = response.read()
    document = json.loads(body) if body else {}
    if response.status >= 400:
        assert response.getheader("content-type") == "application/problem+json"
        assert document["status"] == response.status
        assert document["detail"]
    return response.status, document


def ask(port, request):
    with connect(port) as connection:
        connection.sendall(request)
        return read(connection)


def is_alive(port):
    started = time.monotonic()
    assert ask(port, GET + b"Connection: close\r\n\r\n")[0] == 200
    return time.monotonic() - started < 1


@pytest.mark.parametrize(
    "start",
    [
        GET + b"X-Long: ",
        GET,
        b"GET /",
        b"X" * 10,
        b"\r\n",
        b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n0\r\nX-Trailer: ",
        b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1;x=",
    ],
    ids=["value", "name", "path", "method", "line ends", "trailer", "chunk extension"],
)
def test_a_head_that_goes_on_for_megabytes_is_refused_at_once(port, start):
    """One connection of 400 MB kept the server busy for 664 s; now it is refused after 64 KB."""
    filler = b"\r\n" if start == b"\r\n" else b"a"
    sent, started = 0, time.monotonic()
    with connect(port) as connection:
        try:
            connection.sendall(start)
            while sent < 400 * MEGABYTE:
                connection.sendall(filler * (MEGABYTE // len(filler)))
                sent += MEGABYTE
        except OSError:
            pass
    assert sent < 50 * MEGABYTE
    assert time.monotonic() - started < 10
    assert is_alive(port)


def test_a_head_is_cut_at_exactly_its_limit(port):
    for size, status in ((60_000, 200), (66_000, 431)):
        value = b"a" * size
        found, problem = ask(port, GET + b"X-Long: " + value + b"\r\nConnection: close\r\n\r\n")
        assert found == status
        if status == 431:
            assert problem["type"] == "urn:shopwright:problem:head-too-large"


@pytest.mark.parametrize("start", [b"G", GET, GET + b"X: "])
def test_a_head_that_never_ends_is_closed(port, start):
    with connect(port) as connection:
        connection.sendall(start)
        for _ in range(50):  # a byte now and then does not help
            time.sleep(0.05)
            try:
                connection.sendall(b"a")
            except OSError:
                break
        assert read(connection)[0] in {400, 408} if start == b"G" else read(connection)[0] == 408


def test_a_silent_connection_is_closed(port):
    with connect(port) as connection:
        assert connection.recv(1) == b""


def test_line_ends_between_requests_do_not_hold_a_connection(port):
    with connect(port) as connection:
        connection.sendall(GET + b"\r\n")
        assert read(connection)[0] == 200
        started = time.monotonic()
        with suppress(OSError):
            while time.monotonic() - started < 15:
                connection.sendall(b"\r\n")
                time.sleep(0.1)
        assert time.monotonic() - started < 5


def test_a_body_that_trickles_is_refused(port):
    head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9000000\r\n\r\n["
    for path in (b"/bulk_predict", b"/v1/events", b"/predict"):
        started = time.monotonic()
        with connect(port) as connection:
            connection.sendall(head.replace(b"9000000", b"5000") % path)
            stop = threading.Event()

            def trickle(connection=connection, stop=stop):
                while not stop.wait(0.1):
                    try:
                        connection.sendall(b" ")
                    except OSError:
                        return

            thread = threading.Thread(target=trickle)
            thread.start()
            try:
                assert read(connection)[0] == 408
            finally:
                stop.set()
                thread.join()
        assert time.monotonic() - started < 5
    assert is_alive(port)


def test_keep_alive_and_pipelining_work_as_before(port):
    with connect(port) as connection:
        connection.sendall((GET + b"\r\n") * 30)
        stream = connection.makefile("rb")
        for _ in range(30):
            assert stream.readline().startswith(b"HTTP/1.1 200")
            length = 0
            while (line := stream.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length"):
                    length = int(line.split(b":")[1])
            stream.read(length)
        stream.close()


def test_a_large_body_in_small_chunks_is_no_long_head(root, port):
    body = json.dumps([SESSION] * 2_000).encode()
    chunks = b"".join(
        b"%x\r\n%s\r\n" % (len(part), part) for part in (body[at : at + 7] for at in range(0, len(body), 7))
    )
    request = (
        b"POST /bulk_predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunks + b"0\r\n\r\n"
    )
    status, document = ask(port, request)
    assert (status, len(document["sessions"])) == (200, 2_000)


def test_unfinished_heads_do_not_keep_others_out(root):
    with running(root, head_timeout_seconds=60, max_connections=10) as port:
        held = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(10)]
        for connection in held[:5]:
            connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        time.sleep(0.3)
        for _ in range(5):  # idle ones go first
            assert is_alive(port)
        held += [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(10)]
        for connection in held[-10:]:
            connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        time.sleep(0.3)
        statuses = {ask(port, GET + b"Connection: close\r\n\r\n")[0]}
        time.sleep(2.2)  # by now these heads are too old to be waited for
        statuses.add(ask(port, GET + b"Connection: close\r\n\r\n")[0])
        assert statuses <= {200, 503}
        assert is_alive(port)
        for connection in held:
            connection.close()


@pytest.mark.parametrize(
    ("request_lines", "status", "kind"),
    [
        ("Host: localhost\r\nHost: evil.example", 400, "duplicate-header"),
        ("Host: localhost\r\nhost: localhost", 400, "duplicate-header"),
        ("Host: localhost\r\nX-API-Key: a\r\nX-API-Key: b", 400, "duplicate-header"),
        ("X-No-Host: 1", 400, "bad-request"),
        (
            "Host: localhost\r\n" + "\r\n".join(f"X-{number}: 1" for number in range(101)),
            431,
            "too-many-headers",
        ),
        ("Host: evil.example", 403, "not-local"),
        ("Host: localhost\r\nX-Forwarded-For: 10.0.0.1", 403, "forwarded"),
        ("Host: localhost\r\nX-Forwarded-Proto: https", 403, "forwarded"),
        ("Host: localhost\r\nForwarded: for=10.0.0.1", 403, "forwarded"),
        ("Host: localhost\r\nVia: 1.1 proxy", 403, "forwarded"),
        ("Host: localhost\r\nX-Real-IP: 10.0.0.1", 403, "forwarded"),
        ("Host: localhost\r\nCF-Connecting-IP: 10.0.0.1", 403, "forwarded"),
    ],
)
def test_headers_that_no_client_of_this_machine_sends_are_refused(port, request_lines, status, kind):
    for path in ("/health", "/predict", "/docs"):
        request = f"GET {path} HTTP/1.1\r\n{request_lines}\r\nConnection: close\r\n\r\n"
        found, problem = ask(port, request.encode())
        assert (found, problem["type"]) == (status, f"urn:shopwright:problem:{kind}")


def test_ids_of_a_megabyte_are_refused(port):
    long = "x" * MEGABYTE
    with connect(port) as connection:
        with suppress(OSError):
            connection.sendall(f"GET /v1/churn/{long} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert read(connection)[0] == 431
    for size, status in ((9_000, 414), (300, 422)):
        request = f"GET /v1/churn/{'x' * size} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        assert ask(port, request.encode())[0] == status
    for field, media_type in (("event_id", "application/json"), ("user_id", "application/x-ndjson")):
        event = json.dumps({"event_type": "page_view", field: "x" * 900_000})
        body = f"[{event}]" if media_type == "application/json" else event
        head = (
            f"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\nConnection: close\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        status, problem = ask(port, (head + body).encode())
        assert (status, problem["detail"]) == (
            400,
            f"event 1: {field} has 900,000 characters, expected at most 10,000",
        )


def test_a_proxy_may_forward_where_there_are_keys(own):
    _, key = create_key(own.keys, "shop", ["read"], now=datetime.now(UTC))
    with running(own) as port:
        request = f"GET /v1/models HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 10.0.0.1\r\nX-API-Key: {key}\r\n\r\n"
        assert ask(port, request.encode())[0] == 200


def test_a_restore_without_the_file_of_keys_opens_nothing(own):
    create_key(own.keys, "shop", ["read"], now=datetime.now(UTC))
    own.keys.unlink()
    assert (own.root / MARKER_NAME).exists()
    with (
        pytest.raises(ConfigurationError, match="open_without_keys") as told,
        bind_server(own, host="127.0.0.1", port=0),
    ):
        pass
    assert "\n" not in str(told.value)
    (own.root / "shopwright.toml").write_text("[service]\nopen_without_keys = true\n")
    with bind_server(load_project(own.root), host="127.0.0.1", port=0) as bound:
        assert bound.allows_anonymous
