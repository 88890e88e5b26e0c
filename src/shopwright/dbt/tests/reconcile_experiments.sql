-- What units did adds up to what they did day by day, and no unit is lost or has a variant that the settings
-- do not name.
{{ config(enabled=var('experiments') | length > 0) }}
{%- set measures = [
    'session_count', 'cart_session_count', 'purchase_session_count', 'abandoned_session_count', 'order_count',
    'unit_count', 'revenue_amount', 'returned_unit_count'
] %}

with

units as (
    select
        experiment,
        {% for measure in measures -%}
        sum({{ measure }}) as {{ measure }},
        {% endfor -%}
        count(*) as row_count
    from {{ ref('fct_experiment_units') }}
    group by experiment
),

days as (
    select
        {% for measure in measures -%}
        sum({{ measure }}) as {{ measure }},
        {% endfor -%}
        experiment
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
    {%- for measure in measures %}
    or coalesce(units.{{ measure }}, 0) <> coalesce(days.{{ measure }}, 0)
    {%- endfor %}
