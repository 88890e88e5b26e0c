"""Receipts of erasures: what left which store and when, without an id, signed and chained."""

from __future__ import annotations

import hmac
import json
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from shopwright.tombstones import load_tombstones
from shopwright.tombstones.book import write_private

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.settings import Project

FORMAT = 1


@dataclass(frozen=True, slots=True)
class StoreResult:
    """What left one store."""

    store: str
    removed: int
    """Rows, records, lines or files, as ``unit`` says."""
    unit: str
    at: str
    """ISO 8601, UTC."""


@dataclass(slots=True)
class Receipt:
    """What one erasure did. It holds no id, no address and no name of a file that may hold one."""

    erasure_id: str
    erasures: tuple[str, ...]
    """All erasures that were finished with it: more than its own where earlier ones had been interrupted."""
    person_count: int
    requested_at: str
    finished_at: str = ""
    stores: list[StoreResult] = field(default_factory=list)
    experiment_units: dict[str, dict[str, int]] = field(default_factory=dict)
    """Units that left, by experiment and variant: what was concluded then rested on them."""
    source_files: int = 0
    """Files of the sources that still hold the people; they belong to the shop, and add nothing when they are read."""
    backups: int = 0
    """Backups that were made before; a restore leaves the people out."""

    def add(self, result: StoreResult) -> None:
        """Add what left a store, to what left it before an interruption if there was one."""
        for index, earlier in enumerate(self.stores):
            if earlier.store == result.store:
                self.stores[index] = replace(result, removed=result.removed + earlier.removed)
                return
        self.stores.append(result)


def receipt_folder(project: Project) -> Path:
    """Return the folder of a project's receipts."""
    return project.tombstones.parent / "receipts"


def write_receipt(project: Project, receipt: Receipt) -> Path:
    """Sign a receipt with the project's key, chain it to the one before, and write it.

    Returns:
        Its file.
    """
    earlier = _files(project)
    number = _number(earlier[-1]) + 1 if earlier else 1
    # a number and no time: an erasure that a restore brings back gets another receipt, and clocks go back
    file = receipt_folder(project) / f"{number:06d}-{receipt.erasure_id}.json"
    document: dict[str, Any] = {
        "format": FORMAT,
        "number": number,
        **asdict(receipt),
        "previous_sha256": _digest(earlier[-1].read_bytes()) if earlier else None,
    }
    document["signature"] = _sign(load_tombstones(project.tombstones).key, document)
    write_private(file, json.dumps(document, indent=2) + "\n")
    return file


def verify_receipts(project: Project) -> list[str]:
    """Return what is wrong with the receipts of a project, a line each; empty if all are as they were written."""
    tombstones = load_tombstones(project.tombstones)
    problems, previous, covered = [], None, set[str]()
    for file in _files(project):
        content = file.read_bytes()
        try:
            document = json.loads(content)
            signature = document.pop("signature")
            is_signed = hmac.compare_digest(signature, _sign(tombstones.key, document))
            is_chained = document["previous_sha256"] == previous
            covered |= set(document["erasures"])
        except (ValueError, KeyError, TypeError, AttributeError):
            is_signed, is_chained = False, True
        if not is_signed:
            problems.append(f"receipt {file.name} was changed after it was signed")
        elif not is_chained:
            problems.append(f"the receipt before {file.name} is missing or was changed")
        previous = _digest(content)
    finished = {erasure.erasure_id for erasure in tombstones.erasures if erasure.is_finished}
    missing = finished - covered
    return problems + [f"the receipt of erasure {erasure_id} is missing" for erasure_id in sorted(missing)]


def _files(project: Project) -> list[Path]:
    return sorted(receipt_folder(project).glob("[0-9]*-*.json"), key=_number)


def _number(file: Path) -> int:
    return int(file.name.partition("-")[0])


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def _sign(key: str, document: dict[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hmac.new(f"receipts of {key}".encode(), text.encode(), "sha256").hexdigest()
