"""Saving a selected candidate to files, and loading it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shopwright.core.errors import DataError
from shopwright.models.lifetime_value.boosting import BoostingModel
from shopwright.models.lifetime_value.btyd_model import BtydModel
from shopwright.models.lifetime_value.config import EARLIER_HORIZONS, LifetimeValueConfig
from shopwright.models.lifetime_value.trees import LIBRARIES

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.models.lifetime_value.prediction import Candidate

FILE = "lifetime_value.json"


def save_candidate(candidate: Candidate, folder: Path) -> None:
    """Write a candidate's files, kind and configuration into a folder."""
    description = {"kind": candidate.kind, "config": candidate.config.model_dump(mode="json")}
    (folder / FILE).write_text(json.dumps(description), encoding="utf-8")
    candidate.save(folder)


def load_candidate(folder: Path) -> Candidate:
    """Read a candidate from a verified artifact.

    Raises:
        DataError: the files hold another kind of model than the artifact states.
    """
    description = json.loads((folder / FILE).read_text(encoding="utf-8"))
    kind = description["kind"]
    config = LifetimeValueConfig.model_validate(description.get("config", EARLIER_HORIZONS))
    load = BoostingModel.load if kind in LIBRARIES else BtydModel.load
    candidate: Candidate = load(folder, config)
    if candidate.kind != kind:
        raise DataError(f"The artifact in {folder} states a {kind} model but holds a {candidate.kind} model")
    return candidate
