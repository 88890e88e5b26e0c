"""Who may ask what, how often: keys with scopes, a bucket of requests for each, and no body read before that is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from time import monotonic
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Response
from fastapi.routing import APIRoute

from shopwright.service.errors import ProblemError, problem_responses

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fastapi import Request

    from shopwright.service.keys import KeyRing, Scope

API_KEY_HEADER = "X-API-Key"
SECURITY_SCHEMES = {
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": API_KEY_HEADER,
        "description": "A key of this service.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "The same key as a bearer token."},
}
"""Ways to send a key, as the documentation has them."""
MAX_BUCKETS = 10_000
"""Callers that are remembered; beyond, those whose buckets are full are forgotten."""


@dataclass(slots=True)
class RateLimit:
    """A bucket of tokens for each caller: a request takes one, and they come back at a steady rate.

    Args:
        rate: tokens a second.
        burst: tokens of a full bucket.
    """

    rate: float
    burst: int
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Caller to the tokens left and the moment of that count."""

    def take(self, caller: str, now: float) -> float:
        """Take a token.

        Args:
            now: seconds of a clock that never goes back.

        Returns:
            Seconds until there is one; 0 where one was taken.
        """
        left, at = self._buckets.get(caller, (float(self.burst), now))
        left = min(float(self.burst), left + (now - at) * self.rate)
        if left < 1:
            return (1 - left) / self.rate
        if caller not in self._buckets and len(self._buckets) >= MAX_BUCKETS:
            self._forget(now)
        self._buckets[caller] = (left - 1, now)
        return 0.0

    def _forget(self, now: float) -> None:
        full = self.burst / self.rate
        self._buckets = {name: kept for name, kept in self._buckets.items() if now - kept[1] < full}


@dataclass(frozen=True, slots=True)
class Guard:
    """Lets a request in, or says why not."""

    keys: KeyRing
    limit: RateLimit
    allow_anonymous: bool
    """Whether requests without a key are let in as long as no key was ever made."""

    def has_no_keys(self) -> bool:
        """Whether no key is valid."""
        return self.keys.is_empty(datetime.now(UTC))

    def allows_anonymous(self) -> bool:
        """Whether anybody is let in. Once it was not, it never is again; revoking the last key opens nothing."""
        return self.allow_anonymous and not self.keys.has_ever_had_keys()

    def admit(self, request: Request, scope: Scope) -> None:
        """Let a request in.

        Raises:
            ProblemError: 401 without a valid key, 403 without the scope, 429 beyond the rate.
        """
        caller = request.client.host if request.client else "local"
        if not self.allows_anonymous():
            caller = self._caller(request, scope)
        request.state.caller = caller if caller.startswith("key ") else ""
        if wait := self.limit.take(caller, monotonic()):
            raise ProblemError(
                429,
                "too-many-requests",
                f"more than {self.limit.rate:g} requests a second; wait and try again",
                headers={"Retry-After": str(max(1, ceil(wait)))},
            )

    def _caller(self, request: Request, scope: Scope) -> str:
        found = self.keys.find(_sent(request), datetime.now(UTC))
        if found is None:
            raise ProblemError(
                401,
                "not-authenticated",
                f"a valid key is needed, in the header {API_KEY_HEADER} or as a bearer token",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if scope not in found.scopes:
            raise ProblemError(403, "not-allowed", f"this key has not the scope '{scope}'")
        return f"key {found.id}"


def guarded_router(scope: Scope, **given: Any) -> APIRouter:
    """A router whose routes ask for a key with a scope before they read a body.

    Args:
        given: further arguments of FastAPI's ``APIRouter``.
    """

    class Guarded(APIRoute):
        def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
            extra = dict(options.pop("openapi_extra", None) or {})
            extra.setdefault("security", [{name: []} for name in SECURITY_SCHEMES])
            options["responses"] = problem_responses(400, 401, 403, 413, 422, 429, 503) | dict(
                options.get("responses") or {}
            )
            super().__init__(path, endpoint, openapi_extra=extra, **options)

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            answer = super().get_route_handler()

            async def admitted(request: Request) -> Response:
                guard: Guard = request.app.state.service.guard
                guard.admit(request, scope)
                return await answer(request)

            return admitted

    return APIRouter(route_class=Guarded, **given)


def _sent(request: Request) -> str:
    if key := request.headers.get(API_KEY_HEADER):
        return key
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""
