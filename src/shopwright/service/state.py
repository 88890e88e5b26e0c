"""What all requests share."""

from __future__ import annotations

from asyncio import BoundedSemaphore, Semaphore
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import Request

    from shopwright.models.abandonment.live_features import SessionFeatures
    from shopwright.reports import PublishedWarehouse
    from shopwright.service.cache import SnapshotCache
    from shopwright.service.champion import ChampionLoader
    from shopwright.service.schemas.models import ModelSummary
    from shopwright.service.security import Guard
    from shopwright.service.telemetry import ServiceMetrics
    from shopwright.settings import Project, ServiceSettings

MAX_CONCURRENT_BULK_JOBS = 2
"""Bulk predictions that are scored at the same time."""
MAX_PENDING_BULK_JOBS = 16
"""Bulk predictions that are taken in, wait or are scored at the same time."""


@dataclass(frozen=True, slots=True)
class Service:
    """What all requests share; routes find it by ``get_service``."""

    project: Project
    champion_loader: ChampionLoader
    published: PublishedWarehouse
    guard: Guard
    metrics: ServiceMetrics
    experiment_results: SnapshotCache[Any]
    """Experiment to its read-out."""
    model_summaries: SnapshotCache[list[ModelSummary]]
    session_features: SnapshotCache[SessionFeatures]
    """What gives features of sessions that are going on."""
    bulk_slots: Semaphore = field(default_factory=lambda: Semaphore(MAX_CONCURRENT_BULK_JOBS))
    """Places for bulk predictions; the others wait."""
    bulk_limit: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(MAX_PENDING_BULK_JOBS))
    """For bulk predictions under way; who finds none free is sent away."""
    scoring_executor: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="score")
    )
    """One thread that scores scoring_executor the loop: more would wait for each other."""

    @property
    def settings(self) -> ServiceSettings:
        """The service's own settings."""
        return self.project.settings.service


def get_service(request: Request) -> Service:
    """The service that a request came to."""
    found: Service = request.app.state.service
    return found
