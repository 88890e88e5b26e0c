"""Connections of the server: how long and how large the head of a request may be, and how many connections there may be.

A server that hands every byte to its parser waits for a head that never ends, and its parser copies a header that grows. So
bytes are counted before they are parsed, and everything that is no progress (no complete head, no byte of a body) counts:
also trailers and the framing of chunks.
"""

from __future__ import annotations

import json
import resource
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_hex
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from shopwright.service.errors import MEDIA_TYPE, ProblemError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

MAX_HEAD_BYTES = 65_536
"""Bytes of a request's head, and of anything else that is neither head nor body."""
_PIECE_BYTES = 16_384
"""Bytes that are parsed at once, so that what follows a head in the same packet is counted apart from it."""
_LINGER_SECONDS = 1.0
"""How long a refused client's bytes are thrown away before the connection is closed: closed at once, the system would
discard the response too."""
_LINGER_BYTES = 4 << 20
"""How many of them."""
_MIN_AGE_SECONDS = 2.0
"""Age at which an unfinished head may lose its connection to a new client, when there are too many."""
_SPARE_FILES = 512
"""Files that a server has open beside its connections."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits of one server process."""

    max_connections: int
    head_seconds: float
    """Time from the first byte of a head to its last, and that a client may stay silent before its first one."""
    on_refused: Callable[[int], None]
    """Called with the status of each refusal, which no middleware sees."""


def limited_protocol(limits: ConnectionLimits) -> type[LimitedProtocol]:
    """Return the protocol of a server with these limits."""
    return type("ServerProtocol", (LimitedProtocol,), {"limits": limits})


def allow_open_files(connections: int) -> None:
    """Raise this process's limit of open files, as far as it may, to what its connections need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + _SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        highest = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (highest, hard))


class LimitedProtocol(HttpToolsProtocol):
    """One connection; each refusal is a problem, as of every other request."""

    limits: ClassVar[ConnectionLimits]

    _quiet_bytes = 0
    """Bytes since the last progress."""
    _has_advanced = False
    is_in_head = False
    """Whether a head has begun and not ended."""
    _is_refused = False
    since = 0.0
    """When the current head began, or the connection became idle."""
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base class
        """Accept a connection, if there is room or an idle one can go."""
        super().connection_made(transport)
        self._await_head()
        if len(self.connections) > self.limits.max_connections and not self._make_room():
            self._refuse(
                ProblemError(
                    503, "busy", "Too many connections. Try again later", headers={"Retry-After": "5"}
                )
            )

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse bytes of a client, as long as they are within the limits."""
        if self._is_refused:
            self._quiet_bytes += len(data)
            if self._quiet_bytes > _LINGER_BYTES:
                self.transport.abort()
            return
        while data and not self._is_over:
            if self._timer is None and self.is_idle:
                self._await_head()
            # a head is cut exactly at the limit, so that a longer one is never complete
            size = max(1, min(_PIECE_BYTES, MAX_HEAD_BYTES - self._quiet_bytes + 1))
            piece, data = data[:size], data[size:]
            self._has_advanced = False
            super().data_received(piece)
            self._quiet_bytes = 0 if self._has_advanced else self._quiet_bytes + len(piece)
            if self._quiet_bytes > MAX_HEAD_BYTES:
                self._refuse(
                    ProblemError(
                        431, "head-too-large", f"The request's head is longer than {MAX_HEAD_BYTES:,} bytes"
                    )
                )

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # the parser's words help nobody
        """Refuse what is not HTTP."""
        self._refuse(ProblemError(400, "bad-request", "This is not a valid HTTP/1.1 request"))

    def on_message_begin(self) -> None:
        """Begin the clock of a head."""
        super().on_message_begin()
        self.is_in_head = True
        if self._timer is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        """Stop the clock of a head."""
        self.is_in_head, self._has_advanced = False, True
        self._stop_timer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        self._has_advanced = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Take the end of a body."""
        self._has_advanced = True
        super().on_message_complete()

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered."""
        return getattr(self.cycle, "response_complete", True)  # none before the first request

    @property
    def _is_over(self) -> bool:
        """Whether nothing more of this client is read."""
        return self._is_refused or self.transport.is_closing()

    def _await_head(self) -> None:
        self.since = monotonic()
        self._timer = self.loop.call_later(self.limits.head_seconds, self._on_timeout)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timeout(self) -> None:
        self._timer = None
        if not self.is_idle:  # a head behind a request that is still being answered
            self._await_head()
        elif self.is_in_head:
            seconds = self.limits.head_seconds
            self._refuse(
                ProblemError(408, "timeout", f"The request's head took longer than {seconds:g} seconds")
            )
        else:
            self.transport.close()

    def _make_room(self) -> bool:
        """Close the connection that has been idle for longest, or else the oldest unfinished head; return whether there was one."""
        now = monotonic()
        candidates = [
            other
            for other in self.connections
            if isinstance(other, LimitedProtocol)
            and other is not self
            and other.is_idle
            and not other.transport.is_closing()
            and not (other.is_in_head and now - other.since < _MIN_AGE_SECONDS)
        ]
        if not candidates:
            return False
        min(candidates, key=lambda other: (other.is_in_head, other.since)).transport.abort()
        return True

    def _refuse(self, problem: ProblemError) -> None:
        """Send a problem, and close the connection once the client has had time to read it."""
        self._stop_timer()
        self._is_refused = True
        self.limits.on_refused(problem.status_code)
        if self.transport.is_closing():
            return
        request_id = token_hex(16)
        body = json.dumps(problem.problem.model_dump() | {"request_id": request_id}).encode()
        headers = {
            "Content-Type": MEDIA_TYPE,
            "Content-Length": str(len(body)),
            "Connection": "close",
            "X-Request-ID": request_id,
            "Cache-Control": "no-store",
            **(problem.headers or {}),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.transport.write(STATUS_LINE[problem.status_code] + lines.encode() + b"\r\n" + body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGER_SECONDS, self.transport.abort)
