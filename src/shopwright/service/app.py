"""The service as an ASGI application."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware

from shopwright import __version__
from shopwright.reports import PublishedWarehouse
from shopwright.service.cache import SnapshotCache
from shopwright.service.champion import ChampionLoader
from shopwright.service.errors import Problem, add_handlers
from shopwright.service.keys import API_KEY_VARIABLE, KeyRing
from shopwright.service.middleware import RequestMiddleware
from shopwright.service.routes import ROUTERS
from shopwright.service.routes.bulk import MODEL_HEADERS
from shopwright.service.security import API_KEY_HEADER, SECURITY_SCHEMES, Guard, RateLimit
from shopwright.service.state import Service
from shopwright.service.telemetry import ServiceMetrics, log_exception

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI

    from shopwright.settings import Project

DESCRIPTION = """\
Scores, experiments and figures of one shop.

`POST /predict` scores one session; every answer names the model's version and the date of its data. Keys go in the header
`X-API-Key`, or as a bearer token. What goes wrong is told as problem details (RFC 9457), with the field at fault.
"""


def create_app(project: Project, *, allow_anonymous: bool = True, is_local: bool = False) -> FastAPI:
    """Make the application; the champion is loaded before it returns, unless the registry lies elsewhere.

    Args:
        project: the shop.
        allow_anonymous: whether requests are let in without a key as long as none was ever made.
        is_local: whether to answer to names of this machine only, as long as no key is asked for.
    """
    service = build_service(project, allow_anonymous=allow_anonymous)
    app = FastAPIOffline(
        redoc_url=None,
        title=f"Shopwright: {project.settings.shop.name}",
        version=__version__,
        description=DESCRIPTION,
        lifespan=_lifespan,
    )
    app.state.service = service
    for router in ROUTERS:
        app.include_router(router)
    add_handlers(app)
    settings = service.settings
    app.add_middleware(
        RequestMiddleware, project=project, metrics=service.metrics, guard=service.guard, is_local=is_local
    )
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST"],
            allow_headers=[API_KEY_HEADER, "Authorization", "Content-Type", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Retry-After", *MODEL_HEADERS],
        )
    app.openapi = _documented(app)  # type: ignore[method-assign]  # as FastAPI's guide has it
    return app


def build_service(project: Project, *, allow_anonymous: bool = True) -> Service:
    """Put together what requests share, and load the champion; one that lies elsewhere is loaded while others are answered."""
    settings = project.settings.service
    metrics = ServiceMetrics()
    keys = KeyRing(
        project.keys, environment=os.environ.get(API_KEY_VARIABLE), refresh_seconds=settings.refresh_seconds
    )
    limit = RateLimit(settings.requests_per_second, settings.burst)
    champion_loader = ChampionLoader(project, metrics)
    if not champion_loader.is_remote:
        champion_loader.refresh()
    return Service(
        project=project,
        champion_loader=champion_loader,
        published=PublishedWarehouse(project.published, threads=1),
        guard=Guard(keys, limit, allow_anonymous),
        metrics=metrics,
        experiment_results=SnapshotCache(),
        model_summaries=SnapshotCache(),
        session_features=SnapshotCache(),
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    ended = Event()
    # Nobody waits for this thread: a registry that does not answer holds up neither the start nor the end.
    Thread(target=_watch, args=(app.state.service, ended), name="champions", daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _watch(service: Service, ended: Event) -> None:
    """Look for another champion for as long as the service runs."""
    while not ended.is_set():
        try:
            service.champion_loader.refresh()
        except Exception as error:  # noqa: BLE001  # the one that serves goes on serving
            log_exception(error, "")
        ended.wait(service.settings.refresh_seconds)


def _documented(app: FastAPI) -> Any:
    original = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = original()
            components = document.setdefault("components", {})
            components["securitySchemes"] = SECURITY_SCHEMES
            schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            components.setdefault("schemas", {}).update(schema.pop("$defs", {}), Problem=schema)
            app.openapi_schema = document
        return app.openapi_schema

    return openapi
