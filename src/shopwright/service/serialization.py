"""Results of other packages as JSON: dates as ISO 8601, exact amounts as numbers, and null for what is undefined."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from fastapi import Response


def json_response(content: Any) -> Response:
    """Return a response of plain values, dates and amounts."""
    return Response(json.dumps(to_jsonable(content), allow_nan=False), media_type="application/json")


def to_jsonable(value: Any) -> Any:
    """Return a value made of JSON's types only; a type that JSON does not have becomes its text.

    FastAPI's own encoder fails on NaN and on NumPy's types, which results are full of.
    """
    if isinstance(value, dict):
        return {str(name): to_jsonable(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_jsonable(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return to_jsonable(asdict(value))
    return _scalar(value.item() if hasattr(value, "item") else value)  # unpacks NumPy's scalars


def _scalar(value: Any) -> bool | int | float | str | None:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | Decimal):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, datetime) and value.tzinfo is None:
        return f"{value.isoformat()}Z"
    return value.isoformat() if isinstance(value, date) else str(value)
