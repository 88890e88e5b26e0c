"""Models for pages, from the registry: which there are, their versions, and how each was judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from shopwright.app import data
from shopwright.registry import EvaluationRecord, Registry, Version
from shopwright.registry.tracking import check_installed

if TYPE_CHECKING:
    from shopwright.registry import Measure

_KEPT_SECONDS = 30
"""How long the registry is taken at its word; it may lie on another machine."""


@dataclass(frozen=True, slots=True)
class Model:
    """One question, and the versions that answer it."""

    name: str
    question: str
    decision: str
    """When a score is made."""
    outcome: str
    versions: tuple[Version, ...]
    """The newest first."""

    @property
    def champion(self) -> Version | None:
        """The one that serves."""
        return next((each for each in self.versions if each.is_champion), None)


def models() -> tuple[Model, ...]:
    """Every model that there can be.

    Raises:
        ConfigurationError: the extra ``ml`` is not installed, or the registry does not answer.
    """
    return _models(data.identity(), _changed())


def evaluation(model: str, version: int) -> EvaluationRecord | None:
    """How a version was judged; None where that was not kept with it.

    Raises:
        ArtifactError: its files are not those that were registered.
    """
    return _evaluation(data.identity(), model, version)


def compared(record: EvaluationRecord, measure: str) -> list[tuple[str, Measure, bool]]:
    """A measure of everybody that was compared: name, value with interval, and whether it is a baseline; only known ones."""
    return [
        (name, found, name in record.baselines)
        for name, scores in record.scores.items()
        if (found := scores.get(measure)) is not None and found.value is not None
    ]


def _changed() -> int:
    """Changes with the project's own store."""
    store = data.project().models / "mlflow.db"
    return store.stat().st_mtime_ns if store.exists() else 0


@st.cache_resource(max_entries=4, ttl=_KEPT_SECONDS, show_spinner="Asking the registry")
def _models(key: tuple[str | int, ...], changed: int) -> tuple[Model, ...]:  # noqa: ARG001  # parts of what is kept under
    check_installed()
    from shopwright.models import MODELS  # noqa: PLC0415  # an extra, and slow to import

    registry = Registry(data.project())
    return tuple(
        Model(
            name=room.name,
            question=room.question,
            decision=room.decision,
            outcome=room.outcome,
            versions=tuple(registry.versions(room.name)),
        )
        for room in MODELS
    )


@st.cache_resource(max_entries=50, show_spinner=False)
def _evaluation(key: tuple[str | int, ...], model: str, version: int) -> EvaluationRecord | None:  # noqa: ARG001  # as above
    return Registry(data.project()).evaluation(model, version)
