"""What goes into the registry and what comes out of it."""

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
    """Whether a version may become the champion, and which champion it was measured against."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    passes: bool
    reasons: tuple[str, ...] = ()
    """Why, or why not."""
    champion: int | None = None
    """Version that was the champion when the gate was asked; None where there was none."""


class ChampionRecord(BaseModel):
    """One change of the champion."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int
    """The champion from then on."""
    changed_at: datetime
    by: str
    """"promotion", "forced promotion" or "rollback"."""
    reason: str = ""
    """Why the gate was overruled, or what it said."""
    before: int | None = None
    """Number of the change that the one before this champion came by; None for the first."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A finished training run. Model, metrics and features are read from the artifact's manifest."""

    model: str
    folder: Path
    """The artifact, sealed by ``write_manifest``."""
    verdict: str
    """Such as ``predictable``; what there is to say about it stands in the gate's reasons."""
    gate: GateRecord
    parameters: Mapping[str, str | float | bool | None] = field(default_factory=dict)
    """Choices that change the answer, by name."""
    plots: tuple[Path, ...] = ()
    """Pictures for people who look at the run; not part of the artifact."""


@dataclass(frozen=True, slots=True)
class Version:
    """A registered version of a model."""

    model: str
    number: int
    created_at: datetime
    aliases: tuple[str, ...]
    """Of ``champion`` and ``challenger``, and what else users gave."""
    run_id: str
    verdict: str
    gate: GateRecord
    metrics: dict[str, Measure]
    data_fingerprint: str
    manifest_sha256: str
    """Seal of the artifact; empty where the version was registered by something else."""
    parameters: dict[str, str]
    """As texts; filled in by ``Registry.show`` only."""

    @property
    def is_champion(self) -> bool:
        """Whether it is the one that is served."""
        return CHAMPION in self.aliases
