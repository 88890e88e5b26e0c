"""Results of rooms as JSON: dates as ISO 8601, exact amounts as numbers, and null for what is undefined."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from fastapi import Response


def json_response(document: Any) -> Response:
    """A document of plain values, dates and amounts as an answer."""
    return Response(json.dumps(to_jsonable(document), allow_nan=False), media_type="application/json")


def to_jsonable(value: Any) -> Any:
    """Values that JSON has; anything that it has no word for becomes its text."""
    if isinstance(value, dict):
        return {str(name): to_jsonable(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_jsonable(each) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        return to_jsonable(asdict(value))
    return _scalar(value.item() if hasattr(value, "item") else value)  # numpy's are unpacked


def _scalar(value: Any) -> bool | int | float | str | None:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | Decimal):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, datetime) and value.tzinfo is None:
        return f"{value.isoformat()}Z"
    return value.isoformat() if isinstance(value, date) else str(value)
