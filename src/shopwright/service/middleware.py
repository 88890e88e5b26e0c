"""The outermost ASGI layer: request ids, limits on size and time, and metrics and a log line for each request."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from secrets import token_hex
from time import perf_counter
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect

from shopwright.core.addresses import is_forwarded, is_local_name
from shopwright.core.errors import ShopwrightError
from shopwright.service.errors import ProblemError, problem_from_error, problem_response
from shopwright.service.telemetry import UNKNOWN, RequestLog, log_exception

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from shopwright.service.security import Guard
    from shopwright.service.telemetry import ServiceMetrics
    from shopwright.settings import Project

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Application = Callable[[Scope, Receive, Send], Awaitable[None]]

BULK_PATH = "/bulk_predict"
CLIENT_CLOSED_REQUEST = 499
"""Status that is counted where the client disconnected while sending its body; no response is sent."""
MAX_HEADERS = 100
MAX_TARGET_BYTES = 8_192
"""Bytes of a path with its query."""
MIN_BODY_RATE = 16_384
"""Bytes per second of a body at least, on average, after a time of grace as long as an ordinary request may take."""
SINGLE_HEADERS = ("host", "content-length", "content-type", "authorization", "x-api-key")
"""Headers of which two would let this service and a proxy before it read different requests."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""Methods that get a label of their own: an invented one may not create a new time series."""


@dataclass(frozen=True, slots=True)
class RequestMiddleware:
    """ASGI middleware around everything else."""

    app: Application
    project: Project
    metrics: ServiceMetrics
    guard: Guard
    is_local: bool
    """Whether only this machine is served. While no key is required, requests to other host names are refused, so that a
    web page cannot reach the service through a domain of its own that resolves to this machine (DNS rebinding)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        await _Exchange(self, scope, receive, send).run()


class _Exchange:
    """One request and its response."""

    def __init__(self, middleware: RequestMiddleware, scope: Scope, receive: Receive, send: Send) -> None:
        self.middleware, self.scope = middleware, scope
        self._receive, self._send = receive, send
        self.headers = Headers(scope=scope)
        request_id = self.headers.get("x-request-id", "")
        self.request_id = request_id if _REQUEST_ID.fullmatch(request_id) else token_hex(16)
        is_bulk = scope["path"].rstrip("/") == BULK_PATH
        settings = middleware.project.settings.service
        self.max_bytes = settings.max_bulk_bytes if is_bulk else settings.max_body_bytes
        self.timeout_seconds = settings.bulk_timeout_seconds if is_bulk else settings.timeout_seconds
        self.received_bytes = 0
        self.waited_seconds = 0.0
        self.waits_for_body = False
        self.is_received = False
        self.status = 0
        self.is_disconnected = False

    async def run(self) -> None:
        started = perf_counter()
        self.scope.setdefault("state", {})["request_id"] = self.request_id
        try:
            await self._handle()
        finally:
            self._record(perf_counter() - started)

    async def _handle(self) -> None:
        try:
            self._check()
            async with asyncio.timeout(self.timeout_seconds):
                await self.middleware.app(self.scope, self.receive, self.send)
        except ProblemError as problem:
            await self._refuse(problem)
        except TimeoutError:
            await self._refuse(
                self._too_slow()
                if self.waits_for_body
                else ProblemError(
                    503,
                    "timeout",
                    f"The request took longer than {self.timeout_seconds:g} seconds",
                    headers={"Retry-After": "5"},
                )
            )
        except ShopwrightError as error:
            await self._refuse(problem_from_error(error, self.middleware.project))
        except ClientDisconnect:
            self.is_disconnected = True
        except Exception as error:  # noqa: BLE001  # whatever it is, the client gets a problem and the log its origin
            log_exception(error, self.request_id)
            await self._refuse(
                ProblemError(500, "fault", "Internal error. Look up the request id in the log of the service")
            )

    def _check(self) -> None:
        """Refuse what no client of this service sends, before anything else looks at the request."""
        self._check_form()
        if self.middleware.guard.allows_anonymous():
            if is_forwarded(self.headers):
                raise ProblemError(
                    403,
                    "forwarded",
                    "Without an API key the service does not answer requests that a proxy forwarded. "
                    "Create a key with `shopwright keys create NAME`",
                )
            if self.middleware.is_local and not is_local_name(self.headers.get("host", "localhost")):
                raise ProblemError(
                    403, "not-local", "Without an API key the service responds to localhost only"
                )
        if self.headers.get("content-encoding", "identity") != "identity":
            raise ProblemError(415, "media-type", "Compressed bodies are not supported. Send it uncompressed")
        length = self.headers.get("content-length", "")
        # Only the first digits are read: an endless number would take long to convert.
        if length.isdecimal() and int(length[:20]) > self.max_bytes:
            raise self._too_large()

    def _check_form(self) -> None:
        names = [name.lower() for name in self.headers]
        if len(names) > MAX_HEADERS:
            raise ProblemError(431, "too-many-headers", f"The request has more than {MAX_HEADERS} headers")
        for name in SINGLE_HEADERS:
            if names.count(name) > 1:
                raise ProblemError(400, "duplicate-header", f"The request has more than one header {name}")
        if self.scope.get("http_version") == "1.1" and "host" not in names:
            raise ProblemError(400, "bad-request", "The request has no header host")
        target = len(self.scope.get("raw_path") or b"") + len(self.scope["query_string"])
        if target > MAX_TARGET_BYTES:
            raise ProblemError(
                414, "uri-too-long", f"Path and query are longer than {MAX_TARGET_BYTES:,} bytes"
            )

    def _too_large(self) -> ProblemError:
        return ProblemError(
            413,
            "too-large",
            f"The body is longer than {self.max_bytes:,} bytes",
            headers={"Connection": "close"},  # the rest of it is not read
        )

    def _too_slow(self) -> ProblemError:
        return ProblemError(
            408,
            "timeout",
            f"The body arrived too slowly: {self.received_bytes:,} bytes in {self.waited_seconds:.0f} seconds",
            headers={"Connection": "close"},
        )

    async def _refuse(self, problem: ProblemError) -> None:
        if self.status:  # the response has begun, so all that is left is to break it off
            raise problem
        await problem_response(problem, self.request_id)(self.scope, self._receive, self.send)

    async def receive(self) -> Message:
        """Receive a message, unless the body has become too long or comes too slowly."""
        message = await (self._receive() if self.is_received else self._receive_body())
        if message["type"] == "http.request":
            self.received_bytes += len(message.get("body", b""))
            if self.received_bytes > self.max_bytes:
                raise self._too_large()
            self.is_received = not message.get("more_body", False)
        elif message["type"] == "http.disconnect" and not (self.is_received or self.status):
            self.is_disconnected = True
        return message

    async def _receive_body(self) -> Message:
        """Receive a part of the body within the time that a client with the lowest rate would take."""
        patience = self.middleware.project.settings.service.timeout_seconds
        left = patience + self.received_bytes / MIN_BODY_RATE - self.waited_seconds
        started = perf_counter()
        self.waits_for_body = True  # left as it is where the request's own time ends first
        try:
            async with asyncio.timeout(max(left, 0.0)):
                message = await self._receive()
        except TimeoutError:
            raise self._too_slow() from None
        finally:
            self.waited_seconds += perf_counter() - started
        self.waits_for_body = False
        return message

    async def send(self, message: Message) -> None:
        """Send a message, with the headers that every response has."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self.request_id
            headers["X-Content-Type-Options"] = "nosniff"
            headers.setdefault("Cache-Control", "no-store")
        await self._send(message)

    def _record(self, seconds: float) -> None:
        """Count the request and write its log line."""
        route = getattr(self.scope.get("route"), "path", UNKNOWN)
        method = self.scope["method"] if self.scope["method"] in _METHODS else UNKNOWN
        status = CLIENT_CLOSED_REQUEST if self.is_disconnected else self.status
        metrics = self.middleware.metrics
        metrics.requests.labels(method, route, str(status)).inc()
        metrics.seconds.labels(route).observe(seconds)
        caller = str(self.scope["state"].get("caller", ""))
        RequestLog(method, route, status, seconds, self.request_id, caller).write()
