-- What units did adds up to what they did day by day, and no unit is lost or has a variant that the settings
-- do not name.
{{ config(enabled=var('experiments') | length > 0) }}

with

units as (
    select
        experiment,
        count(*) as row_count,
        sum(session_count) as session_count,
        sum(cart_session_count) as cart_session_count,
        sum(purchase_session_count) as purchase_session_count,
        sum(abandoned_session_count) as abandoned_session_count,
        sum(order_count) as order_count,
        sum(unit_count) as unit_count,
        sum(revenue_amount) as revenue_amount,
        sum(returned_unit_count) as returned_unit_count
    from {{ ref('fct_experiment_units') }}
    group by experiment
),

days as (
    select
        experiment,
        sum(session_count) as session_count,
        sum(cart_session_count) as cart_session_count,
        sum(purchase_session_count) as purchase_session_count,
        sum(abandoned_session_count) as abandoned_session_count,
        sum(order_count) as order_count,
        sum(unit_count) as unit_count,
        sum(revenue_amount) as revenue_amount,
        sum(returned_unit_count) as returned_unit_count
    from {{ ref('int_experiment_days') }}
    group by experiment
),

exposures as (
    select
        exposures.experiment,
        count(*) as row_count
    from {{ ref('int_experiment_exposures') }} as exposures
    inner join {{ ref('int_experiment_variants') }} as variants
        on
            exposures.experiment = variants.experiment
            and exposures.variant = variants.variant
    group by exposures.experiment
)

select
    coalesce(units.experiment, days.experiment, exposures.experiment) as experiment,
    units.row_count,
    exposures.row_count as exposed_count
from units
full outer join days
    on units.experiment = days.experiment
full outer join exposures
    on units.experiment = exposures.experiment
where
    not ({{ same('units.row_count', 'exposures.row_count') }})
    or coalesce(units.session_count, 0) <> coalesce(days.session_count, 0)
    or coalesce(units.cart_session_count, 0) <> coalesce(days.cart_session_count, 0)
    or coalesce(units.purchase_session_count, 0) <> coalesce(days.purchase_session_count, 0)
    or coalesce(units.abandoned_session_count, 0) <> coalesce(days.abandoned_session_count, 0)
    or coalesce(units.order_count, 0) <> coalesce(days.order_count, 0)
    or coalesce(units.unit_count, 0) <> coalesce(days.unit_count, 0)
    or coalesce(units.revenue_amount, 0) <> coalesce(days.revenue_amount, 0)
    or coalesce(units.returned_unit_count, 0) <> coalesce(days.returned_unit_count, 0)
