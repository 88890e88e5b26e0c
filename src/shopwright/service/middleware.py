"""The outermost layer: an id for each request, limits on its size and time, and what is told of it afterwards."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from secrets import token_hex
from time import perf_counter
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect

from shopwright.core.errors import ShopwrightError
from shopwright.service.errors import ProblemError, problem_from_error, problem_response
from shopwright.service.telemetry import RequestLog, log_exception

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

BULK = "/bulk_predict"
GONE = 499
"""What is counted where the sender hung up in the middle of its body; nobody is there to be answered."""
UNKNOWN = "(unknown)"
LOCAL = ("localhost", "127.0.0.1", "::1")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HOST = re.compile(r"\[?([^\]]*?)\]?(?::\d+)?")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True, slots=True)
class RequestMiddleware:
    """ASGI middleware around everything else."""

    app: Application
    project: Project
    metrics: ServiceMetrics
    guard: Guard
    is_local: bool
    """Whether it serves this machine alone: as long as it asks for no key, no other name of it is answered to, so that no
    page of the web can reach it by a name that it points here."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        await _Exchange(self, scope, receive, send).run()


class _Exchange:
    """One request and its answer."""

    def __init__(self, edge: RequestMiddleware, scope: Scope, receive: Receive, send: Send) -> None:
        self.edge, self.scope = edge, scope
        self._receive, self._send = receive, send
        self.headers = Headers(scope=scope)
        given = self.headers.get("x-request-id", "")
        self.request_id = given if _REQUEST_ID.fullmatch(given) else token_hex(16)
        is_bulk = scope["path"].rstrip("/") == BULK
        settings = edge.project.settings.service
        self.limit = settings.max_bulk_bytes if is_bulk else settings.max_body_bytes
        self.seconds = settings.bulk_timeout_seconds if is_bulk else settings.timeout_seconds
        self.received = 0
        self.is_received = False
        self.status = 0
        self.is_gone = False

    async def run(self) -> None:
        started = perf_counter()
        self.scope.setdefault("state", {})["request_id"] = self.request_id
        try:
            await self._answer()
        finally:
            self._tell(perf_counter() - started)

    async def _answer(self) -> None:
        try:
            self._check()
            async with asyncio.timeout(self.seconds):
                await self.edge.app(self.scope, self.receive, self.send)
        except ProblemError as problem:
            await self._refuse(problem)
        except TimeoutError:
            await self._refuse(
                ProblemError(
                    503, "timeout", f"no answer within {self.seconds:g} s", headers={"Retry-After": "5"}
                )
            )
        except ShopwrightError as error:
            await self._refuse(problem_from_error(error, self.edge.project))
        except ClientDisconnect:
            self.is_gone = True
        except Exception as error:  # noqa: BLE001  # whatever it is, the caller gets a problem and the log its place
            log_exception(error, self.request_id)
            await self._refuse(
                ProblemError(
                    500, "fault", "this is a fault of the service; its log tells more by the request's id"
                )
            )

    def _check(self) -> None:
        host = _HOST.fullmatch(self.headers.get("host", "localhost"))
        is_named_so = host is not None and host.group(1).lower() in LOCAL
        if self.edge.is_local and not is_named_so and self.edge.guard.allows_anonymous():
            raise ProblemError(403, "not-local", "without a key this service answers to localhost only")
        if self.headers.get("content-encoding", "identity") != "identity":
            raise ProblemError(415, "media-type", "compressed bodies are not taken; send it as it is")
        length = self.headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > self.limit:
            raise self._too_large()

    def _too_large(self) -> ProblemError:
        return ProblemError(413, "too-large", f"the body is longer than {self.limit:,} bytes")

    async def _refuse(self, problem: ProblemError) -> None:
        if self.status:  # an answer is under way, and all that can be told of it is that it ends here
            raise problem
        await problem_response(problem, self.request_id)(self.scope, self._receive, self.send)

    async def receive(self) -> Message:
        """What comes in, as long as it is not too much."""
        message = await self._receive()
        if message["type"] == "http.request":
            self.received += len(message.get("body", b""))
            if self.received > self.limit:
                raise self._too_large()
            self.is_received = not message.get("more_body", False)
        elif message["type"] == "http.disconnect" and not (self.is_received or self.status):
            self.is_gone = True
        return message

    async def send(self, message: Message) -> None:
        """What goes out, with the headers that all answers have."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self.request_id
            headers["X-Content-Type-Options"] = "nosniff"
            headers.setdefault("Cache-Control", "no-store")
        await self._send(message)

    def _tell(self, seconds: float) -> None:
        route = getattr(self.scope.get("route"), "path", UNKNOWN)
        method = self.scope["method"] if self.scope["method"] in _METHODS else UNKNOWN
        status = GONE if self.is_gone else self.status
        metrics = self.edge.metrics
        metrics.requests.labels(method, route, str(status)).inc()
        metrics.seconds.labels(route).observe(seconds)
        caller = str(self.scope["state"].get("caller", ""))
        RequestLog(method, route, status, seconds, self.request_id, caller).log()
