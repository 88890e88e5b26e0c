"""The formats of bulk files, by their media types."""

from __future__ import annotations

from enum import StrEnum

from shopwright.service.errors import ProblemError


class Format(StrEnum):
    """A format, by its first media type."""

    JSON = "application/json"
    NDJSON = "application/x-ndjson"
    CSV = "text/csv"
    PARQUET = "application/vnd.apache.parquet"
    ARROW = "application/vnd.apache.arrow.stream"


FORMATS = {
    **{each.value: each for each in Format},
    "application/ndjson": Format.NDJSON,
    "application/jsonl": Format.NDJSON,
    "application/csv": Format.CSV,
    "application/x-parquet": Format.PARQUET,
    "application/parquet": Format.PARQUET,
}
"""Media type to format."""


def format_of(content_type: str) -> Format:
    """The format of a body.

    Raises:
        ProblemError: 415 where it is none that is read.
    """
    found = FORMATS.get(_plain(content_type))
    if found is None:
        raise ProblemError(415, "media-type", f"send the sessions as {_known()}, and say so in Content-Type")
    return found


def accepted(accept: str, given: Format) -> Format:
    """The format of the answer: the first that is accepted and written here; that of the body where all are.

    Raises:
        ProblemError: 406 where none is.
    """
    wanted = [_plain(each) for each in accept.split(",") if each.strip()]
    if not wanted or "*/*" in wanted:
        return given
    for each in wanted:
        if each in FORMATS:
            return FORMATS[each]
    raise ProblemError(406, "not-acceptable", f"answers are written as {_known()}")


def _plain(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _known() -> str:
    *others, last = (each.value for each in Format)
    return f"{', '.join(others)} or {last}"
