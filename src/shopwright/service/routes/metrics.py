"""The shop's figures, as the app's pages and the command line have them."""

from __future__ import annotations

from asyncio import to_thread
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Query, Request, Response

from shopwright.core.errors import ConfigurationError, near_match
from shopwright.reports import REPORTS, Filters, Report, read_report
from shopwright.service.errors import ProblemError, not_found, problem_responses
from shopwright.service.schemas.reports import ReportDescription, ReportQuery, ReportTable
from shopwright.service.security import guarded_router
from shopwright.service.serialization import json_response
from shopwright.service.state import get_service

if TYPE_CHECKING:
    from shopwright.service.state import Service

router = guarded_router("read", prefix="/v1/metrics", tags=["metrics"])


@router.get("", summary="Which figures there are")
async def metrics() -> list[ReportDescription]:
    """Every table with its definition, filters and columns."""
    return [ReportDescription(**each.to_dict()) for each in REPORTS]


@router.get(
    "/{name}", summary="A table of figures", response_model=ReportTable, responses=problem_responses(404)
)
async def metric(name: str, query: Annotated[ReportQuery, Query()], request: Request) -> Response:
    """The same numbers as on the app's pages and by `shopwright report`. 404 where the shop has no such data."""
    report = _find(name)
    filters = _filters(report, query)
    return json_response(await to_thread(_read, get_service(request), report, filters))


def _find(name: str) -> Report:
    known = {each.name: each for each in REPORTS}
    if name not in known:
        raise not_found(f"there are no figures of this name{near_match(name[:60], known)}")
    return known[name]


def _filters(report: Report, query: ReportQuery) -> Filters:
    try:
        filters = Filters(**query.model_dump())
        report.check_filters(filters)
    except ConfigurationError as error:
        raise _refused(error) from None
    return filters


def _read(service: Service, report: Report, filters: Filters) -> dict[str, Any]:
    with service.published.connection() as connection:
        try:
            return read_report(connection, report, filters).to_dict()
        except (
            ConfigurationError
        ) as error:  # a value that nothing in the shop has, or a filter it cannot answer
            raise _refused(error) from None


def _refused(error: ConfigurationError) -> ProblemError:
    return ProblemError(422, "invalid", str(error), errors=[("query", str(error))])
