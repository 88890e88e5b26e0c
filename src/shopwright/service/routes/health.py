"""Routes for monitoring: liveness, readiness and Prometheus metrics."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from shopwright import __version__
from shopwright.service.errors import ProblemError, problem_responses
from shopwright.service.state import get_service

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """Liveness of the process."""

    status: Literal["ok"] = "ok"
    version: str = __version__


class Readiness(BaseModel):
    """Readiness: the current champion is loaded."""

    status: Literal["ready"] = "ready"
    models: dict[str, int]
    """Version that serves requests, by model."""


@router.head("/health", include_in_schema=False)
@router.get("/health", summary="Liveness")
async def health() -> Health:
    """Return 200 as long as the process runs, even if it cannot score."""
    return Health()


@router.head("/ready", include_in_schema=False)
@router.get("/ready", summary="Readiness", responses=problem_responses(503))
async def ready(request: Request) -> Readiness:
    """Return 503 if the current champion could not be loaded; the reason says whether an older one still serves."""
    loader = get_service(request).champion_loader
    if reason := loader.reason:
        fallback = f". Version {loader.current().version} still serves" if loader.is_serving else ""
        raise ProblemError(503, "not-ready", f"{reason}{fallback}", headers={"Retry-After": "5"})
    champion = loader.current()
    return Readiness(models={champion.model: champion.version})


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Return requests, latencies, scores by risk band, the version that serves, and the queue of the collector."""
    return Response(generate_latest(get_service(request).metrics.registry), media_type=CONTENT_TYPE_LATEST)
