"""Validation of batches of sessions: their columns, their types, and the limits of each value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shopwright.core.errors import near_match
from shopwright.service.errors import ProblemError
from shopwright.service.session_fields import MAX_NUMBER, MAX_TEXT_LENGTH, SESSION_FIELDS, SessionField

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ARROW_TYPES = {
    name: pa.float64() if field.is_number else pa.string() for name, field in SESSION_FIELDS.items()
}
"""Arrow types by column, once a batch is cast."""
_TOO_LONG = f"expected at most {MAX_TEXT_LENGTH} characters"


def invalid_row(row: int, field: str, message: str) -> ProblemError:
    """Return the 422 for an invalid row.

    Args:
        row: position in the file, from 0.
        field: the invalid column; empty for the row as a whole.
        message: what was expected.
    """
    location = f"row {row + 1}" + (f", {field}" if field else "")
    path = f"body.{row}" + (f".{field}" if field else "")
    return ProblemError(422, "invalid", f"{location}: {message}", errors=[(path, message)])


def unreadable_body(message: str) -> ProblemError:
    """Return the 422 for a body that does not match its format."""
    return ProblemError(422, "invalid", message, errors=[("body", message)])


def too_many_rows(max_rows: int) -> ProblemError:
    """Return the 413 for a body with too many rows."""
    return ProblemError(413, "too-large", f"More than {max_rows:,} sessions. Send them in several requests")


def check_columns(names: Sequence[str]) -> None:
    """Check that a table has the required columns and no unknown ones.

    Raises:
        ProblemError: 422 that names the column.
    """
    for name in names:
        if name not in SESSION_FIELDS:
            message = f"unknown field{near_match(name[:60], SESSION_FIELDS)}"
            raise ProblemError(
                422, "invalid", f"column {name[:60]!r}: {message}", errors=[(f"body.{name[:60]}", message)]
            )
        if names.count(name) > 1:
            raise ProblemError(
                422, "invalid", f"column {name}: duplicate", errors=[(f"body.{name}", "duplicate")]
            )
    if missing := [name for name, field in SESSION_FIELDS.items() if field.is_required and name not in names]:
        raise ProblemError(
            422,
            "invalid",
            f"column {missing[0]}: required",
            errors=[(f"body.{name}", "required") for name in missing],
        )


def check_column_types(schema: pa.Schema) -> None:
    """Check the types of a file's columns before any of them is read.

    Raises:
        ProblemError: 422 that names the column.
    """
    for field in schema:
        _check_type(field.name, field.type)


def cast_columns(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch with numbers as float64 and texts as strings.

    Raises:
        ProblemError: 422 for a column of another type.
    """
    columns = [_cast(name, batch.column(name)) for name in batch.schema.names]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _check_type(name: str, data_type: pa.DataType) -> None:
    kind = data_type.value_type if pa.types.is_dictionary(data_type) else data_type
    is_number = any(
        test(kind)
        for test in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null)
    )
    is_text = any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_null))
    if not (is_number if SESSION_FIELDS[name].is_number else is_text):
        message = f"expected {'numbers' if SESSION_FIELDS[name].is_number else 'texts'}"
        raise ProblemError(422, "invalid", f"column {name}: {message}", errors=[(f"body.{name}", message)])


def _cast(name: str, values: pa.Array) -> pa.Array:
    _check_type(name, values.type)
    if pa.types.is_dictionary(values.type) and not SESSION_FIELDS[name].is_number:
        max_length = pc.max(pc.utf8_length(values.dictionary)).as_py()
        if (max_length or 0) > MAX_TEXT_LENGTH:
            raise ProblemError(
                422, "invalid", f"column {name}: {_TOO_LONG}", errors=[(f"body.{name}", _TOO_LONG)]
            )
    return values.cast(ARROW_TYPES[name], safe=False) if values.type != ARROW_TYPES[name] else values


def check_rows(batch: pa.RecordBatch, start: int) -> dict[str, NDArray[Any]]:
    """Check the values of all rows.

    Args:
        batch: after ``cast_columns``.
        start: position of its first row in the file, from 0.

    Returns:
        Values by column, (rows,): float64 with NaN, or texts with None, where unknown.

    Raises:
        ProblemError: 422 that names the first invalid row of the first field that has one.
    """
    return {
        name: (_numbers if SESSION_FIELDS[name].is_number else _texts)(
            SESSION_FIELDS[name], batch.column(name), start
        )
        for name in batch.schema.names
    }


def _numbers(field: SessionField, column: pa.Array, start: int) -> NDArray[np.float64]:
    values: NDArray[np.float64] = column.to_numpy(zero_copy_only=False)
    missing = _null_mask(field, column, start)
    # NaN fails both comparisons, so it is invalid unless it stands for null.
    is_valid = (values >= field.minimum) & (values <= MAX_NUMBER)
    if field.is_integer:
        is_valid &= values == np.floor(values)
    invalid = ~is_valid & ~missing
    if invalid.any():
        raise invalid_row(start + int(np.argmax(invalid)), field.name, field.describe_limits())
    return values


def _texts(field: SessionField, column: pa.Array, start: int) -> NDArray[np.object_]:
    _null_mask(field, column, start)
    encoded = column.dictionary_encode()
    lengths = pc.utf8_length(encoded.dictionary).to_numpy(zero_copy_only=False)
    if len(lengths) and lengths.max() > MAX_TEXT_LENGTH:
        all_lengths = pc.fill_null(pc.utf8_length(column), 0).to_numpy(zero_copy_only=False)
        raise invalid_row(start + int(np.argmax(all_lengths > MAX_TEXT_LENGTH)), field.name, _TOO_LONG)
    texts = np.array([*encoded.dictionary.to_pylist(), None], dtype=object)
    indices = pc.fill_null(encoded.indices, len(texts) - 1).to_numpy(zero_copy_only=False)
    values: NDArray[np.object_] = texts[indices]
    return values


def _null_mask(field: SessionField, column: pa.Array, start: int) -> NDArray[np.bool_]:
    if not column.null_count:
        return np.zeros(len(column), dtype=np.bool_)
    missing: NDArray[np.bool_] = column.is_null().to_numpy(zero_copy_only=False)
    if not field.is_nullable:
        raise invalid_row(start + int(np.argmax(missing)), field.name, "required")
    return missing
