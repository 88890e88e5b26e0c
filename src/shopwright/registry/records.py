"""Values that go into the registry and come out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime  # pydantic reads it when the class is made
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from shopwright.registry.manifest import Measure

CHAMPION = "champion"
CHALLENGER = "challenger"


class GateRecord(BaseModel):
    """Whether a version may become the champion, and which champion it was compared with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    passes: bool
    reasons: tuple[str, ...] = ()
    """Reasons for the result."""
    champion: int | None = None
    """Version of the champion at the time of the check; None if there was none."""


class ChampionRecord(BaseModel):
    """One change of the champion."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int
    """The champion from then on."""
    changed_at: datetime
    by: str
    """"promotion", "forced promotion" or "rollback"."""
    reason: str = ""
    """Why the gate was overridden, or its result."""
    before: int | None = None
    """Number of the change that made the previous champion; None for the first."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A finished training run. Model, metrics and features are read from the artifact's manifest."""

    model: str
    folder: Path
    """The artifact, sealed by ``write_manifest``."""
    verdict: str
    """Label such as ``predictable``; the reasons are those of the gate."""
    gate: GateRecord
    parameters: Mapping[str, str | float | bool | None] = field(default_factory=dict)
    """Choices that change the answer, by name."""
    plots: tuple[Path, ...] = ()
    """Charts to show with the run; not part of the artifact."""


@dataclass(frozen=True, slots=True)
class Version:
    """A registered version of a model."""

    model: str
    number: int
    created_at: datetime
    aliases: tuple[str, ...]
    """``champion``, ``challenger``, and any that users added."""
    run_id: str
    verdict: str
    gate: GateRecord
    metrics: dict[str, Measure]
    data_fingerprint: str
    manifest_sha256: str
    """SHA-256 that seals the artifact; empty if something else registered the version."""
    parameters: dict[str, str]
    """Parameters as strings; only ``Registry.show`` fills them in."""

    @property
    def is_champion(self) -> bool:
        """Whether it is the live version."""
        return CHAMPION in self.aliases
