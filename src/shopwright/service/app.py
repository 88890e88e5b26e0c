"""The service as an ASGI application."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware

from shopwright.reports import PublishedWarehouse
from shopwright.service.cache import SnapshotCache
from shopwright.service.champion import ChampionLoader
from shopwright.service.errors import add_handlers
from shopwright.service.keys import API_KEY_VARIABLE, KeyRing
from shopwright.service.middleware import RequestMiddleware
from shopwright.service.openapi import API_INFO, add_problem_schema
from shopwright.service.routes import ROUTERS
from shopwright.service.routes.bulk import MODEL_HEADERS
from shopwright.service.security import API_KEY_HEADER, Guard, RateLimit
from shopwright.service.state import Service
from shopwright.service.telemetry import ServiceMetrics, log_exception

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI

    from shopwright.settings import Project


def create_app(project: Project, *, allow_anonymous: bool = True, is_local: bool = False) -> FastAPI:
    """Create the application. A local registry's champion is loaded before it returns, a remote one's in the background.

    Args:
        project: the shop.
        allow_anonymous: whether requests without a key are accepted as long as no key was ever created.
        is_local: whether to accept only host names of this machine while no key is required.
    """
    service = build_service(project, allow_anonymous=allow_anonymous)
    app = FastAPIOffline(
        redoc_url=None,
        title=f"Shopwright: {project.settings.shop.name}",
        lifespan=_lifespan,
        **API_INFO,
    )
    app.state.service = service
    for router in ROUTERS:
        app.include_router(router)
    add_handlers(app)
    settings = service.settings
    app.add_middleware(
        RequestMiddleware, project=project, metrics=service.metrics, guard=service.guard, is_local=is_local
    )
    # Middleware added later wraps what was added before: a preflight request is answered without a key.
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST"],
            allow_headers=[API_KEY_HEADER, "Authorization", "Content-Type", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Retry-After", *MODEL_HEADERS],
        )
    add_problem_schema(app)
    return app


def build_service(project: Project, *, allow_anonymous: bool = True) -> Service:
    """Build the state that requests share.

    Loads the champion of a local registry. A remote registry may be slow, so its champion is loaded in the background.

    Args:
        project: the shop.
        allow_anonymous: whether requests without a key are accepted as long as no key was ever created.
    """
    settings = project.settings.service
    metrics = ServiceMetrics()
    keys = KeyRing(
        project.keys,
        environment_key=os.environ.get(API_KEY_VARIABLE),
        refresh_seconds=settings.refresh_seconds,
        is_open=settings.open_without_keys,
    )
    limit = RateLimit(settings.requests_per_second, settings.burst)
    champion_loader = ChampionLoader(project, metrics)
    if not champion_loader.is_remote:
        champion_loader.refresh()
    return Service(
        project=project,
        champion_loader=champion_loader,
        published=PublishedWarehouse(project.published, threads=1),
        guard=Guard(keys, limit, allow_anonymous, metrics),
        metrics=metrics,
        experiment_results=SnapshotCache(),
        model_summaries=SnapshotCache(),
        session_features=SnapshotCache(),
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    stopped = Event()
    # A daemon that is not joined: a registry that does not respond delays neither startup nor shutdown.
    Thread(target=_refresh_champion, args=(app.state.service, stopped), name="champion", daemon=True).start()
    try:
        yield
    finally:
        stopped.set()


def _refresh_champion(service: Service, stopped: Event) -> None:
    """Check for a new champion until the service stops."""
    while not stopped.is_set():
        try:
            service.champion_loader.refresh()
        except Exception as error:  # noqa: BLE001  # the loaded champion keeps serving
            log_exception(error, "")
        stopped.wait(service.settings.refresh_seconds)
