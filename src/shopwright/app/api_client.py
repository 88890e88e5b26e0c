"""HTTP client of the service for pages, with an optional key and failures as one sentence."""

from __future__ import annotations

import json
import os
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from shopwright.app import access
from shopwright.core.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_URL = "http://127.0.0.1:8000"
TIMEOUT_SECONDS = 10.0
BULK_TIMEOUT_SECONDS = 600.0


def service_url() -> str:
    """Return the service's address: ``API_URL``, or this machine."""
    return (os.environ.get("API_URL") or DEFAULT_URL).rstrip("/")


def get(path: str) -> Any:
    """Return the JSON document at a path.

    Raises:
        ServiceError: the service does not respond, or rejects the request.
    """
    return json.loads(_request(path, timeout=TIMEOUT_SECONDS))


def predict(session: Mapping[str, Any]) -> dict[str, Any]:
    """Return probability, risk band, contributions, version and data date for one session.

    Raises:
        ServiceError: as in ``get``.
    """
    body = json.dumps(dict(session), allow_nan=False).encode()
    response: dict[str, Any] = json.loads(
        _request("/predict", body=body, content_type="application/json", timeout=TIMEOUT_SECONDS)
    )
    return response


def predict_file(csv: bytes) -> bytes:
    """Score a CSV file of sessions and return the same rows with scores.

    Raises:
        ServiceError: as in ``get``; names the row that is wrong and why.
    """
    return _request(
        "/bulk_predict", body=csv, content_type="text/csv", accept="text/csv", timeout=BULK_TIMEOUT_SECONDS
    )


def _request(
    path: str,
    *,
    timeout: float,
    body: bytes | None = None,
    content_type: str | None = None,
    accept: str = "application/json",
) -> bytes:
    access.check_session()  # the key is for visitors who may see the app
    request = Request(f"{service_url()}{path}", data=body, headers={"Accept": accept})  # noqa: S310  # a setting
    if content_type is not None:
        request.add_header("Content-Type", content_type)
    if key := os.environ.get("API_KEY"):
        request.add_header("Authorization", f"Bearer {key}")
    try:
        with urlopen(request, timeout=timeout) as response:  # noqa: S310  # as above
            content: bytes = response.read()
            return content
    except HTTPError as error:
        raise _to_service_error(error) from None
    except (URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise ServiceError(f"nothing responds at {service_url()} ({reason})") from None


def _to_service_error(error: HTTPError) -> ServiceError:
    """Return the service's own message, or the HTTP status where the response has none."""
    try:
        problem = json.loads(error.read())
        detail = str(problem["detail"])
    except (ValueError, KeyError, TypeError, OSError):
        problem, detail = {}, f"{error.code} {error.reason}"
    if error.code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        detail = f"{detail}; set API_KEY in the app's environment to a key of the service"
    return ServiceError(detail, status=error.code, kind=str(problem.get("type", "")).rpartition(":")[2])
