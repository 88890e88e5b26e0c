"""A chosen candidate as files, and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shopwright.core.errors import DataError
from shopwright.models.lifetime_value.boosting import Boosting
from shopwright.models.lifetime_value.repeat_buying import RepeatBuying
from shopwright.models.lifetime_value.trees import LIBRARIES

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.models.lifetime_value.prediction import Candidate

FILE = "lifetime_value.json"


def save_candidate(candidate: Candidate, folder: Path) -> None:
    """Write its files into a folder, and which sort of model they are."""
    (folder / FILE).write_text(json.dumps({"kind": candidate.kind}), encoding="utf-8")
    candidate.save(folder)


def load_candidate(folder: Path) -> Candidate:
    """Read a candidate from a verified artifact.

    Raises:
        DataError: it says to be of one sort and is of another.
    """
    kind = json.loads((folder / FILE).read_text(encoding="utf-8"))["kind"]
    found: Candidate = Boosting.load(folder) if kind in LIBRARIES else RepeatBuying.load(folder)
    if found.kind != kind:
        raise DataError(f"the artifact says to be a {kind} and holds a {found.kind}")
    return found
