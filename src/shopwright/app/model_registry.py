"""Models for pages, from the registry: their versions, and the evaluation of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from shopwright.app import data
from shopwright.registry import EvaluationRecord, Registry, Version
from shopwright.registry.tracking import check_installed

if TYPE_CHECKING:
    from shopwright.registry import Measure

_CACHE_SECONDS = 30
"""Time after which the registry is read again: it may be on another machine, where its changes cannot be seen."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model and its registered versions."""

    name: str
    question: str
    decision: str
    """When a score is made."""
    outcome: str
    """What is predicted."""
    versions: tuple[Version, ...]
    """The newest first."""

    @property
    def champion(self) -> Version | None:
        """The live version; None where there is none."""
        return next((version for version in self.versions if version.is_champion), None)


def list_models() -> tuple[Model, ...]:
    """List all models, including untrained ones.

    Raises:
        ConfigurationError: the extra ``ml`` is not installed, or the registry does not respond.
    """
    return _list_models(data.build_identity(), _store_timestamp())


def load_evaluation(model: str, version: int) -> EvaluationRecord | None:
    """Return the evaluation of a version; None where it was registered without one.

    Raises:
        ArtifactError: its files are not those that were registered.
    """
    return _load_evaluation(data.build_identity(), model, version)


def compare_scores(record: EvaluationRecord, measure: str) -> list[tuple[str, Measure, bool]]:
    """Return one measure of all candidates and baselines that have it.

    Returns:
        Name, value (never None) with its interval, and whether it is a baseline.
    """
    return [
        (name, measures[measure], name in record.baselines)
        for name, measures in record.scores.items()
        if measure in measures and measures[measure].value is not None
    ]


def _store_timestamp() -> int:
    """Return when the project's own store was last changed; 0 without one."""
    store = data.project().models / "mlflow.db"
    return store.stat().st_mtime_ns if store.exists() else 0


@st.cache_resource(max_entries=4, ttl=_CACHE_SECONDS, show_spinner="Reading the model registry")
def _list_models(key: tuple[str | int, ...], changed_at: int) -> tuple[Model, ...]:  # noqa: ARG001  # parts of the cache key
    check_installed()
    from shopwright.models import MODELS  # noqa: PLC0415  # an extra, and slow to import

    registry = Registry(data.project())
    return tuple(
        Model(
            name=spec.name,
            question=spec.question,
            decision=spec.decision,
            outcome=spec.outcome,
            versions=tuple(registry.versions(spec.name)),
        )
        for spec in MODELS
    )


@st.cache_resource(max_entries=50, show_spinner=False)
def _load_evaluation(key: tuple[str | int, ...], model: str, version: int) -> EvaluationRecord | None:  # noqa: ARG001  # as above
    return Registry(data.project()).evaluation(model, version)
