"""Authentication and rate limits: keys with scopes and a token bucket for each caller, checked before a body is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from time import monotonic
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Response
from fastapi.routing import APIRoute

from shopwright.service.errors import ProblemError, problem_responses
from shopwright.service.failed_keys import FailedKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fastapi import Request

    from shopwright.service.keys import KeyRing, Scope
    from shopwright.service.telemetry import ServiceMetrics

API_KEY_HEADER = "X-API-Key"
SECURITY_SCHEMES = {
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": API_KEY_HEADER,
        "description": "An API key of this service.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "The same key as a bearer token."},
}
"""Ways to send a key, as OpenAPI describes them."""
MAX_BUCKETS = 10_000
"""Callers with a bucket of their own; beyond it, full buckets are dropped, which changes nothing for their callers."""


@dataclass(slots=True)
class RateLimit:
    """A token bucket for each caller: a request takes a token, and tokens come back at a steady rate.

    Args:
        rate: tokens per second.
        burst: tokens in a full bucket.
    """

    rate: float
    burst: int
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Tokens left by caller, and the time of that count."""

    def take(self, caller: str, now: float) -> float:
        """Take a token.

        Args:
            caller: whose bucket.
            now: seconds of a clock that never goes back.

        Returns:
            Seconds until there is a token; 0 where one was taken.
        """
        tokens, counted_at = self._buckets.get(caller, (float(self.burst), now))
        tokens = min(float(self.burst), tokens + (now - counted_at) * self.rate)
        if tokens < 1:
            return (1 - tokens) / self.rate
        if caller not in self._buckets and len(self._buckets) >= MAX_BUCKETS:
            self._drop_full_buckets(now)
        self._buckets[caller] = (tokens - 1, now)
        return 0.0

    def _drop_full_buckets(self, now: float) -> None:
        seconds_to_fill = self.burst / self.rate
        self._buckets = {
            caller: bucket for caller, bucket in self._buckets.items() if now - bucket[1] < seconds_to_fill
        }


@dataclass(frozen=True, slots=True)
class Guard:
    """Admission of requests: a valid key with the right scope, within the rate limit."""

    keys: KeyRing
    limit: RateLimit
    allow_anonymous: bool
    """Whether requests without a key are accepted as long as no key was ever created."""
    metrics: ServiceMetrics
    failed_keys: FailedKeys = field(default_factory=FailedKeys)

    def check_key_file(self) -> None:
        """Refuse to start where the shop had keys and their file is gone, as after a restore without it.

        Raises:
            ConfigurationError: no key could open the service, and nothing says that it should be open.
        """
        self.keys.check_file()

    def has_no_keys(self) -> bool:
        """Return whether no key is valid."""
        return self.keys.is_empty(datetime.now(UTC))

    def allows_anonymous(self) -> bool:
        """Return whether requests without a key are accepted.

        Once a key exists this stays False for good: revoking the last key must not open the service.
        """
        return self.allow_anonymous and not self.keys.has_ever_had_keys()

    def admit(self, request: Request, scope: Scope) -> None:
        """Admit a request.

        Raises:
            ProblemError: 401 without a valid key, 403 without the scope, 429 beyond the rate.
        """
        caller = request.client.host if request.client else "local"
        if not self.allows_anonymous():
            caller = self._authenticate(request, scope, caller)
        # The log names keys, never addresses.
        request.state.caller = caller if caller.startswith("key ") else ""
        if wait_seconds := self.limit.take(caller, monotonic()):
            raise ProblemError(
                429,
                "too-many-requests",
                f"More than {self.limit.rate:g} requests per second. Wait and try again",
                headers={"Retry-After": str(max(1, ceil(wait_seconds)))},
            )

    def _authenticate(self, request: Request, scope: Scope, address: str) -> str:
        sent, now = _sent_key(request), monotonic()
        if wait_seconds := self.failed_keys.wait_seconds(address, sent, now):
            self.metrics.failed_keys.labels("limited").inc()
            raise ProblemError(
                429,
                "too-many-failed-keys",
                "Too many requests with invalid keys from this address. Wait and try again",
                headers={"Retry-After": str(max(1, ceil(wait_seconds)))},
            )
        key = self.keys.find(sent, datetime.now(UTC))
        if key is not None:
            self.failed_keys.accept(address, sent)
        else:
            if sent:  # a request without any key guesses nothing
                self.failed_keys.fail(address, now)
                self.metrics.failed_keys.labels("refused").inc()
            raise ProblemError(
                401,
                "not-authenticated",
                f"Send a valid API key in the header {API_KEY_HEADER} or as a bearer token",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if scope not in key.scopes:
            raise ProblemError(403, "not-allowed", f"This key does not have the scope '{scope}'")
        return f"key {key.id}"


def guarded_router(scope: Scope, **options: Any) -> APIRouter:
    """Return a router whose routes require a key with a scope, checked before the body is read.

    A FastAPI dependency would run after the body was parsed, so the check wraps the route's handler.

    Args:
        scope: what a key has to be allowed to do.
        options: further arguments of FastAPI's ``APIRouter``.
    """

    class GuardedRoute(APIRoute):
        def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
            extra = dict(options.pop("openapi_extra", None) or {})
            extra.setdefault("security", [{name: []} for name in SECURITY_SCHEMES])
            options["responses"] = problem_responses(400, 401, 403, 413, 422, 429, 503) | dict(
                options.get("responses") or {}
            )
            super().__init__(path, endpoint, openapi_extra=extra, **options)

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handler = super().get_route_handler()

            async def guarded_handler(request: Request) -> Response:
                guard: Guard = request.app.state.service.guard
                guard.admit(request, scope)
                return await handler(request)

            return guarded_handler

    return APIRouter(route_class=GuardedRoute, **options)


def _sent_key(request: Request) -> str:
    if key := request.headers.get(API_KEY_HEADER):
        return key
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""
