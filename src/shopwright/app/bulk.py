"""Files of sessions as they are uploaded and as they come back scored."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from shopwright.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

BANDS = ("low", "medium", "high")
EXAMPLE = (
    b"session_id,total_views,total_carts,session_duration_minutes,experiment_group\n"
    b"s-1,7,1,4.5,control\ns-2,3,2,2,treatment\ns-3,24,1,38,control\n"
)
"""What a file may look like."""


def read_csv(content: bytes) -> pa.Table:
    """A CSV as a table, for looking at.

    Raises:
        DataError: it is none, or has no rows.
    """
    try:
        found = csv.read_csv(io.BytesIO(content))
    except (pa.ArrowInvalid, pa.ArrowKeyError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"this is no CSV file with a line of column names: {reason}") from None
    if not found.num_rows:
        raise DataError("this file has no rows")
    return found


def count_bands(scored: pa.Table) -> Mapping[str, int]:
    """Risk band to the rows in it, all bands."""
    counted = pc.value_counts(scored["risk_band"]).to_pylist()
    found = {each["values"]: each["counts"] for each in counted}
    return {band: found.get(band, 0) for band in BANDS}
