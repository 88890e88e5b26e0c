"""What every array is held to at the door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shopwright.core.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


def as_numbers(values: ArrayLike, name: str, *, rows: int | None = None) -> Floats:
    """One finite number a row.

    Raises:
        DataError: another shape or length, or a value that is missing or infinite.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1:
        raise DataError(f"{name} has the shape {numbers.shape}, expected one number a row")
    if rows is not None and len(numbers) != rows:
        raise DataError(f"{name} has {len(numbers):,} rows, expected {rows:,}")
    broken = ~np.isfinite(numbers)
    if broken.any():
        first = int(np.argmax(broken))
        raise DataError(f"{name} row {first} is {numbers[first]}, expected a number")
    return numbers


def as_outcome(outcome: ArrayLike) -> Floats:
    """What happened: 1 or 0 a row.

    Raises:
        DataError: anything else in it.
    """
    numbers = as_numbers(outcome, "outcome")
    other = (numbers != 0) & (numbers != 1)
    if other.any():
        first = int(np.argmax(other))
        raise DataError(f"outcome row {first} is {numbers[first]:g}, expected 0 or 1")
    return numbers


def as_probability(probability: ArrayLike, *, rows: int, name: str = "probability") -> Floats:
    """What was predicted: a probability a row.

    Raises:
        DataError: another length, or a value outside 0 to 1.
    """
    numbers = as_numbers(probability, name, rows=rows)
    outside = (numbers < 0) | (numbers > 1)
    if outside.any():
        first = int(np.argmax(outside))
        raise DataError(f"{name} row {first} is {numbers[first]:g}, expected 0 to 1")
    return numbers
