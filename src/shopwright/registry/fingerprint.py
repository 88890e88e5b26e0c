"""Fingerprints of training data: equal columns, types, values and order give an equal fingerprint."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from shopwright.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_TEXTS: set[type] = {str, type(None)}
_PLAIN: set[type] = _TEXTS | {bool, int, float, bytes, date, datetime, Decimal, UUID}


def fingerprint(columns: Mapping[str, NDArray[Any]]) -> str:
    """Compute the fingerprint of columns of data.

    A text column is the same whether numpy keeps it as objects or at a fixed width, and every NaN is the same NaN;
    null and empty text differ. The machine's byte order does not count.

    Args:
        columns: name to values, each of shape (n_rows,): numbers, booleans, datetimes, or objects that are
            text, None or other plain values. The order of columns and of rows counts.

    Returns:
        SHA-256 over the number of rows and, column by column, name, type and values; hexadecimal.

    Raises:
        DataError: a column has another length, more than one dimension, a mask, or values of another kind.

    Example:
        >>> fingerprint({"visits": np.array([1.0, 2.0])})[:12]
        '94f380cb4ca9'
    """
    rows = len(next(iter(columns.values()))) if columns else 0
    digest = hashlib.sha256()
    _add(digest, f"{len(columns)} columns, {rows} rows".encode())
    for name, values in columns.items():
        _check(name, values, rows)
        _add(digest, name.encode("utf-8", "surrogatepass"))
        for part in _column_bytes(name, values):
            _add(digest, part)
    return digest.hexdigest()


def _add(digest: Any, part: bytes) -> None:
    """Add bytes after their length, so that no two sequences of them can run together to the same bytes."""
    digest.update(len(part).to_bytes(8, "little"))
    digest.update(part)


def _check(name: str, values: NDArray[Any], rows: int) -> None:
    if values.ndim != 1 or len(values) != rows:
        raise DataError(
            f"column '{name}' has shape {values.shape}, expected ({rows},) as the first column has"
        )
    if isinstance(values, np.ma.MaskedArray):
        raise DataError(f"column '{name}' is masked; fill its nulls with NaN or None first")


def _column_bytes(name: str, values: NDArray[Any]) -> tuple[bytes, ...]:
    """Return the type and values of one column as bytes."""
    if values.dtype.kind in "OU":
        return _object_bytes(name, values)
    if values.dtype.kind not in "biufMm":
        raise DataError(f"column '{name}' is of type {values.dtype}, which has no fingerprint")
    little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    if little.dtype.kind == "f":
        little = np.where(np.isnan(little), np.array(np.nan, little.dtype), little)
    return little.dtype.str.encode(), little.tobytes()


def _object_bytes(name: str, values: NDArray[Any]) -> tuple[bytes, ...]:
    items = values.tolist()
    kinds = set(map(type, items))
    if strange := kinds - _PLAIN:
        raise DataError(
            f"column '{name}' holds values of type {strange.pop().__name__}, which have no fingerprint"
        )
    kind = b"text" if kinds <= _TEXTS else b"mixed"
    if kind == b"mixed":
        items = [None if value is None else f"{type(value).__name__} {value!r}" for value in items]
    lengths = np.array([-1 if value is None else len(value) for value in items], dtype="<i8")
    joined = "".join(value for value in items if value is not None)
    return kind, lengths.tobytes(), joined.encode("utf-8", "surrogatepass")
