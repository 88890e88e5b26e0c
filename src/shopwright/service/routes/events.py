"""Route of the collector: receives events as they happen."""

from __future__ import annotations

from asyncio import to_thread, wrap_future
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict

from shopwright.collector import Receipt, Spool
from shopwright.collector.parsing import parse_json, parse_json_lines
from shopwright.collector.schema import EXAMPLE, event_schema
from shopwright.core.errors import BatchError, SpoolError
from shopwright.service.errors import MAX_ERRORS, ProblemError, problem_responses
from shopwright.service.security import guarded_router
from shopwright.service.state import get_service
from shopwright.service.telemetry import log_exception

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI

    from shopwright.ingest.records import Record
    from shopwright.service.state import Service
    from shopwright.settings import Project

_PARSERS = {
    "application/json": parse_json,
    "application/x-ndjson": parse_json_lines,
    "application/jsonl": parse_json_lines,
}
"""Parsers by media type."""
_MAX_INLINE_BYTES = 1 << 16
"""Bytes of a body that is parsed on the event loop; a longer one would hold up other requests, and gets a thread."""
_MAX_INLINE_REJECTIONS = 100
"""Rejected events of a response that is serialized on the event loop."""


class BrokenRule(BaseModel):
    """A rule that an event violates."""

    rule: str
    meaning: str
    """The rule in words."""


class RejectedEvent(BaseModel):
    """An event that was rejected and quarantined."""

    index: int
    """Position in the batch, from 0; blank lines are not counted."""
    event_id: str | None
    """The event's own id, if it has one."""
    rules: list[BrokenRule]


class BatchResult(BaseModel):
    """Outcome of a batch. Everything reported here is on disk."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "accepted": 1,
                "duplicate": 0,
                "rejected": [
                    {
                        "index": 1,
                        "event_id": "7d0c2f9e-42",
                        "rules": [{"rule": "event_at_missing", "meaning": "`event_at` has a value."}],
                    }
                ],
            }
        }
    )

    accepted: int
    duplicate: int
    """Events with an id that was accepted before."""
    rejected: list[RejectedEvent]


def _body() -> dict[str, Any]:
    events = {"type": "array", "items": event_schema(), "minItems": 1}
    wrapped = {"type": "object", "required": ["events"], "properties": {"events": events}}
    lines = {"schema": {"type": "string", "description": "One event per line."}}
    return {
        "required": True,
        "content": {
            "application/json": {"schema": {"anyOf": [events, wrapped]}, "example": [EXAMPLE]},
            "application/x-ndjson": lines,
            "application/jsonl": lines,
        },
    }


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    try:
        if service.project.collector.exists():
            # Recover now what a killed process left open, so that the first request does not wait for it.
            await to_thread(_spool, app, service)
    except (SpoolError, OSError) as error:
        log_exception(error, "")  # other routes still work, and the first batch of events reports the error
    try:
        yield
    finally:
        spool: Spool | None = getattr(app.state, "spool", None)
        if spool is not None:
            del app.state.spool
            await to_thread(spool.close)


router = guarded_router("collect", tags=["events"], lifespan=_lifespan)


@router.post(
    "/v1/events",
    status_code=202,
    summary="Collect events",
    response_model=BatchResult,
    openapi_extra={"requestBody": _body()},
    responses=problem_responses(415),
)
async def collect(request: Request) -> Response:
    """Collect events sent as a JSON array, as `{"events": [...]}` or as JSON lines; each is checked against its contract.

    Accepted events are on disk before the response. Events that violate rules are listed and quarantined; if all events of a
    batch do, the response is a 422. It is safe to send a batch again: events that were accepted before are recognized by
    their ids. `shopwright ingest` loads the events into the lake.
    """
    service = get_service(request)
    records = await _records(request, service)
    receipt = await wrap_future(_spool(request.app, service).submit(records))
    _count(service, receipt)
    if receipt.accepted or receipt.duplicate:
        return (
            await to_thread(_response, receipt)
            if len(receipt.rejected) > _MAX_INLINE_REJECTIONS
            else _response(receipt)
        )
    listed = receipt.rejected[:MAX_ERRORS]
    raise ProblemError(
        422,
        "invalid",
        "Every event of the batch violates a rule of the contract; all were quarantined"
        + (
            f". The first {len(listed)} of {len(receipt.rejected):,} are listed"
            * (len(listed) < len(receipt.rejected))
        ),
        errors=[
            (f"events.{rejection.index}", f"{rule}: {meaning}")
            for rejection in listed
            for rule, meaning in rejection.rules
        ],
    )


async def _records(request: Request, service: Service) -> list[Record]:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in _PARSERS:
        raise ProblemError(415, "media-type", f"Send events as one of {', '.join(_PARSERS)}")
    body = await request.body()
    limit = service.project.settings.ingest.max_record_bytes
    try:
        parsing = (
            to_thread(_PARSERS[media_type], body, max_bytes=limit) if len(body) > _MAX_INLINE_BYTES else None
        )
        records = await parsing if parsing else _PARSERS[media_type](body, max_bytes=limit)
    except BatchError as error:
        raise ProblemError(400, "bad-request", str(error)) from None
    if not records:
        raise ProblemError(422, "invalid", "The batch has no events")
    if len(records) > service.settings.max_batch_events:
        raise ProblemError(
            413, "too-large", f"A batch has at most {service.settings.max_batch_events:,} events"
        )
    return records


def _spool(app: FastAPI, service: Service) -> Spool:
    """Return the spool of the service, opening it on first use."""
    spool: Spool | None = getattr(app.state, "spool", None)
    if spool is None:
        spool = app.state.spool = _open_spool(service.project)
        service.metrics.queue.set_function(lambda: spool.waiting)
    return spool


def _open_spool(project: Project) -> Spool:
    try:
        return Spool(project)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SpoolError(f"Events cannot be stored at present ({reason}). Try again later") from error


def _count(service: Service, receipt: Receipt) -> None:
    outcomes = {
        "accepted": receipt.accepted,
        "duplicate": receipt.duplicate,
        "rejected": len(receipt.rejected),
    }
    for outcome, count in outcomes.items():
        service.metrics.events.labels(outcome).inc(count)


def _response(receipt: Receipt) -> Response:
    rejected = [
        RejectedEvent(
            index=rejection.index,
            event_id=rejection.event_id,
            rules=[BrokenRule(rule=rule, meaning=meaning) for rule, meaning in rejection.rules],
        )
        for rejection in receipt.rejected
    ]
    content = BatchResult(accepted=receipt.accepted, duplicate=receipt.duplicate, rejected=rejected)
    return Response(content.model_dump_json(), 202, media_type="application/json")
