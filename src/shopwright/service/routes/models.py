"""Models: which there are, and how good they are."""

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


@router.get("/models", summary="The shop's models")
async def models(request: Request) -> list[ModelSummary]:
    """Every model with its versions and their measures on the test window."""
    return await to_thread(_states, get_service(request))


def _states(service: Service) -> list[ModelSummary]:
    registry = Registry(service.project)

    def compute() -> list[ModelSummary]:
        return [_state(room, registry.versions(room.name)) for room in MODELS]

    stamp = service.champion_loader.registry_stamp()
    # Where the registry lies elsewhere, nothing tells whether it changed.
    return compute() if stamp is None else service.model_summaries.get(stamp, "all", compute)


def _state(room: ModelSpec, versions: tuple[Version, ...]) -> ModelSummary:
    return ModelSummary(
        model=room.name,
        question=room.question,
        entity=room.entity,
        decision=room.decision,
        outcome=room.outcome,
        champion=next((each.number for each in versions if each.is_champion), None),
        versions=[_version(each) for each in versions],
    )


def _version(version: Version) -> ModelVersion:
    return ModelVersion(
        version=version.number,
        created_at=version.created_at,
        verdict=version.verdict,
        aliases=list(version.aliases),
        metrics={name: MetricEstimate(**measure.model_dump()) for name, measure in version.metrics.items()},
    )
