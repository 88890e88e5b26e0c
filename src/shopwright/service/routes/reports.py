"""Routes of reports, the same as in the app and on the command line."""

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

router = guarded_router("read", tags=["reports"])

# The paths of before reports had this name still answer, and are in no description.
_PATH, _OLD_PATH = "/v1/reports", "/v1/metrics"


@router.get(_OLD_PATH, include_in_schema=False)
@router.get(_PATH, summary="List reports")
async def list_reports() -> list[ReportDescription]:
    """Return every report with its definition, filters and columns."""
    return [ReportDescription(**report.to_dict()) for report in REPORTS]


@router.get(_OLD_PATH + "/{name}", include_in_schema=False, response_model=ReportTable)
@router.get(
    _PATH + "/{name}", summary="Read a report", response_model=ReportTable, responses=problem_responses(404)
)
async def read(name: str, query: Annotated[ReportQuery, Query()], request: Request) -> Response:
    """Return the same rows as the app and `shopwright report`; 404 if the shop has no such data."""
    report = _find(name)
    filters = _filters(report, query)
    return json_response(await to_thread(_read, get_service(request), report, filters))


def _find(name: str) -> Report:
    by_name = {report.name: report for report in REPORTS}
    if name not in by_name:
        raise not_found(f"There is no report with this name{near_match(name[:60], by_name)}")
    return by_name[name]


def _filters(report: Report, query: ReportQuery) -> Filters:
    try:
        filters = Filters(**query.model_dump())
        report.check_filters(filters)
    except ConfigurationError as error:
        raise _invalid_query(error) from None
    return filters


def _read(service: Service, report: Report, filters: Filters) -> dict[str, Any]:
    with service.published.connection() as connection:
        try:
            return read_report(connection, report, filters).to_dict()
        except ConfigurationError as error:
            # A filter value that does not exist in the shop shows only when the report is read.
            raise _invalid_query(error) from None


def _invalid_query(error: ConfigurationError) -> ProblemError:
    return ProblemError(422, "invalid", str(error), errors=[("query", str(error))])
