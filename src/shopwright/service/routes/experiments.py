"""Experiments: which variant a unit sees, and the results."""

from __future__ import annotations

from asyncio import to_thread
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Query, Request, Response

from shopwright.assignment import assign
from shopwright.core.errors import near_match
from shopwright.experiments.readout_table import check_installed
from shopwright.service.errors import not_found, problem_responses
from shopwright.service.schemas.experiments import Experiment, ExperimentResults, UnitAssignment
from shopwright.service.security import guarded_router
from shopwright.service.serialization import json_response, to_jsonable
from shopwright.service.state import get_service

if TYPE_CHECKING:
    from shopwright.service.state import Service
    from shopwright.settings import ExperimentDefinition

router = guarded_router("read", prefix="/v1/experiments", tags=["experiments"])


@router.get("", summary="List experiments")
async def list_experiments(request: Request) -> list[Experiment]:
    """List the experiments in the shop's settings."""
    return [
        Experiment(
            name=experiment.name,
            hypothesis=experiment.hypothesis,
            unit=experiment.unit,
            variants=experiment.shares,
            start=experiment.start,
            end=experiment.end,
            primary_metric=experiment.primary_metric,
        )
        for experiment in get_service(request).project.settings.experiments
    ]


@router.get("/{name}/assign", summary="Get a unit's variant", responses=problem_responses(404))
async def assign_unit(
    name: str,
    request: Request,
    unit_id: Annotated[
        str,
        Query(min_length=1, max_length=200, description="User or session id.", examples=["541320447"]),
    ],
) -> UnitAssignment:
    """Return the variant that a user or session is assigned to.

    It never changes, and SQL and the warehouse compute the same.
    """
    return UnitAssignment(**asdict(assign(_find(get_service(request), name), unit_id)))


@router.get(
    "/{name}/results",
    summary="Get an experiment's results",
    response_model=ExperimentResults,
    responses=problem_responses(404),
)
async def get_results(name: str, request: Request) -> Response:
    """Return validity, effects with intervals, and verdicts by a fixed rule, as `shopwright experiment results` shows.

    They are computed once per published build.
    """
    service = get_service(request)
    experiment = _find(service, name)
    return json_response(await to_thread(_read_results, service, experiment))


def _find(service: Service, name: str) -> ExperimentDefinition:
    by_name = {experiment.name: experiment for experiment in service.project.settings.experiments}
    if name not in by_name:
        raise not_found(f"the shop has no experiment of this name{near_match(name[:60], by_name)}")
    return by_name[name]


def _read_results(service: Service, experiment: ExperimentDefinition) -> Any:
    check_installed()
    from shopwright.experiments.result import read_experiment  # noqa: PLC0415  # scipy takes a while to import

    def compute() -> Any:
        with service.published.connection() as connection:
            return to_jsonable(read_experiment(connection, experiment).to_dict())

    return service.experiment_results.get(service.published.identity, experiment.name, compute)
