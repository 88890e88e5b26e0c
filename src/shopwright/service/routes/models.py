"""Route of models, their versions and how well they predict."""

from __future__ import annotations

from asyncio import to_thread
from typing import TYPE_CHECKING

from fastapi import Request  # noqa: TC002  # FastAPI reads annotations

from shopwright.models import MODELS
from shopwright.registry import Registry
from shopwright.service.schemas.models import MetricEstimate, ModelSummary, ModelVersion
from shopwright.service.security import guarded_router
from shopwright.service.state import get_service

if TYPE_CHECKING:
    from shopwright.models.protocol import ModelSpec
    from shopwright.registry import Version
    from shopwright.service.state import Service

router = guarded_router("read", prefix="/v1", tags=["models"])


@router.get("/models", summary="List models")
async def list_models(request: Request) -> list[ModelSummary]:
    """Return every model with its versions and their metrics on the test window."""
    return await to_thread(_summaries, get_service(request))


def _summaries(service: Service) -> list[ModelSummary]:
    registry = Registry(service.project)

    def compute() -> list[ModelSummary]:
        return [_summary(spec, registry.versions(spec.name)) for spec in MODELS]

    stamp = service.champion_loader.registry_stamp()
    # Nothing cheap tells whether a remote registry changed, so it is queried each time.
    return compute() if stamp is None else service.model_summaries.get(stamp, "all", compute)


def _summary(spec: ModelSpec, versions: tuple[Version, ...]) -> ModelSummary:
    return ModelSummary(
        model=spec.name,
        question=spec.question,
        entity=spec.entity,
        decision=spec.decision,
        outcome=spec.outcome,
        champion=next((version.number for version in versions if version.is_champion), None),
        versions=[_version(version) for version in versions],
    )


def _version(version: Version) -> ModelVersion:
    return ModelVersion(
        version=version.number,
        created_at=version.created_at,
        verdict=version.verdict,
        aliases=list(version.aliases),
        metrics={name: MetricEstimate(**metric.model_dump()) for name, metric in version.metrics.items()},
    )
