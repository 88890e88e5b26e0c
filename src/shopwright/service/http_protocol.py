"""The HTTP protocol of the service: uvicorn's, with a limit of size and time on each request's head.

The head (request line and headers) comes before any check of the application. Without a limit, one connection whose header
never ends keeps the parser busy for minutes, and with it every other request.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from asyncio import TimerHandle, Transport

MAX_HEAD_BYTES = 65_536
"""Longest head of a request, in bytes; a longer one gets status 431."""
HEAD_SECONDS = 10.0
"""Time in which a head must arrive, from the first byte; a slower one gets status 408."""

_END = b"\r\n\r\n"


class BoundedHeadProtocol(HttpToolsProtocol):
    """Connection that refuses a head which is too long or takes too long, before it is parsed."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._in_head = True
        self._head = bytearray()
        self._head_timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin a connection; its first head is awaited from now on."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """End a connection."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what arrived, unless it makes the head of a request too long."""
        if self._in_head:
            self._start_timer()
            self._head += data
            if self._head_length() > MAX_HEAD_BYTES:
                self._refuse(
                    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                    f"The head is longer than {MAX_HEAD_BYTES:,} bytes",
                )
                return
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """Take a head that arrived in full."""
        self._in_head = False
        self._head.clear()
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Take a body that arrived in full; the next head may follow."""
        super().on_message_complete()
        self._in_head = True

    def _head_length(self) -> int:
        """Return how long the head is so far, without a body that arrived together with it."""
        end = self._head.find(_END)
        return len(self._head) if end < 0 else end

    def _start_timer(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._time_out)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _time_out(self) -> None:
        self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"The head did not arrive within {HEAD_SECONDS:g} seconds")

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Answer with a problem, unless a response is being sent, and close the connection."""
        self._stop_timer()
        if self.transport.is_closing():
            return
        cycle = getattr(self, "cycle", None)  # none before the first request
        if cycle is None or cycle.response_complete:
            body = json.dumps(
                {
                    "type": f"urn:shopwright:problem:{status.phrase.lower().replace(' ', '-')}",
                    "title": status.phrase,
                    "status": status.value,
                    "detail": detail,
                }
            ).encode()
            self.transport.write(
                f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/problem+json\r\n"
                f"content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
                + body
            )
        self.transport.close()
