"""Every failure as one shape, problem details (RFC 9457), and the status code of each of our errors."""

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
"""Class of error, the status and the kind of problem; the first that fits."""
RETRY_SECONDS = 5
"""When to come back after a 503."""
MAX_ERRORS = 20
"""Things that one answer names as wrong; the others are counted."""
_PATH = re.compile(r"""(?<![\w:/.*@~-])/(?:[^\s/'"()]+/)+([^\s/'"();,]+)""")
"""A file by its whole path, which is no part of an address."""
_KINDS = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "media-type",
    422: "invalid",
}


class FieldError(BaseModel):
    """One thing that is wrong, and where."""

    field: str
    """Path into the request, such as ``body.total_views``."""
    message: str


class Problem(BaseModel):
    """What went wrong, as RFC 9457 has it."""

    type: str
    """Kind of problem, the same for all of its kind: ``urn:shopwright:problem:`` and a word."""
    title: str
    status: int
    detail: str
    """This one, in a sentence."""
    errors: list[FieldError] = []
    """Fields at fault."""
    request_id: str = ""
    """As in the header X-Request-ID and in the logs."""


class ProblemError(HTTPException):
    """A problem to answer with.

    Args:
        status: of HTTP.
        kind: a word for machines, such as ``no-champion``.
        detail: a sentence for people; never what came in the request.
        errors: fields at fault with what is wrong with them.
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
        """As it is answered."""
        return _problem(self.status_code, self.kind, self.detail, self.errors)


def not_found(what: str) -> ProblemError:
    """What was asked for does not exist."""
    return ProblemError(404, "not-found", what)


def no_champion(model: str, reason: str) -> ProblemError:
    """No version of a model serves."""
    return ProblemError(
        503, "no-champion", f"{model} cannot be asked: {reason}", headers={"Retry-After": "60"}
    )


def problem_from_error(error: ShopwrightError, project: Project) -> ProblemError:
    """The problem that one of our errors is."""
    for kind, status, word in STATUSES:
        if isinstance(error, kind):
            retry = {"Retry-After": str(RETRY_SECONDS)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
            return ProblemError(status, word, redact_paths(str(error), project), headers=retry)
    return ProblemError(500, "failed", "the request could not be answered")


def redact_paths(text: str, project: Project) -> str:
    """A text without where this machine keeps the project and its models, which is nobody's business out there.

    Files of the project are named from its root on, other ones by their name alone.
    """
    if registry := project.settings.models.tracking_uri:
        address = registry.rstrip("/")
        for each in (address, redact_uri(address), urlsplit(address).hostname):
            text = text.replace(each, "the registry") if each else text
    text = re.sub(rf"{re.escape(str(project.root))}(?![\w.-])/?", "", text)
    return _PATH.sub(r"\1", text)


def problem_response(problem: ProblemError, request_id: str = "") -> Response:
    """The problem as an answer. ASCII only, since a name that is no text may come back in it."""
    document = problem.problem.model_dump() | {"request_id": request_id}
    return Response(
        json.dumps(document).encode(), problem.status_code, dict(problem.headers or {}), media_type=MEDIA_TYPE
    )


def add_handlers(app: FastAPI) -> None:
    """Have every failure answered in the one shape."""
    app.add_exception_handler(StarletteHTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(ShopwrightError, _on_own)


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Statuses of problems for a route's documentation."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


async def _on_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, StarletteHTTPException):
        raise error
    if not isinstance(error, ProblemError):
        kind = _KINDS.get(error.status_code, "failed")
        error = ProblemError(error.status_code, kind, _told(error), headers=error.headers)
    return problem_response(error, _request_id(request))


async def _on_invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return problem_response(validation_problem(error.errors()), _request_id(request))


async def _on_own(request: Request, error: Exception) -> Response:
    if not isinstance(error, ShopwrightError):
        raise error
    return problem_response(
        problem_from_error(error, request.app.state.service.project), _request_id(request)
    )


def validation_problem(errors: Sequence[Mapping[str, Any]], *, place: str = "") -> ProblemError:
    """What pydantic found wrong, without the values.

    Args:
        errors: as pydantic tells them.
        place: what to put before each path.
    """
    found = [
        (
            ".".join([place] * bool(place) + [str(part)[:100] for part in each["loc"]]),
            _message(each),
        )
        for each in errors[:MAX_ERRORS]
    ]
    first = f"{found[0][0]}: {found[0][1]}" if found else "the request is not as problem_responses"
    more = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
    return ProblemError(422, "invalid", f"{first}{more}", errors=found)


def _message(error: Mapping[str, Any]) -> str:
    if error["type"] == "json_invalid":
        return "no JSON"
    if error["type"] == "extra_forbidden":
        return "no such field"
    return str(error["msg"]).removeprefix("Value error, ")


def _told(error: StarletteHTTPException) -> str:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return "there is nothing at this address; /docs lists what there is"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return "this address does not take this method; /docs lists what there is"
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
