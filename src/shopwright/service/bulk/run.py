"""From a file of sessions to a file of scored sessions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from threading import Event
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from shopwright.service.bulk.checks import check_rows
from shopwright.service.bulk.reading import read
from shopwright.service.bulk.writing import writer
from shopwright.service.scoring import BANDS, bands_of

if TYPE_CHECKING:
    from shopwright.service.bulk.formats import Format
    from shopwright.service.champions import Champion
    from shopwright.settings import ServiceSettings

SCORES = pa.schema(
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
class Scoring:
    """A bulk prediction as it goes on."""

    champion: Champion
    settings: ServiceSettings
    stop: Event = field(default_factory=Event)
    """Set when nobody waits for the answer any more."""
    bands: Counter[str] = field(default_factory=Counter)
    """Band to its sessions so far."""

    @property
    def rows(self) -> int:
        """Sessions scored so far."""
        return sum(self.bands.values())


def score_file(scoring: Scoring, given: tuple[Format, IO[bytes]], answer: tuple[Format, IO[bytes]]) -> None:
    """Score all sessions of a file.

    Args:
        scoring: by whom; told how far it is.
        given: format and file of the sessions, at its beginning.
        answer: format and file of the answer.

    Raises:
        ProblemError: 422 where a row is wrong, 413 where there are too many; what was written then is of no use.
    """
    batches = read(*given, most_rows=scoring.settings.max_bulk_rows)
    first = next(batches, None)
    columns = first.schema if first is not None else pa.schema([])
    schema = pa.schema([*columns, *SCORES])
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
    scoring: Scoring, batch: pa.RecordBatch, schema: pa.Schema, constant: dict[str, Any]
) -> pa.RecordBatch:
    rows = len(batch)
    columns = check_rows(batch, scoring.rows)
    probability = scoring.champion.scorer.probabilities(columns, rows)
    places = bands_of(probability, scoring.settings)
    scoring.bands.update(dict(zip(BANDS, np.bincount(places, minlength=len(BANDS)).tolist(), strict=True)))
    made = [
        pa.array(probability),
        pa.array(BANDS).take(pa.array(places)),
        *(pa.repeat(pa.scalar(value, SCORES.field(name).type), rows) for name, value in constant.items()),
    ]
    return pa.RecordBatch.from_arrays([*batch.columns, *made], schema=schema)
