"""Scores of customers, as the warehouse has them."""

from __future__ import annotations

from asyncio import to_thread
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Path, Request

from shopwright.models import churn, lifetime_value, segmentation
from shopwright.service.errors import ProblemError, not_found, problem_responses
from shopwright.service.schemas.customers import Churn, LifetimeValue, Segment
from shopwright.service.scoring import assign_risk_band
from shopwright.service.security import guarded_router
from shopwright.service.state import get_service

if TYPE_CHECKING:
    import duckdb

    from shopwright.models.protocol import ModelSpec
    from shopwright.service.state import Service

router = guarded_router("read", prefix="/v1", tags=["customers"], responses=problem_responses(404))

CustomerId = Annotated[
    str, Path(max_length=200, description="The customer's id in the shop.", examples=["c-1042"])
]


@router.get("/churn/{customer_id}", summary="Will this customer leave?")
async def churn_of(customer_id: CustomerId, request: Request) -> Churn:
    """The score of the last run of `shopwright score churn`."""
    service = get_service(request)
    row = await to_thread(_row, service, churn.MODEL, customer_id)
    return Churn(**row, risk_band=assign_risk_band(row["probability"], service.settings))


@router.get("/lifetime-value/{customer_id}", summary="What will this customer spend?")
async def lifetime_value_of(customer_id: CustomerId, request: Request) -> LifetimeValue:
    """The prediction of the last run of `shopwright score lifetime_value`."""
    service = get_service(request)
    row = await to_thread(_row, service, lifetime_value.MODEL, customer_id)
    return LifetimeValue(**row, currency=service.project.settings.shop.currency)


@router.get("/segment/{customer_id}", summary="Which customers is this one like?")
async def segment_of(customer_id: CustomerId, request: Request) -> Segment:
    """The segment by the last run of `shopwright score segmentation`."""
    return Segment(**await to_thread(_row, get_service(request), segmentation.MODEL, customer_id))


def _row(service: Service, room: ModelSpec, customer_id: str) -> dict[str, Any]:
    """A customer's row of a table of scores.

    Raises:
        ProblemError: 404 where the table has none, 503 where there is no table yet.
    """
    with service.published.connection() as connection:
        if not _has(connection, room.scores_table):
            raise ProblemError(
                503, "no-scores", f"there are no scores yet; 'shopwright score {room.name}' writes them"
            )
        found = connection.execute(
            f"select * from {room.scores_table} where customer_id = ?", [customer_id]
        ).fetchone()
        names = [column[0] for column in connection.description or ()]
    if found is None:
        raise not_found(f"{room.name} has no score of this customer")
    row = dict(zip(names, found, strict=True))
    return row | {"model": room.name, "data_date": row["as_of_date"]}


def _has(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    schema, _, name = table.partition(".")
    query = "select 1 from information_schema.tables where table_schema = ? and table_name = ?"
    return connection.execute(query, [schema, name]).fetchone() is not None
