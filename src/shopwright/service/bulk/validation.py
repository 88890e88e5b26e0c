"""Batches of sessions: their columns, and the bounds that every row keeps."""

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
"""Column to its type in a batch."""
_TOO_LONG = f"expected {MAX_TEXT_LENGTH} characters at most"


def invalid_row(row: int, field: str, message: str) -> ProblemError:
    """A row that breaks a rule.

    Args:
        row: from 0.
        field: its column; empty for the row as a whole.
        message: what was expected.
    """
    place = f"row {row + 1}" + (f", {field}" if field else "")
    path = f"body.{row}" + (f".{field}" if field else "")
    return ProblemError(422, "invalid", f"{place}: {message}", errors=[(path, message)])


def unreadable_body(what: str) -> ProblemError:
    """A body that is not of its format."""
    return ProblemError(422, "invalid", what, errors=[("body", what)])


def too_many_rows(most: int) -> ProblemError:
    """A body of too many rows."""
    return ProblemError(413, "too-large", f"more than {most:,} sessions; send them in parts")


def check_columns(names: Sequence[str]) -> None:
    """See that a table has the columns that are needed, and no others.

    Raises:
        ProblemError: 422 that names the column.
    """
    for name in names:
        if name not in SESSION_FIELDS:
            told = f"no such field{near_match(name[:60], SESSION_FIELDS)}"
            raise ProblemError(
                422, "invalid", f"column {name[:60]!r}: {told}", errors=[(f"body.{name[:60]}", told)]
            )
        if names.count(name) > 1:
            raise ProblemError(422, "invalid", f"column {name}: twice", errors=[(f"body.{name}", "twice")])
    if lacking := [name for name, field in SESSION_FIELDS.items() if field.is_needed and name not in names]:
        told = "column required"
        raise ProblemError(
            422,
            "invalid",
            f"column {lacking[0]}: required, and missing",
            errors=[(f"body.{name}", told) for name in lacking],
        )


def check_types(schema: pa.Schema) -> None:
    """See that columns hold numbers and texts where they should, before any of them is read.

    Raises:
        ProblemError: 422 that names the column.
    """
    for field in schema:
        _check_kind(field.name, field.type)


def cast_columns(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Numbers as float64 and texts as strings.

    Raises:
        ProblemError: 422 where a column is of another kind.
    """
    columns = [_typed(name, batch.column(name)) for name in batch.schema.names]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _check_kind(name: str, given: pa.DataType) -> None:
    kind = given.value_type if pa.types.is_dictionary(given) else given
    is_number = any(
        test(kind)
        for test in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null)
    )
    is_text = any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_null))
    if not (is_number if SESSION_FIELDS[name].is_number else is_text):
        told = f"expected {'numbers' if SESSION_FIELDS[name].is_number else 'texts'}"
        raise ProblemError(422, "invalid", f"column {name}: {told}", errors=[(f"body.{name}", told)])


def _typed(name: str, values: pa.Array) -> pa.Array:
    _check_kind(name, values.type)
    if pa.types.is_dictionary(values.type) and not SESSION_FIELDS[name].is_number:
        longest = pc.max(pc.utf8_length(values.dictionary)).as_py()
        if (longest or 0) > MAX_TEXT_LENGTH:
            raise ProblemError(
                422, "invalid", f"column {name}: {_TOO_LONG}", errors=[(f"body.{name}", _TOO_LONG)]
            )
    return values.cast(ARROW_TYPES[name], safe=False) if values.type != ARROW_TYPES[name] else values


def check_rows(batch: pa.RecordBatch, start: int) -> dict[str, NDArray[Any]]:
    """See that all rows keep the bounds.

    Args:
        batch: cast_columns.
        start: number of its first row, from 0.

    Returns:
        Column to its values, (rows,): float64 with NaN, or texts with None where not known.

    Raises:
        ProblemError: 422 that names the first row at fault of the first field that has one.
    """
    return {
        name: (_numbers if SESSION_FIELDS[name].is_number else _texts)(
            SESSION_FIELDS[name], batch.column(name), start
        )
        for name in batch.schema.names
    }


def _numbers(field: SessionField, column: pa.Array, start: int) -> NDArray[np.float64]:
    values: NDArray[np.float64] = column.to_numpy(zero_copy_only=False)
    missing = _missing(field, column, start)
    # A NaN fails both comparisons.
    fits = (values >= field.lowest) & (values <= MAX_NUMBER)
    if field.is_whole:
        fits &= values == np.floor(values)
    wrong = ~fits & ~missing
    if wrong.any():
        raise invalid_row(start + int(np.argmax(wrong)), field.name, field.wrong())
    return values


def _texts(field: SessionField, column: pa.Array, start: int) -> NDArray[np.object_]:
    _missing(field, column, start)
    encoded = column.dictionary_encode()
    lengths = pc.utf8_length(encoded.dictionary).to_numpy(zero_copy_only=False)
    if len(lengths) and lengths.max() > MAX_TEXT_LENGTH:
        all_lengths = pc.fill_null(pc.utf8_length(column), 0).to_numpy(zero_copy_only=False)
        raise invalid_row(start + int(np.argmax(all_lengths > MAX_TEXT_LENGTH)), field.name, _TOO_LONG)
    words = np.array([*encoded.dictionary.to_pylist(), None], dtype=object)
    places = pc.fill_null(encoded.indices, len(words) - 1).to_numpy(zero_copy_only=False)
    found: NDArray[np.object_] = words[places]
    return found


def _missing(field: SessionField, column: pa.Array, start: int) -> NDArray[np.bool_]:
    if not column.null_count:
        return np.zeros(len(column), dtype=np.bool_)
    missing: NDArray[np.bool_] = column.is_null().to_numpy(zero_copy_only=False)
    if not field.may_be_null:
        raise invalid_row(start + int(np.argmax(missing)), field.name, "required, and missing")
    return missing
