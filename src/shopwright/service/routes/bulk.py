"""Many sessions at once."""

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
"""Bytes of a body or an answer that need no file."""
_PIECE = 1 << 18
MODEL_HEADERS = ("X-Model", "X-Model-Version", "X-Data-Date")
"""Headers that say by what a file was scored."""
_SESSIONS = {"type": "array", "items": {"$ref": "#/components/schemas/Session"}}
_CSV = (
    ",".join(EXAMPLE)
    + "\n"
    + "\n".join(",".join(str(each[name]) for name in EXAMPLE) for each in (EXAMPLE, RICH_EXAMPLE))
)
_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        BulkFormat.JSON.value: {"schema": _SESSIONS, "example": [EXAMPLE, RICH_EXAMPLE]},
        BulkFormat.CSV.value: {"schema": {"type": "string"}, "example": _CSV},
        **{
            each.value: {"schema": {"type": "string", "format": "binary"}}
            for each in (BulkFormat.NDJSON, BulkFormat.PARQUET, BulkFormat.ARROW)
        },
    },
}
_ANSWER: dict[str, Any] = {
    "description": "The columns of the request, then probability, risk_band, model, model_version and data_date.",
    "content": {
        BulkFormat.JSON.value: {
            "schema": {"type": "object", "required": ["model", "model_version", "sessions"]}
        },
        **{
            each.value: {"schema": {"type": "string", "format": "binary"}}
            for each in BulkFormat
            if each is not BulkFormat.JSON
        },
    },
}


@router.post(
    "/bulk_predict",
    summary="Score many sessions",
    response_class=StreamingResponse,
    openapi_extra={"requestBody": _BODY},
    responses={200: _ANSWER, **problem_responses(406, 415)},
)
async def bulk_predict(request: Request) -> StreamingResponse:
    """Sessions as JSON, NDJSON, CSV, Parquet or an Arrow stream, by `Content-Type`.

    The answer is of the same format, or of that in `Accept`. Columns are those of `/predict`, `session_id` among them. One wrong row refuses the whole body, and is named. Texts of a
    CSV that a spreadsheet would run as a formula are given an apostrophe.
    """
    service = get_service(request)
    given = parse_content_type(request.headers.get("content-type", ""))
    wanted = negotiate_format(request.headers.get("accept", ""), given)
    scoring = BulkJob(service.champion_loader.current(), service.settings)
    if service.bulk_limit.locked():
        raise _busy("too many bulk predictions are under way")
    answer = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  # closed when it was sent
    try:
        async with service.bulk_limit:
            with SpooledTemporaryFile(IN_MEMORY) as body:
                async for piece in request.stream():
                    body.write(piece)
                body.seek(0)
                async with service.bulk_slots:
                    await to_thread(score_file, scoring, (given, body), (wanted, answer))
    except BaseException as error:
        scoring.stop.set()
        with suppress(OSError):  # a full disk takes not even what was still to be written
            answer.close()
        if isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT):
            log_exception(error, "")
            raise _busy("there is no room for the sessions or their scores at present") from error
        raise
    for band, count in scoring.bands.items():
        service.metrics.scores.labels(scoring.champion.model, band).inc(count)
    return _sent(answer, wanted, scoring)


def _busy(reason: str) -> ProblemError:
    return ProblemError(
        503, "busy", f"{reason}; try again later", headers={"Retry-After": str(RETRY_SECONDS)}
    )


def _sent(answer: IO[bytes], kind: BulkFormat, scoring: BulkJob) -> StreamingResponse:
    size = answer.seek(0, 2)
    answer.seek(0)
    champion = scoring.champion
    told = (champion.model, str(champion.version), champion.data_date.isoformat())
    headers = {"Content-Length": str(size), **dict(zip(MODEL_HEADERS, told, strict=True))}
    return StreamingResponse(
        _pieces(answer), headers=headers, media_type=kind.value, background=BackgroundTask(answer.close)
    )


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece
