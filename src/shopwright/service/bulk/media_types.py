"""Formats of bulk files and their media types."""

from __future__ import annotations

from enum import StrEnum

from shopwright.service.errors import ProblemError


class BulkFormat(StrEnum):
    """A format; its value is its preferred media type."""

    JSON = "application/json"
    NDJSON = "application/x-ndjson"
    CSV = "text/csv"
    PARQUET = "application/vnd.apache.parquet"
    ARROW = "application/vnd.apache.arrow.stream"


MEDIA_TYPES = {
    **{bulk_format.value: bulk_format for bulk_format in BulkFormat},
    "application/ndjson": BulkFormat.NDJSON,
    "application/jsonl": BulkFormat.NDJSON,
    "application/csv": BulkFormat.CSV,
    "application/x-parquet": BulkFormat.PARQUET,
    "application/parquet": BulkFormat.PARQUET,
}
"""Formats by media type."""


def parse_content_type(content_type: str) -> BulkFormat:
    """Return the format of a request body.

    Raises:
        ProblemError: 415 for a format that is not supported.
    """
    bulk_format = MEDIA_TYPES.get(_without_parameters(content_type))
    if bulk_format is None:
        raise ProblemError(415, "media-type", f"Send sessions as {_format_list()}, and set Content-Type")
    return bulk_format


def negotiate_format(accept: str, request_format: BulkFormat) -> BulkFormat:
    """Return the format of the response: the first supported one in ``Accept``, or that of the request if it accepts any.

    Quality values are ignored.

    Args:
        accept: value of the header.
        request_format: format of the request body.

    Raises:
        ProblemError: 406 where no accepted format is supported.
    """
    media_types = [_without_parameters(item) for item in accept.split(",") if item.strip()]
    if not media_types or "*/*" in media_types:
        return request_format
    for media_type in media_types:
        if media_type in MEDIA_TYPES:
            return MEDIA_TYPES[media_type]
    raise ProblemError(406, "not-acceptable", f"Responses are available as {_format_list()}")


def _without_parameters(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _format_list() -> str:
    *first, last = (bulk_format.value for bulk_format in BulkFormat)
    return f"{', '.join(first)} or {last}"
