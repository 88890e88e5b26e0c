"""What a version's judgement was, all of it: kept in its artifact, sealed with the model, to be shown and drawn later."""

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
    """Scores of everybody that was compared, and further results as rows."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True)

    format: Literal[1] = FORMAT
    evaluated_on: str = Field(validation_alias=AliasChoices("evaluated_on", "judged_on"))
    """What the scores are of, in words."""
    verdict: str
    reason: str
    """Why that verdict."""
    scores: dict[str, dict[str, Measure]]
    """Candidate or baseline to its measures with intervals; the model itself comes first."""
    baselines: tuple[str, ...]
    """Which of them are baselines."""
    findings: tuple[str, ...]
    """What the leak audit found, in words."""
    notes: tuple[str, ...]
    """What a reader of the scores should know."""
    tables: dict[str, Rows]
    """Name, such as ``reliability`` or ``importance``, to rows."""


def write_evaluation(folder: Path, record: EvaluationRecord) -> None:
    """Put it into an artifact's folder, before the folder is sealed."""
    (folder / FILE_NAME).write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read_evaluation(folder: Path) -> EvaluationRecord | None:
    """Read it from a verified artifact; None where it was made before this was kept."""
    file = folder / FILE_NAME
    return EvaluationRecord.model_validate_json(file.read_bytes()) if file.exists() else None


def as_rows(rows: list[dict[str, Any]]) -> Rows:
    """Rows of plain values: numbers that are none become null, numpy's become Python's, all else becomes text.

    Example:
        >>> as_rows([{"share": np.float64(0.5), "lift": float("nan")}])
        [{'share': 0.5, 'lift': None}]
    """
    found: Rows = json.loads(json.dumps([_plain(row) for row in rows], allow_nan=False))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
