"""Validation of input arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shopwright.core.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


def check_numbers(values: ArrayLike, name: str, *, rows: int | None = None) -> Floats:
    """Convert to floats and require one finite number per row.

    Raises:
        DataError: wrong shape or length, or a missing or infinite value.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1:
        raise DataError(f"{name} has the shape {numbers.shape}, expected one number per row")
    if rows is not None and len(numbers) != rows:
        raise DataError(f"{name} has {len(numbers):,} rows, expected {rows:,}")
    broken = ~np.isfinite(numbers)
    if broken.any():
        first = int(np.argmax(broken))
        raise DataError(f"{name} row {first} is {numbers[first]}, expected a number")
    return numbers


def check_outcome(outcome: ArrayLike) -> Floats:
    """Require outcomes of 0 or 1, one per row.

    Raises:
        DataError: any other value.
    """
    numbers = check_numbers(outcome, "outcome")
    other = (numbers != 0) & (numbers != 1)
    if other.any():
        first = int(np.argmax(other))
        raise DataError(f"outcome row {first} is {numbers[first]:g}, expected 0 or 1")
    return numbers


def check_probability(probability: ArrayLike, *, rows: int, name: str = "probability") -> Floats:
    """Require probabilities from 0 to 1, one per row.

    Raises:
        DataError: wrong length, or a value outside 0 to 1.
    """
    numbers = check_numbers(probability, name, rows=rows)
    outside = (numbers < 0) | (numbers > 1)
    if outside.any():
        first = int(np.argmax(outside))
        raise DataError(f"{name} row {first} is {numbers[first]:g}, expected 0 to 1")
    return numbers
