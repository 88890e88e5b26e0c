"""State that all requests share."""

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
"""Bulk predictions that are scored at the same time; more would only share the same cores."""
MAX_PENDING_BULK_JOBS = 16
"""Bulk predictions that are uploading, waiting or being scored; further ones get a 503."""


@dataclass(frozen=True, slots=True)
class Service:
    """State that all requests share; routes read it with ``get_service``."""

    project: Project
    champion_loader: ChampionLoader
    published: PublishedWarehouse
    guard: Guard
    metrics: ServiceMetrics
    experiment_results: SnapshotCache[Any]
    """Results by experiment name, for one published build."""
    model_summaries: SnapshotCache[list[ModelSummary]]
    session_features: SnapshotCache[SessionFeatures]
    """Feature queries over the published build, for sessions that are still open."""
    bulk_slots: Semaphore = field(default_factory=lambda: Semaphore(MAX_CONCURRENT_BULK_JOBS))
    """Slots for scoring; a bulk prediction waits for one."""
    bulk_limit: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(MAX_PENDING_BULK_JOBS))
    """Limit of pending bulk predictions; at the limit a request is refused at once."""
    scoring_executor: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="score")
    )
    """One thread that scores outside the event loop; several would wait for each other."""

    @property
    def settings(self) -> ServiceSettings:
        """Settings of the service."""
        return self.project.settings.service


def get_service(request: Request) -> Service:
    """Return the shared state of the application that received a request."""
    service: Service = request.app.state.service
    return service
