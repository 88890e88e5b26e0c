"""Recent activity of the shop's users, as an experiment that started some days ago would have seen it.

A unit takes part from its exposure on, as in the warehouse's own models of experiments: its first session, or its first
event of the type that the experiment names. What it did counts from then on, a session as a whole; and it is one unit,
however often it comes back. So ``baseline_after(7)`` is what such an experiment would have seen at the end of its seventh
day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING

from shopwright.core.errors import DataError
from shopwright.core.sql import quote_text
from shopwright.experiments.aggregates import capped_metric, read_aggregates
from shopwright.experiments.statistics import Baseline, Quantity

if TYPE_CHECKING:
    from shopwright.core.engine import Connection
    from shopwright.metrics import Metric
    from shopwright.settings import ExperimentDefinition

VARIANT = "past"
"""Variant of the units: a plan has none yet, and the aggregates group by one."""
RECENT_DAYS = 7
"""Days at the end of the history that estimate how many new units keep arriving; a week has every weekday."""

PAST_DAYS = """
create or replace temporary table past_days as
with

recent_sessions as (
    select * from gold.fct_sessions
    where not is_bot and session_date between date '{first}' and date '{last}'
),

exposing as (
    {exposing}
),

exposures as (
    select
        {unit} as unit_id,
        min(exposing_at) as exposed_at,
        min(session_date) as exposed_date
    from exposing
    group by {unit}
),

purchases as (
    {purchases}
),

active as (
    select
        exposures.unit_id,
        exposures.exposed_date,
        greatest(recent_sessions.session_date, exposures.exposed_date) as activity_date,
        1 as session_count,
        cast(recent_sessions.has_cart as integer) as cart_session_count,
        cast(recent_sessions.is_converted as integer) as purchase_session_count,
        cast(recent_sessions.is_abandoned as integer) as abandoned_session_count,
        0 as order_count,
        0 as unit_count,
        0 as revenue_amount
    from recent_sessions
    inner join exposures
        on recent_sessions.{unit} = exposures.unit_id and exposures.exposed_at <= recent_sessions.session_end_at
),

bought as (
    select
        exposures.unit_id,
        exposures.exposed_date,
        greatest(purchases.order_date, exposures.exposed_date) as activity_date,
        0, 0, 0, 0,
        purchases.order_count,
        purchases.unit_count,
        purchases.revenue_amount
    from purchases
    inner join exposures
        on
            purchases.unit_id = exposures.unit_id
            and case
                when purchases.is_day then exposures.exposed_date <= purchases.order_date
                else exposures.exposed_at <= purchases.ordered_at
            end
)

select * from active
union all
select * from bought
"""
"""Grain: one row per unit and activity, a session or an order."""

ASSIGNED = "select user_id, session_key, session_date, session_start_at as exposing_at from recent_sessions"

BY_EVENT = """
    select
        recent_sessions.user_id,
        recent_sessions.session_key,
        recent_sessions.session_date,
        journey.event_at as exposing_at
    from silver.int_user_journey as journey
    inner join recent_sessions
        on journey.user_id = recent_sessions.user_id and journey.session_start_at = recent_sessions.session_start_at
    where
        journey.event_type = {exposure}
        and journey.session_start_at >= date '{first}' - interval 2 day  -- skips most of the table, whatever the zone
"""

ORDERS_OF_USERS = """
    select
        customer_id as unit_id,
        ordered_at,
        ordered_at_is_day as is_day,
        order_date,
        1 as order_count,
        unit_count,
        order_value_amount as revenue_amount
    from gold.fct_orders
    where is_counted and order_date between date '{first}' and date '{last}'
"""

PURCHASES_OF_SESSIONS = """
    select
        purchases.session_key as unit_id,
        purchases.booked_at as ordered_at,
        false as is_day,
        recent_sessions.session_date as order_date,
        -- an order has several lines and counts with the first that comes after the exposure
        case when row_number() over by_order = 1 then 1 else 0 end as order_count,
        purchases.unit_count,
        purchases.line_amount as revenue_amount
    from silver.int_derived_order_lines as purchases
    inner join recent_sessions on purchases.session_key = recent_sessions.session_key
    inner join exposures on purchases.session_key = exposures.unit_id and exposures.exposed_at <= purchases.booked_at
    window by_order as (
        partition by purchases.session_key, purchases.order_key order by purchases.booked_at, purchases.step_number
    )
"""

PAST_UNITS = """
create or replace temporary view past_units as
select
    {name} as experiment,
    unit_id,
    '{variant}' as variant,
    1 as variant_count,
    min(exposed_date) as exposed_date,
    sum(session_count) as session_count,
    sum(cart_session_count) as cart_session_count,
    sum(purchase_session_count) as purchase_session_count,
    sum(abandoned_session_count) as abandoned_session_count,
    sum(order_count) as order_count,
    sum(unit_count) as unit_count,
    case when count(revenue_amount) = count(*) then sum(revenue_amount) end as revenue_amount,
    0 as returned_unit_count,
    case when sum(order_count) > 0 then 1 else 0 end as is_converted,
    false as has_view,
    false as has_cart,
    false as has_checkout,
    false as has_purchase
from past_days
where activity_date <= date '{until}'
group by unit_id
"""
"""Units at the end of a day, in the columns of ``fct_experiment_units`` that a plan needs."""


@dataclass(frozen=True, slots=True)
class PlanningData:
    """Recent days of a shop, seen as an experiment's first ones."""

    connection: Connection
    experiment: ExperimentDefinition
    metric: Metric
    first_date: date
    last_date: date
    arrivals: tuple[int, ...]
    """Units exposed by the end of each day, each unit counted once."""

    @property
    def days(self) -> int:
        """Dates from the first to the last, both counted."""
        return len(self.arrivals)

    @property
    def units(self) -> int:
        """Units exposed on all those days."""
        return self.arrivals[-1]

    @property
    def arrival_rate(self) -> float:
        """New units a day at the end of the history: an estimate of those that would come after it."""
        recent_days = min(RECENT_DAYS, self.days)
        earlier_units = self.arrivals[-recent_days - 1] if recent_days < self.days else 0
        return (self.units - earlier_units) / recent_days

    def units_after(self, days: int) -> float:
        """Return the units exposed within some days; beyond the history, at the rate of its end."""
        if days <= self.days:
            return self.arrivals[days - 1]
        return self.units + (days - self.days) * self.arrival_rate

    def baseline_after(self, days: int) -> Baseline:
        """Return the metric as it stood after some days, at most those of the history."""
        until = self.first_date + timedelta(days=min(days, self.days) - 1)
        self.connection.execute(
            PAST_UNITS.format(name=quote_text(self.experiment.name), variant=VARIANT, until=until)
        )
        sums = read_aggregates(
            self.connection, self.experiment, metrics=[self.metric], dimensions=(), units="past_units"
        ).group(VARIANT)
        if sums is None:
            return Baseline(None, None, "no units")
        return Baseline.from_moments(sums, Quantity(*capped_metric(self.metric, self.experiment).measures))


def read_planning_data(
    connection: Connection, experiment: ExperimentDefinition, metric: Metric, *, days: int
) -> PlanningData:
    """Read what units did in the last days of the data.

    Args:
        connection: to the published warehouse.
        experiment: its unit and exposure.
        metric: the metric to plan for.
        days: days of history; fewer are used where the data is younger.

    Raises:
        DataError: there are no sessions, or none that would expose a unit.
    """
    first, last = connection.execute(
        "select min(session_date), max(session_date) from gold.fct_sessions"
    ).fetchone() or (None, None)
    if first is None or last is None:
        raise DataError(
            "no sessions in the published warehouse to size an experiment with; run `shopwright run` first"
        )
    first = max(first, last - timedelta(days=days - 1))
    connection.execute(_past_days(experiment, first, last))
    new_units = dict(
        connection.execute(
            "select exposed_date, count(distinct unit_id) from past_days group by exposed_date"
        ).fetchall()
    )
    span = (last - first).days + 1
    if not new_units:
        exposure = "came" if experiment.exposure == "assigned" else f"did {experiment.exposure}"
        raise DataError(
            f"no {experiment.unit} {exposure} in the last {span} days of the data, so there is nothing to size it with"
        )
    arrivals = accumulate(new_units.get(first + timedelta(days=day), 0) for day in range(span))
    past = experiment.model_copy(update={"pre_period_days": 0})
    return PlanningData(connection, past, metric, first, last, tuple(arrivals))


def _past_days(experiment: ExperimentDefinition, first: date, last: date) -> str:
    unit, purchases = (
        ("user_id", ORDERS_OF_USERS) if experiment.unit == "user" else ("session_key", PURCHASES_OF_SESSIONS)
    )
    exposing = ASSIGNED if experiment.exposure == "assigned" else BY_EVENT
    return PAST_DAYS.format(
        first=first,
        last=last,
        unit=unit,
        exposing=exposing.format(first=first, exposure=quote_text(experiment.exposure)),
        purchases=purchases.format(first=first, last=last),
    )
