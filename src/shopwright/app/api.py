"""The service as the pages ask it: over HTTP, with a key where one is given, and with failures in one sentence."""

from __future__ import annotations

import json
import os
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from shopwright.core.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_URL = "http://127.0.0.1:8000"
ANSWERS_WITHIN_SECONDS = 10.0
BULK_ANSWERS_WITHIN_SECONDS = 600.0


def address() -> str:
    """Where the service is looked for: ``API_URL``, or this machine."""
    return (os.environ.get("API_URL") or DEFAULT_URL).rstrip("/")


def get(path: str) -> Any:
    """The JSON document at a path.

    Raises:
        ServiceError: the service does not answer, or refuses; the message says what to do.
    """
    return json.loads(_ask(path, timeout=ANSWERS_WITHIN_SECONDS))


def predict(session: Mapping[str, Any]) -> dict[str, Any]:
    """Probability, risk band, contributions, version and date of data for one session.

    Raises:
        ServiceError: as in ``get``.
    """
    body = json.dumps(dict(session), allow_nan=False).encode()
    found: dict[str, Any] = json.loads(
        _ask("/predict", body=body, kind="application/json", timeout=ANSWERS_WITHIN_SECONDS)
    )
    return found


def predict_rows(csv: bytes) -> bytes:
    """A CSV of sessions as a CSV of the same rows, scored.

    Raises:
        ServiceError: as in ``get``; of a wrong row, which one and why.
    """
    return _ask(
        "/bulk_predict", body=csv, kind="text/csv", accept="text/csv", timeout=BULK_ANSWERS_WITHIN_SECONDS
    )


def _ask(
    path: str,
    *,
    timeout: float,
    body: bytes | None = None,
    kind: str | None = None,
    accept: str = "application/json",
) -> bytes:
    request = Request(f"{address()}{path}", data=body, headers={"Accept": accept})  # noqa: S310  # a setting
    if kind is not None:
        request.add_header("Content-Type", kind)
    if key := os.environ.get("API_KEY"):
        request.add_header("Authorization", f"Bearer {key}")
    try:
        with urlopen(request, timeout=timeout) as answer:  # noqa: S310  # as above
            found: bytes = answer.read()
            return found
    except HTTPError as error:
        raise _refused(error) from None
    except (URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise ServiceError(f"nothing answers at {address()} ({reason})") from None


def _refused(error: HTTPError) -> ServiceError:
    """What the service says is wrong, in its own words where it has any."""
    try:
        problem = json.loads(error.read())
        detail = str(problem["detail"])
    except (ValueError, KeyError, TypeError, OSError):
        problem, detail = {}, f"{error.code} {error.reason}"
    if error.code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        detail = f"{detail}; give the app a key in the environment's API_KEY"
    return ServiceError(detail, status=error.code, kind=str(problem.get("type", "")).rpartition(":")[2])
