"""The formats of bulk files, by their media types."""

from __future__ import annotations

from enum import StrEnum

from shopwright.service.errors import ProblemError


class BulkFormat(StrEnum):
    """A format, by its first media type."""

    JSON = "application/json"
    NDJSON = "application/x-ndjson"
    CSV = "text/csv"
    PARQUET = "application/vnd.apache.parquet"
    ARROW = "application/vnd.apache.arrow.stream"


MEDIA_TYPES = {
    **{each.value: each for each in BulkFormat},
    "application/ndjson": BulkFormat.NDJSON,
    "application/jsonl": BulkFormat.NDJSON,
    "application/csv": BulkFormat.CSV,
    "application/x-parquet": BulkFormat.PARQUET,
    "application/parquet": BulkFormat.PARQUET,
}
"""Media type to format."""


def parse_content_type(content_type: str) -> BulkFormat:
    """The format of a body.

    Raises:
        ProblemError: 415 where it is none that is read.
    """
    found = MEDIA_TYPES.get(_plain(content_type))
    if found is None:
        raise ProblemError(415, "media-type", f"send the sessions as {_known()}, and say so in Content-Type")
    return found


def negotiate_format(accept: str, given: BulkFormat) -> BulkFormat:
    """The format of the answer: the first that is accepted and written here; that of the body where all are.

    Raises:
        ProblemError: 406 where none is.
    """
    wanted = [_plain(each) for each in accept.split(",") if each.strip()]
    if not wanted or "*/*" in wanted:
        return given
    for each in wanted:
        if each in MEDIA_TYPES:
            return MEDIA_TYPES[each]
    raise ProblemError(406, "not-acceptable", f"answers are written as {_known()}")


def _plain(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _known() -> str:
    *others, last = (each.value for each in BulkFormat)
    return f"{', '.join(others)} or {last}"
