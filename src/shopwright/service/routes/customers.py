"""Routes of customer scores, read from the warehouse."""

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
    from shopwright.core.engine import Connection
    from shopwright.models.protocol import ModelSpec
    from shopwright.service.state import Service

router = guarded_router("read", prefix="/v1", tags=["customers"], responses=problem_responses(404))

CustomerId = Annotated[
    str, Path(max_length=200, description="Id of the customer in the shop.", examples=["c-1042"])
]


@router.get("/churn/{customer_id}", summary="Churn score of a customer")
async def read_churn(customer_id: CustomerId, request: Request) -> Churn:
    """Return the score that the last `shopwright score churn` wrote."""
    service = get_service(request)
    row = await to_thread(_read_score, service, churn.MODEL, customer_id)
    return Churn(**row, risk_band=assign_risk_band(row["probability"], service.settings))


@router.get("/lifetime-value/{customer_id}", summary="Lifetime value of a customer")
async def read_lifetime_value(customer_id: CustomerId, request: Request) -> LifetimeValue:
    """Return the prediction that the last `shopwright score lifetime_value` wrote."""
    service = get_service(request)
    row = await to_thread(_read_score, service, lifetime_value.MODEL, customer_id)
    return LifetimeValue(**row, currency=service.project.settings.shop.currency)


@router.get("/segment/{customer_id}", summary="Segment of a customer")
async def read_segment(customer_id: CustomerId, request: Request) -> Segment:
    """Return the segment that the last `shopwright score segmentation` wrote."""
    return Segment(**await to_thread(_read_score, get_service(request), segmentation.MODEL, customer_id))


def _read_score(service: Service, spec: ModelSpec, customer_id: str) -> dict[str, Any]:
    """Return a customer's row of a model's scores table.

    Raises:
        ProblemError: 404 where the table has no such customer, 503 where there is no table yet.
    """
    with service.published.connection() as connection:
        if not _table_exists(connection, spec.scores_table):
            raise ProblemError(503, "no-scores", f"No scores yet. Run `shopwright score {spec.name}`")
        values = connection.execute(
            f"select * from {spec.scores_table} where customer_id = ?", [customer_id]
        ).fetchone()
        names = [column[0] for column in connection.description or ()]
    if values is None:
        raise not_found(f"No {spec.name} score for this customer")
    row = dict(zip(names, values, strict=True))
    return row | {"model": spec.name, "data_date": row["as_of_date"]}


def _table_exists(connection: Connection, table: str) -> bool:
    schema, _, name = table.partition(".")
    query = "select 1 from information_schema.tables where table_schema = ? and table_name = ?"
    return connection.execute(query, [schema, name]).fetchone() is not None
