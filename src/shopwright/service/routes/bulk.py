"""Route that scores a file of sessions."""

from __future__ import annotations

from asyncio import to_thread
from contextlib import suppress
from errno import EDQUOT, ENOSPC
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any

from fastapi import Request  # noqa: TC002  # FastAPI reads annotations
from starlette.background import BackgroundTask
from starlette.responses import StreamingResponse

from shopwright.service.bulk import BulkFormat, BulkJob, negotiate_format, parse_content_type, score_file
from shopwright.service.errors import RETRY_SECONDS, ProblemError, problem_responses
from shopwright.service.schemas.sessions import EXAMPLE, RICH_EXAMPLE
from shopwright.service.security import guarded_router
from shopwright.service.state import get_service
from shopwright.service.telemetry import log_exception

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

router = guarded_router("predict", tags=["predict"])

IN_MEMORY = 1 << 20
"""Bytes of a body or a response that are held in memory; longer ones go to a temporary file."""
_CHUNK_BYTES = 1 << 18
MODEL_HEADERS = ("X-Model", "X-Model-Version", "X-Data-Date")
"""Headers that name the model version which scored a file."""
_SESSIONS = {"type": "array", "items": {"$ref": "#/components/schemas/Session"}}
_CSV = (
    ",".join(EXAMPLE)
    + "\n"
    + "\n".join(",".join(str(session[name]) for name in EXAMPLE) for session in (EXAMPLE, RICH_EXAMPLE))
)
_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        BulkFormat.JSON.value: {"schema": _SESSIONS, "example": [EXAMPLE, RICH_EXAMPLE]},
        BulkFormat.CSV.value: {"schema": {"type": "string"}, "example": _CSV},
        **{
            binary.value: {"schema": {"type": "string", "format": "binary"}}
            for binary in (BulkFormat.NDJSON, BulkFormat.PARQUET, BulkFormat.ARROW)
        },
    },
}
_RESPONSE: dict[str, Any] = {
    "description": "The columns of the request, followed by probability, risk_band, model, model_version and data_date.",
    "content": {
        BulkFormat.JSON.value: {
            "schema": {"type": "object", "required": ["model", "model_version", "sessions"]}
        },
        **{
            bulk_format.value: {"schema": {"type": "string", "format": "binary"}}
            for bulk_format in BulkFormat
            if bulk_format is not BulkFormat.JSON
        },
    },
}


@router.post(
    "/bulk_predict",
    summary="Score many sessions",
    response_class=StreamingResponse,
    openapi_extra={"requestBody": _BODY},
    responses={200: _RESPONSE, **problem_responses(406, 415)},
)
async def bulk_predict(request: Request) -> StreamingResponse:
    """Score sessions sent as JSON, NDJSON, CSV, Parquet or an Arrow stream (set `Content-Type`).

    The response has the same format, or the one in `Accept`. Columns are the fields of `/predict`, including `session_id`.
    One invalid row rejects the whole body; the error names it. In CSV, text that a spreadsheet would run as a formula gets
    a leading apostrophe.
    """
    service = get_service(request)
    request_format = parse_content_type(request.headers.get("content-type", ""))
    response_format = negotiate_format(request.headers.get("accept", ""), request_format)
    job = BulkJob(service.champion_loader.current(), service.settings)
    if service.bulk_limit.locked():
        raise _busy("Too many bulk predictions are in progress")
    output = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  # closed after it is sent
    try:
        async with service.bulk_limit:
            with SpooledTemporaryFile(IN_MEMORY) as body:
                async for chunk in request.stream():
                    body.write(chunk)
                body.seek(0)
                async with service.bulk_slots:
                    await to_thread(score_file, job, (request_format, body), (response_format, output))
    except BaseException as error:
        job.stop.set()
        with suppress(OSError):  # closing flushes, which fails again on a full disk
            output.close()
        if isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT):
            log_exception(error, "")
            raise _busy("The disk of the service is full") from error
        raise
    for band, count in job.bands.items():
        service.metrics.scores.labels(job.champion.model, band).inc(count)
    return _file_response(output, response_format, job)


def _busy(reason: str) -> ProblemError:
    return ProblemError(
        503, "busy", f"{reason}. Try again later", headers={"Retry-After": str(RETRY_SECONDS)}
    )


def _file_response(output: IO[bytes], response_format: BulkFormat, job: BulkJob) -> StreamingResponse:
    size = output.seek(0, 2)
    output.seek(0)
    champion = job.champion
    values = (champion.model, str(champion.version), champion.data_date.isoformat())
    headers = {"Content-Length": str(size), **dict(zip(MODEL_HEADERS, values, strict=True))}
    return StreamingResponse(
        _chunks(output),
        headers=headers,
        media_type=response_format.value,
        background=BackgroundTask(output.close),
    )


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk
