"""Whether the service lives, whether it can answer, and its figures."""

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
    """The process lives."""

    status: Literal["ok"] = "ok"
    version: str = __version__


class Readiness(BaseModel):
    """The service can answer, by the champion of now."""

    status: Literal["ready"] = "ready"
    models: dict[str, int]
    """Model to the version that serves."""


@router.head("/health", include_in_schema=False)
@router.get("/health", summary="Whether the process lives")
async def health() -> Health:
    """Answers as long as the process runs, whatever it can do."""
    return Health()


@router.head("/ready", include_in_schema=False)
@router.get("/ready", summary="Whether it can answer", responses=problem_responses(503))
async def ready(request: Request) -> Readiness:
    """503 where the champion of now cannot be loaded; an older one may still serve, and the reason says so."""
    champions = get_service(request).champion_loader
    if reason := champions.reason:
        kept = f"; version {champions.current().version} still serves" if champions.is_serving else ""
        raise ProblemError(503, "not-ready", f"{reason}{kept}", headers={"Retry-After": "5"})
    champion = champions.current()
    return Readiness(models={champion.model: champion.version})


@router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
async def metrics(request: Request) -> Response:
    """Requests, latencies, scores by band, version that serves, and the collector's queue."""
    return Response(generate_latest(get_service(request).metrics.registry), media_type=CONTENT_TYPE_LATEST)
