"""History of champions: one tag on the registered model for each change, never rewritten.

A change is written before the alias moves. A process killed in between leaves a change that never took effect, which does
no harm, since only the latest change to the version that the alias names counts. Each change points at the one that
made the previous champion, so that two rollbacks go back two champions, whatever happened in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from pydantic import ValidationError

from shopwright.registry.records import ChampionRecord

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_PREFIX = "shopwright.champion."
_MAX_REASON_LENGTH = 1_000

Changes: TypeAlias = dict[int, ChampionRecord]
"""Number of a change, from 1, to the change."""


def read_changes(tags: Mapping[str, str]) -> Changes:
    """Read the changes from a registered model's tags, oldest first; tags that cannot be read are skipped."""
    changes = {}
    for name, value in sorted(tags.items()):
        number = name.removeprefix(_PREFIX)
        if number == name or not number.isdecimal():
            continue
        try:
            changes[int(number)] = ChampionRecord.model_validate_json(value)
        except ValidationError:
            continue
    return changes


def promotion(
    changes: Changes, *, champion: int | None, version: int, at: datetime, by: str, reason: str
) -> ChampionRecord:
    """Return the change that makes a version champion in place of the current one."""
    before = _last(changes, champion)
    return ChampionRecord(
        version=version, changed_at=at, by=by, reason=reason[:_MAX_REASON_LENGTH], before=before
    )


def rollback(changes: Changes, *, champion: int | None, at: datetime) -> ChampionRecord | None:
    """Return the change back to the previous champion; None if none is recorded."""
    current = changes.get(_last(changes, champion) or 0)
    former = changes.get(current.before or 0) if current else None
    if former is None:
        return None
    reason = f"back from version {champion}"
    return ChampionRecord(
        version=former.version, changed_at=at, by="rollback", reason=reason, before=former.before
    )


def tag(changes: Changes, change: ChampionRecord) -> tuple[str, str]:
    """Return the name and value of the tag for a new change."""
    return f"{_PREFIX}{max(changes, default=0) + 1:06d}", change.model_dump_json()


def _last(changes: Changes, champion: int | None) -> int | None:
    return max((number for number, change in changes.items() if change.version == champion), default=None)
