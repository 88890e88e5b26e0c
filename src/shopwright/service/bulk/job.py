"""A bulk prediction: from a file of sessions to a file of scored sessions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from threading import Event
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from shopwright.service.bulk.readers import read_batches
from shopwright.service.bulk.validation import check_rows
from shopwright.service.bulk.writers import open_writer
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
"""Columns that are appended to those of the request."""


@dataclass(slots=True)
class BulkJob:
    """A bulk prediction and its progress."""

    champion: Champion
    settings: ServiceSettings
    stop: Event = field(default_factory=Event)
    """Set when the client is gone: scoring stops after the current batch."""
    bands: Counter[str] = field(default_factory=Counter)
    """Sessions scored so far, by risk band."""

    @property
    def rows(self) -> int:
        """Sessions scored so far."""
        return sum(self.bands.values())


def score_file(
    job: BulkJob, source: tuple[BulkFormat, IO[bytes]], target: tuple[BulkFormat, IO[bytes]]
) -> None:
    """Score all sessions of a file.

    Args:
        job: champion and settings; its counts are updated after each batch.
        source: format and file of the sessions, positioned at the start.
        target: format and file for the scored sessions.

    Raises:
        ProblemError: 422 for an invalid row, 413 for too many rows; the target file is then incomplete.
    """
    batches = read_batches(*source, max_rows=job.settings.max_bulk_rows)
    batch = next(batches, None)
    columns = batch.schema if batch is not None else pa.schema([])
    schema = pa.schema([*columns, *SCORE_COLUMNS])
    champion = job.champion
    constants = {
        "model": champion.model,
        "model_version": champion.version,
        "data_date": champion.data_date,
    }
    with open_writer(*target, schema, constants) as write:
        while batch is not None and not job.stop.is_set():
            write(_score_batch(job, batch, schema, constants))
            batch = next(batches, None)


def _score_batch(
    job: BulkJob, batch: pa.RecordBatch, schema: pa.Schema, constants: dict[str, Any]
) -> pa.RecordBatch:
    rows = len(batch)
    columns = check_rows(batch, job.rows)
    probability = job.champion.scorer.probabilities(columns, rows)
    indices = assign_risk_bands(probability, job.settings)
    job.bands.update(
        dict(zip(RISK_BANDS, np.bincount(indices, minlength=len(RISK_BANDS)).tolist(), strict=True))
    )
    scores = [
        pa.array(probability),
        pa.array(RISK_BANDS).take(pa.array(indices)),
        *(
            pa.repeat(pa.scalar(value, SCORE_COLUMNS.field(name).type), rows)
            for name, value in constants.items()
        ),
    ]
    return pa.RecordBatch.from_arrays([*batch.columns, *scores], schema=schema)
