"""What all requests share."""

from __future__ import annotations

from asyncio import BoundedSemaphore, Semaphore
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import Request

    from shopwright.models.abandonment.serving import SessionFeatures
    from shopwright.reports import PublishedWarehouse
    from shopwright.service.champions import Champions
    from shopwright.service.kept import Kept
    from shopwright.service.observing import Meters
    from shopwright.service.schemas.models import ModelState
    from shopwright.service.security import Guard
    from shopwright.settings import Project, ServiceSettings

BULK_AT_ONCE = 2
"""Bulk predictions that are scored at the same time."""
BULK_UNDER_WAY = 16
"""Bulk predictions that are taken in, wait or are scored at the same time."""


@dataclass(frozen=True, slots=True)
class Service:
    """What all requests share; routes find it by ``service_of``."""

    project: Project
    champions: Champions
    published: PublishedWarehouse
    guard: Guard
    meters: Meters
    readouts: Kept[Any]
    """Experiment to its read-out."""
    models: Kept[list[ModelState]]
    sessions: Kept[SessionFeatures]
    """What gives features of sessions that are going on."""
    bulk_places: Semaphore = field(default_factory=lambda: Semaphore(BULK_AT_ONCE))
    """Places for bulk predictions; the others wait."""
    bulk_doors: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(BULK_UNDER_WAY))
    """For bulk predictions under way; who finds none free is sent away."""
    beside: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="score")
    )
    """One thread that scores beside the loop: more would wait for each other."""

    @property
    def settings(self) -> ServiceSettings:
        """The service's own settings."""
        return self.project.settings.service


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    found: Service = request.app.state.service
    return found
