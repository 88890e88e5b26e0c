"""Problem details (RFC 9457), the one shape of every failure, and the HTTP status of each of our errors."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fastapi import HTTPException, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException as StarletteHTTPException

from shopwright.core.errors import (
    ArtifactError,
    BusyError,
    ConfigurationError,
    DataError,
    MissingDataError,
    ShopwrightError,
)
from shopwright.registry.tracking import redact_uri

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI, Request

    from shopwright.settings import Project

MEDIA_TYPE = "application/problem+json"
STATUSES: tuple[tuple[type[ShopwrightError], int, str], ...] = (
    (MissingDataError, 404, "no-data"),
    (DataError, 422, "no-answer"),
    (BusyError, 503, "busy"),
    (ArtifactError, 503, "model-refused"),
    (ConfigurationError, 503, "not-configured"),
    (ShopwrightError, 500, "failed"),
)
"""Class of error, HTTP status and problem kind. The first match counts, so subclasses come before their base."""
RETRY_SECONDS = 5
"""Value of Retry-After of a 503."""
MAX_ERRORS = 20
"""Errors that one response lists; further ones are only counted."""
_PATH = re.compile(r"""(?<![\w:/.*@~-])/(?:[^\s/'"()]+/)+([^\s/'"();,]+)""")
"""An absolute path of a file that is not part of a URL."""
_KINDS = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "media-type",
    422: "invalid",
}


class FieldError(BaseModel):
    """One invalid field."""

    field: str
    """Path into the request, such as ``body.total_views``."""
    message: str


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: str
    """Problem kind: ``urn:shopwright:problem:`` and a name such as ``no-champion``."""
    title: str
    status: int
    detail: str
    """This occurrence, in a sentence."""
    errors: list[FieldError] = []
    """Invalid fields."""
    request_id: str = ""
    """Same as in the header X-Request-ID and in the logs."""


class ProblemError(HTTPException):
    """A problem to respond with.

    Args:
        status: HTTP status.
        kind: name for machines, such as ``no-champion``.
        detail: sentence for people; never quotes values of the request.
        errors: invalid fields, each with a message.
        headers: of the response.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.kind = kind
        self.errors = tuple(errors)

    @property
    def problem(self) -> Problem:
        """Body of the response, without the request id."""
        return _problem(self.status_code, self.kind, self.detail, self.errors)


def not_found(detail: str) -> ProblemError:
    """Return the 404 for something that does not exist."""
    return ProblemError(404, "not-found", detail)


def no_champion(model: str, reason: str) -> ProblemError:
    """Return the 503 for a model without a loaded version."""
    return ProblemError(503, "no-champion", f"No live {model} model: {reason}", headers={"Retry-After": "60"})


def problem_from_error(error: ShopwrightError, project: Project) -> ProblemError:
    """Return the problem that reports one of our errors."""
    for error_class, status, kind in STATUSES:
        if isinstance(error, error_class):
            retry = {"Retry-After": str(RETRY_SECONDS)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
            return ProblemError(status, kind, redact_paths(str(error), project), headers=retry)
    return ProblemError(500, "failed", "The request failed")


def redact_paths(text: str, project: Project) -> str:
    """Return a text without the locations of the project and its registry, which clients must not learn.

    Files of the project are named relative to its root, other files by their name alone.
    """
    if registry := project.settings.models.tracking_uri:
        address = registry.rstrip("/")
        for location in (address, redact_uri(address), urlsplit(address).hostname):
            text = text.replace(location, "the registry") if location else text
    text = re.sub(rf"{re.escape(str(project.root))}(?![\w.-])/?", "", text)
    return _PATH.sub(r"\1", text)


def problem_response(problem: ProblemError, request_id: str = "") -> Response:
    """Return a problem as a response.

    It is ASCII only: a field's name may hold a lone surrogate, which UTF-8 cannot encode.
    """
    content = problem.problem.model_dump() | {"request_id": request_id}
    return Response(
        json.dumps(content).encode(), problem.status_code, dict(problem.headers or {}), media_type=MEDIA_TYPE
    )


def add_handlers(app: FastAPI) -> None:
    """Respond to every failure with a problem."""
    app.add_exception_handler(StarletteHTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(ShopwrightError, _on_shopwright_error)


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of a route for these problem statuses."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


async def _on_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, StarletteHTTPException):
        raise error
    if not isinstance(error, ProblemError):
        kind = _KINDS.get(error.status_code, "failed")
        error = ProblemError(error.status_code, kind, _http_detail(error), headers=error.headers)
    return problem_response(error, _request_id(request))


async def _on_invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return problem_response(validation_problem(error.errors()), _request_id(request))


async def _on_shopwright_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, ShopwrightError):
        raise error
    return problem_response(
        problem_from_error(error, request.app.state.service.project), _request_id(request)
    )


def validation_problem(errors: Sequence[Mapping[str, Any]], *, prefix: str = "") -> ProblemError:
    """Return the 422 for a validation error of pydantic, without the invalid values.

    Args:
        errors: as pydantic reports them.
        prefix: put before the path of each field.
    """
    fields = [
        (
            ".".join([prefix] * bool(prefix) + [str(key)[:100] for key in error["loc"]]),
            _message(error),
        )
        for error in errors[:MAX_ERRORS]
    ]
    first = f"{fields[0][0]}: {fields[0][1]}" if fields else "The request is invalid. See /docs"
    more = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
    return ProblemError(422, "invalid", f"{first}{more}", errors=fields)


def _message(error: Mapping[str, Any]) -> str:
    if error["type"] == "json_invalid":
        return "invalid JSON"
    if error["type"] == "extra_forbidden":
        return "unknown field"
    return str(error["msg"]).removeprefix("Value error, ")


def _http_detail(error: StarletteHTTPException) -> str:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return "There is no such path. See /docs for all paths"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return "This path does not support this method. See /docs for all paths"
    return str(error.detail)


def _problem(status: int, kind: str, detail: str, errors: Sequence[tuple[str, str]]) -> Problem:
    return Problem(
        type=f"urn:shopwright:problem:{kind}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=[FieldError(field=field, message=message) for field, message in errors],
    )


def _request_id(request: Request) -> str:
    return str(request.scope.get("state", {}).get("request_id", ""))
