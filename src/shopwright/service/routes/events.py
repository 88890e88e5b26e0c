"""What shoppers do, as it happens: the collector."""

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

_READERS = {
    "application/json": parse_json,
    "application/x-ndjson": parse_json_lines,
    "application/jsonl": parse_json_lines,
}
"""Media type to what reads it."""
_LONG = 1 << 16
"""Bytes of a body that is not read on the thread that answers everybody."""
_MANY = 100
"""Rejected events whose answer is not written there either."""


class BrokenRule(BaseModel):
    """A rule that an event broke."""

    rule: str
    meaning: str
    """What the rule says."""


class RejectedEvent(BaseModel):
    """An event that was not accepted; it is kept in quarantine."""

    index: int
    """Its place in the batch, from 0; blank lines do not count."""
    event_id: str | None
    """Its id as it states it."""
    rules: list[BrokenRule]


class BatchResult(BaseModel):
    """What became of a batch. All that is told here is on disk."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "accepted": 1,
                "duplicate": 0,
                "rejected": [
                    {
                        "index": 1,
                        "event_id": "7d0c2f9e-42",
                        "rules": [{"rule": "user_id_missing", "meaning": "`user_id` has a value."}],
                    }
                ],
            }
        }
    )

    accepted: int
    duplicate: int
    """Events that were accepted before, by their ids."""
    rejected: list[RejectedEvent]


def _body() -> dict[str, Any]:
    events = {"type": "array", "items": event_schema(), "minItems": 1}
    wrapped = {"type": "object", "required": ["events"], "properties": {"events": events}}
    lines = {"schema": {"type": "string", "description": "One event a line."}}
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
            # What was left open is closed before the first sender waits for it.
            await to_thread(_spool, app, service)
    except (SpoolError, OSError) as error:
        log_exception(error, "")  # all else is answered, and who sends events is told
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
    summary="Take events",
    response_model=BatchResult,
    openapi_extra={"requestBody": _body()},
    responses=problem_responses(415),
)
async def collect(request: Request) -> Response:
    """Events as a JSON array, as `{"events": [...]}` or as JSON lines, each checked by the rules of its contract.

    Accepted events are on disk before the answer. Those that break rules are named, and kept in quarantine; where all of a
    batch do, the answer is a 422. A batch may be sent again as often as need be: events that were accepted are told apart by
    their ids. `shopwright ingest` takes them into the lake.
    """
    service = get_service(request)
    records = await _records(request, service)
    receipt = await wrap_future(_spool(request.app, service).submit(records))
    _count(service, receipt)
    if receipt.accepted or receipt.duplicate:
        return await to_thread(_answer, receipt) if len(receipt.rejected) > _MANY else _answer(receipt)
    named = receipt.rejected[:MAX_ERRORS]
    raise ProblemError(
        422,
        "invalid",
        "every event of the batch breaks a rule of its contract; all are kept in quarantine"
        + (
            f", and the first {len(named)} of {len(receipt.rejected):,} are named"
            * (len(named) < len(receipt.rejected))
        ),
        errors=[
            (f"events.{each.index}", f"{rule}: {meaning}") for each in named for rule, meaning in each.rules
        ],
    )


async def _records(request: Request, service: Service) -> list[Record]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _READERS:
        raise ProblemError(415, "media-type", f"send events as one of {', '.join(_READERS)}")
    body = await request.body()
    limit = service.project.settings.ingest.max_record_bytes
    try:
        read = to_thread(_READERS[kind], body, max_bytes=limit) if len(body) > _LONG else None
        records = await read if read else _READERS[kind](body, max_bytes=limit)
    except BatchError as error:
        raise ProblemError(400, "bad-request", str(error)) from None
    if not records:
        raise ProblemError(422, "invalid", "the batch holds no event")
    if len(records) > service.settings.max_batch_events:
        raise ProblemError(
            413, "too-large", f"a batch has at most {service.settings.max_batch_events:,} events"
        )
    return records


def _spool(app: FastAPI, service: Service) -> Spool:
    """The one spool of the service, begun when it is first needed."""
    found: Spool | None = getattr(app.state, "spool", None)
    if found is None:
        found = app.state.spool = _begun(service.project)
        service.metrics.queue.set_function(lambda: found.waiting)
    return found


def _begun(project: Project) -> Spool:
    try:
        return Spool(project)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SpoolError(f"events cannot be kept at present ({reason}); try again later") from error


def _count(service: Service, receipt: Receipt) -> None:
    outcomes = {
        "accepted": receipt.accepted,
        "duplicate": receipt.duplicate,
        "rejected": len(receipt.rejected),
    }
    for outcome, count in outcomes.items():
        service.metrics.events.labels(outcome).inc(count)


def _answer(receipt: Receipt) -> Response:
    rejected = [
        RejectedEvent(
            index=each.index,
            event_id=each.event_id,
            rules=[BrokenRule(rule=rule, meaning=meaning) for rule, meaning in each.rules],
        )
        for each in receipt.rejected
    ]
    collected = BatchResult(accepted=receipt.accepted, duplicate=receipt.duplicate, rejected=rejected)
    return Response(collected.model_dump_json(), 202, media_type="application/json")
