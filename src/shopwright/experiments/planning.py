"""Sizing an experiment from what the shop's own users did lately."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopwright.core.errors import ConfigurationError, DataError
from shopwright.core.sql import quote_text
from shopwright.experiments.aggregates import read_aggregates, summed
from shopwright.experiments.statistics import Baseline, Quantity, Target, detectable_effect, required_units
from shopwright.metrics import METRICS, Kind

if TYPE_CHECKING:
    import duckdb

    from shopwright.experiments.statistics import SampleSize
    from shopwright.metrics import Metric
    from shopwright.settings import ExperimentDefinition

PAST_UNITS = """
create or replace temporary view past_units as
with

bounds as (
    select max(session_date) as last_date from gold.fct_sessions
),

recent_sessions as (
    select sessions.*
    from gold.fct_sessions as sessions
    cross join bounds
    where not sessions.is_bot and sessions.session_date > bounds.last_date - {days}
),

recent_orders as (
    select orders.*
    from gold.fct_orders as orders
    cross join bounds
    where orders.is_counted and orders.order_date between bounds.last_date - {days} + 1 and bounds.last_date
),

visits as (
    select
        {unit} as unit_id,
        min(session_date) as exposed_date,
        count(*) as session_count,
        count(case when has_cart then 1 end) as cart_session_count,
        count(case when is_converted then 1 end) as purchase_session_count,
        count(case when is_abandoned then 1 end) as abandoned_session_count
    from recent_sessions
    group by {unit}
),

purchases as (
    select
        {buyer} as unit_id,
        count(*) as order_count,
        sum(unit_count) as unit_count,
        sum(order_value_amount) as revenue_amount
    from recent_orders
    where {buyer} is not null
    group by {buyer}
)

select
    {name} as experiment,
    visits.unit_id,
    'past' as variant,
    1 as variant_count,
    visits.exposed_date,
    visits.session_count,
    visits.cart_session_count,
    visits.purchase_session_count,
    visits.abandoned_session_count,
    coalesce(purchases.order_count, 0) as order_count,
    coalesce(purchases.unit_count, 0) as unit_count,
    coalesce(purchases.revenue_amount, 0) as revenue_amount,
    0 as returned_unit_count,
    case when purchases.order_count > 0 then 1 else 0 end as is_converted,
    false as has_view,
    false as has_cart,
    false as has_checkout,
    false as has_purchase
from visits
left join purchases
    on visits.unit_id = purchases.unit_id
"""
"""Units of the last days, in the columns of ``fct_experiment_units`` that a plan needs."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an experiment needs to see what it is meant to see."""

    experiment: str
    metric: str
    history_days: int
    """Days of history it was sized by; an experiment of about this length sees units behave so."""
    past_units: int
    baseline: float | None
    """The metric in those days."""
    minimum_detectable_effect: float
    alpha: float
    power: float
    units_per_day: float
    """Units that would take part, by those days' mean."""
    size: SampleSize
    """Units by variant, and days."""
    detectable_effects: dict[int, float | None]
    """Weeks to the relative effect that would be found with the power asked for."""


def plan(
    connection: duckdb.DuckDBPyConnection,
    experiment: ExperimentDefinition,
    *,
    metric: str | None = None,
    effect: float | None = None,
    days: int = 28,
) -> Plan:
    """Size an experiment.

    Args:
        connection: to the published warehouse.
        experiment: its weights, traffic, alpha and power.
        metric: the primary one where not given.
        effect: smallest relative change that matters; the experiment's own where not given.
        days: of history.

    Raises:
        ConfigurationError: the metric cannot be planned for.
        DataError: there is no history.
    """
    chosen = METRICS[metric or experiment.primary_metric]
    if chosen.kind is Kind.QUANTILE or "returned_unit_count" in chosen.measures:
        raise ConfigurationError(
            f"{chosen.title} cannot be planned for; give --metric, such as conversion_rate"
        )
    baseline, units = _history(connection, experiment, chosen, days)
    target = Target(
        effect or experiment.minimum_detectable_effect,
        alpha=experiment.alpha,
        power=experiment.power,
        comparisons=len(experiment.variants) - 1,
    )
    weights = list(experiment.variants.values())
    low, high = experiment.layer_range
    per_day = units / days * experiment.traffic * (high - low)
    return Plan(
        experiment=experiment.name,
        metric=chosen.name,
        history_days=days,
        past_units=units,
        baseline=baseline.value,
        minimum_detectable_effect=target.minimum_detectable_effect,
        alpha=experiment.alpha,
        power=experiment.power,
        units_per_day=per_day,
        size=required_units(baseline, target=target, weights=weights, units_per_day=per_day),
        detectable_effects={
            week: detectable_effect(
                baseline,
                target=target,
                units=[max(1, int(week * 7 * per_day * share)) for share in experiment.shares.values()],
            )
            for week in (1, 2, 4, 8)
        },
    )


def _history(
    connection: duckdb.DuckDBPyConnection, experiment: ExperimentDefinition, metric: Metric, days: int
) -> tuple[Baseline, int]:
    unit, buyer = ("user_id", "customer_id") if experiment.unit == "user" else ("session_key", "session_key")
    connection.execute(
        PAST_UNITS.format(days=int(days), unit=unit, buyer=buyer, name=quote_text(experiment.name))
    )
    past = experiment.model_copy(update={"pre_period_days": 0})
    found = read_aggregates(connection, past, metrics=[metric], dimensions=(), units="past_units").of("past")
    if found is None:
        raise DataError(
            "no session in the published warehouse to size an experiment by; run 'shopwright run' first"
        )
    return Baseline.from_moments(found, Quantity(*summed(metric, past).measures)), found.count
