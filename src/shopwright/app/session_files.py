"""Files of sessions: as uploaded, and as returned with scores."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from shopwright.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

RISK_BANDS = ("low", "medium", "high")
EXAMPLE = (
    b"session_id,total_views,total_carts,session_duration_minutes,experiment_group\n"
    b"s-1,7,1,4.5,control\ns-2,3,2,2,treatment\ns-3,24,1,38,control\n"
)
"""A small file to start from."""


def read_csv(content: bytes) -> pa.Table:
    """Read a CSV file for a preview.

    Raises:
        DataError: it is not a CSV file, or has no rows.
    """
    try:
        table = csv.read_csv(io.BytesIO(content))
    except (pa.ArrowInvalid, pa.ArrowKeyError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"this is not a CSV file with a header row: {reason}") from None
    if not table.num_rows:
        raise DataError("this file has no rows")
    return table


def count_risk_bands(scores: pa.Table) -> Mapping[str, int]:
    """Count the rows in each risk band, including empty bands."""
    counts = {item["values"]: item["counts"] for item in pc.value_counts(scores["risk_band"]).to_pylist()}
    return {band: counts.get(band, 0) for band in RISK_BANDS}
