"""From a file of sessions to a file of scored sessions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from threading import Event
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from shopwright.service.bulk.readers import read
from shopwright.service.bulk.validation import check_rows
from shopwright.service.bulk.writers import writer
from shopwright.service.scoring import RISK_BANDS, assign_risk_bands

if TYPE_CHECKING:
    from shopwright.service.bulk.media_types import BulkFormat
    from shopwright.service.champion import Champion
    from shopwright.settings import ServiceSettings

SCORE_COLUMNS = pa.schema(
    [
        ("probability", pa.float64()),
        ("risk_band", pa.string()),
        ("model", pa.string()),
        ("model_version", pa.int32()),
        ("data_date", pa.date32()),
    ]
)
"""Columns that are put behind those of the request."""


@dataclass(slots=True)
class BulkJob:
    """A bulk prediction as it goes on."""

    champion: Champion
    settings: ServiceSettings
    stop: Event = field(default_factory=Event)
    """Set when nobody waits for the answer any more."""
    bands: Counter[str] = field(default_factory=Counter)
    """RiskBand to its sessions so far."""

    @property
    def rows(self) -> int:
        """Sessions scored so far."""
        return sum(self.bands.values())


def score_file(
    scoring: BulkJob, given: tuple[BulkFormat, IO[bytes]], answer: tuple[BulkFormat, IO[bytes]]
) -> None:
    """Score all sessions of a file.

    Args:
        scoring: by whom; told how far it is.
        given: format and file of the sessions, at its beginning.
        answer: format and file of the answer.

    Raises:
        ProblemError: 422 where a row is wrong, 413 where there are too many; what was written then is of no use.
    """
    batches = read(*given, max_rows=scoring.settings.max_bulk_rows)
    first = next(batches, None)
    columns = first.schema if first is not None else pa.schema([])
    schema = pa.schema([*columns, *SCORE_COLUMNS])
    champion = scoring.champion
    constant = {
        "model": champion.model,
        "model_version": champion.version,
        "data_date": champion.data_date,
    }
    with writer(*answer, schema, constant) as write:
        while first is not None and not scoring.stop.is_set():
            write(_scored(scoring, first, schema, constant))
            first = next(batches, None)


def _scored(
    scoring: BulkJob, batch: pa.RecordBatch, schema: pa.Schema, constant: dict[str, Any]
) -> pa.RecordBatch:
    rows = len(batch)
    columns = check_rows(batch, scoring.rows)
    probability = scoring.champion.scorer.probabilities(columns, rows)
    places = assign_risk_bands(probability, scoring.settings)
    scoring.bands.update(
        dict(zip(RISK_BANDS, np.bincount(places, minlength=len(RISK_BANDS)).tolist(), strict=True))
    )
    made = [
        pa.array(probability),
        pa.array(RISK_BANDS).take(pa.array(places)),
        *(
            pa.repeat(pa.scalar(value, SCORE_COLUMNS.field(name).type), rows)
            for name, value in constant.items()
        ),
    ]
    return pa.RecordBatch.from_arrays([*batch.columns, *made], schema=schema)
