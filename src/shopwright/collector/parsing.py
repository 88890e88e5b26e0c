"""Parsers of request bodies: one record per event; a record that is not text has the rule it violates."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any, NoReturn

from shopwright.core.errors import BatchError
from shopwright.ingest.records import BOM, Record, check_json_record

MAX_ID_LENGTH = 10_000
"""Characters of an id. Ids are remembered, joined and grouped by; one of a megabyte is no id but an attack or a bug."""
_LINE_END = re.compile(rb"\r\n|\r|\n")


def parse_json(body: bytes, *, max_bytes: int) -> list[Record]:
    """Parse the events of a JSON array or of an object ``{"events": [...]}``.

    Args:
        body: UTF-8 text.
        max_bytes: length of an event at most; a longer one violates a rule.

    Returns:
        One record per event, numbered from 1.

    Raises:
        BatchError: the body is not such JSON; the message says where.
    """
    try:
        document = json.loads(
            body.removeprefix(BOM).decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_first_values
        )
        events = document.get("events") if isinstance(document, dict) else document
        if not isinstance(events, list):
            raise BatchError('expected a JSON array of events, or an object {"events": [...]}')
        for number, event in enumerate(events, start=1):
            _check_ids(number, event)
        return [
            check_json_record(number, _serialize(event), max_bytes)
            for number, event in enumerate(events, start=1)
        ]
    except UnicodeDecodeError as error:
        raise BatchError(f"the body is not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise BatchError(
            f"the body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        ) from None
    except RecursionError:
        raise BatchError("the body is nested too deeply") from None
    except ValueError as error:
        raise BatchError(f"the body is not JSON: {error}") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not valid JSON")


def _first_values(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of whose repeated keys the first counts, as in JSON lines and in every file."""
    values = dict(pairs)
    return values if len(values) == len(pairs) else dict(reversed(pairs))


def _serialize(event: Any) -> bytes:
    # A literal such as 1e999 is parsed as infinity, which JSON cannot represent
    return json.dumps(event, separators=(",", ":"), allow_nan=False).encode()


def parse_json_lines(body: bytes, *, max_bytes: int) -> list[Record]:
    """Parse the events of JSON lines, splitting lines exactly as an ingest does.

    Args:
        body: UTF-8 text; a line that is not UTF-8 becomes a record that violates a rule.
        max_bytes: length of an event at most; a longer one violates a rule.

    Returns:
        One record per line that is not blank, numbered from 1.

    Raises:
        BatchError: an event has an id that is too long.
    """
    lines = [line for line in _LINE_END.split(body.removeprefix(BOM)) if line.strip()]
    for number, line in enumerate(lines, start=1):
        if MAX_ID_LENGTH < len(line) <= max_bytes:  # a longer line violates a rule
            with suppress(ValueError, RecursionError):  # what is no JSON violates a rule, too
                _check_ids(number, json.loads(line))
    return [check_json_record(number, line, max_bytes) for number, line in enumerate(lines, start=1)]


def _check_ids(number: int, event: Any) -> None:
    """Refuse a batch with an event whose id is too long.

    Raises:
        BatchError: names the event and the field.
    """
    if not isinstance(event, dict):
        return
    for name, value in event.items():
        if isinstance(value, str) and len(value) > MAX_ID_LENGTH and name.casefold().endswith("id"):
            raise BatchError(
                f"event {number}: {name[:100]} has {len(value):,} characters, expected at most {MAX_ID_LENGTH:,}"
            )
