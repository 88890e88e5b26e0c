"""From the body of a request to records, one for each event; those that are none are told by the rule they break."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from shopwright.core.errors import BatchError
from shopwright.ingest.records import BOM, Record, check_json_record

_LINE_END = re.compile(rb"\r\n|\r|\n")


def parse_json(body: bytes, *, max_bytes: int) -> list[Record]:
    """The events of a JSON array, or of an object ``{"events": [...]}``; numbered from 1.

    Args:
        body: UTF-8 text.
        max_bytes: longest event taken for data.

    Raises:
        BatchError: it is no such JSON; the message says where.
    """
    try:
        document = json.loads(body.removeprefix(BOM).decode("utf-8"), parse_constant=_refuse)
        events = document.get("events") if isinstance(document, dict) else document
        if not isinstance(events, list):
            raise BatchError('expected a JSON array of events, or an object {"events": [...]}')
        return [
            check_json_record(number, _written(event), max_bytes)
            for number, event in enumerate(events, start=1)
        ]
    except UnicodeDecodeError as error:
        raise BatchError(f"the body is not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise BatchError(
            f"the body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        ) from None
    except RecursionError:
        raise BatchError("the body is nested too deep") from None
    except ValueError as error:
        raise BatchError(f"the body is not JSON: {error}") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _written(event: Any) -> bytes:
    # infinite numbers come of literals such as 1e999, and could not be read again
    return json.dumps(event, separators=(",", ":"), allow_nan=False).encode()


def parse_json_lines(body: bytes, *, max_bytes: int) -> list[Record]:
    """The events of JSON lines, as an ingest would split them; numbered from 1, blank lines are none.

    Args:
        body: UTF-8 text; a line that is none is a record that breaks a rule.
        max_bytes: longest event taken for data.
    """
    lines = (line for line in _LINE_END.split(body.removeprefix(BOM)) if line.strip())
    return [check_json_record(number, line, max_bytes) for number, line in enumerate(lines, start=1)]
