"""Experiments: who sees what, and what came of it."""

from __future__ import annotations

from asyncio import to_thread
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Query, Request, Response

from shopwright.assignment import assign
from shopwright.core.errors import near_match
from shopwright.experiments.store import check_installed
from shopwright.service.errors import not_found, problem_responses
from shopwright.service.schemas.experiments import Assigned, Experiment, Readout
from shopwright.service.security import guarded_router
from shopwright.service.serialization import json_response, to_jsonable
from shopwright.service.state import get_service

if TYPE_CHECKING:
    from shopwright.service.state import Service
    from shopwright.settings import ExperimentDefinition

router = guarded_router("read", prefix="/v1/experiments", tags=["experiments"])


@router.get("", summary="The shop's experiments")
async def experiments(request: Request) -> list[Experiment]:
    """As the shop's settings state them."""
    return [
        Experiment(
            name=each.name,
            hypothesis=each.hypothesis,
            unit=each.unit,
            variants=each.shares,
            start=each.start,
            end=each.end,
            primary_metric=each.primary_metric,
        )
        for each in get_service(request).project.settings.experiments
    ]


@router.get("/{name}/assign", summary="Which variant does a unit see?", responses=problem_responses(404))
async def assigned(
    name: str,
    request: Request,
    unit_id: Annotated[
        str, Query(min_length=1, max_length=200, description="The user or session.", examples=["541320447"])
    ],
) -> Assigned:
    """The same for ever, here, in SQL and in the warehouse."""
    return Assigned(**asdict(assign(_find(get_service(request), name), unit_id)))


@router.get(
    "/{name}/readout",
    summary="What came of an experiment?",
    response_model=Readout,
    responses=problem_responses(404),
)
async def readout(name: str, request: Request) -> Response:
    """Validity, effects with intervals, and the verdict by a fixed rule: what `shopwright experiment read` says.

    It is computed once for each published build.
    """
    service = get_service(request)
    experiment = _find(service, name)
    return json_response(await to_thread(_read, service, experiment))


def _find(service: Service, name: str) -> ExperimentDefinition:
    known = {each.name: each for each in service.project.settings.experiments}
    if name not in known:
        raise not_found(f"the shop has no experiment of this name{near_match(name[:60], known)}")
    return known[name]


def _read(service: Service, experiment: ExperimentDefinition) -> Any:
    check_installed()
    from shopwright.experiments.reading import read_experiment  # noqa: PLC0415  # scipy takes a while to import

    def compute() -> Any:
        with service.published.connection() as connection:
            return to_jsonable(read_experiment(connection, experiment).document())

    return service.experiment_results.get(service.published.identity, experiment.name, compute)
