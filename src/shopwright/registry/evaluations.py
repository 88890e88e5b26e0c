"""The full evaluation of a version, stored in its artifact and sealed with the model, for tables and charts later."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, JsonValue

from shopwright.registry.manifest import Measure

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "evaluation.json"
FORMAT: Literal[1] = 1

Rows = list[dict[str, JsonValue]]


class EvaluationRecord(BaseModel):
    """Scores of everything that was compared, and further results as rows."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True)

    format: Literal[1] = FORMAT
    evaluated_on: str = Field(validation_alias=AliasChoices("evaluated_on", "judged_on"))
    """Description of the rows that the scores are of; called ``judged_on`` in artifacts of earlier versions."""
    verdict: str
    reason: str
    """Reason for the verdict."""
    scores: dict[str, dict[str, Measure]]
    """Candidate or baseline to its metrics with intervals; the model itself comes first."""
    baselines: tuple[str, ...]
    """Names in ``scores`` that are baselines."""
    findings: tuple[str, ...]
    """Messages of the leak audit."""
    notes: tuple[str, ...]
    """What a reader of the scores should know."""
    tables: dict[str, Rows]
    """Name, such as ``reliability`` or ``importance``, to rows."""


def write_evaluation(folder: Path, record: EvaluationRecord) -> None:
    """Write an evaluation into an artifact's folder, before the folder is sealed."""
    (folder / FILE_NAME).write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read_evaluation(folder: Path) -> EvaluationRecord | None:
    """Read the evaluation from a verified artifact; None if the artifact is older than stored evaluations."""
    file = folder / FILE_NAME
    return EvaluationRecord.model_validate_json(file.read_bytes()) if file.exists() else None


def as_rows(rows: list[dict[str, Any]]) -> Rows:
    """Convert rows to plain values: NaN becomes null, numpy's numbers Python's, and everything else a string.

    Example:
        >>> as_rows([{"share": np.float64(0.5), "lift": float("nan")}])
        [{'share': 0.5, 'lift': None}]
    """
    plain: Rows = json.loads(json.dumps([_plain(row) for row in rows], allow_nan=False))
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
