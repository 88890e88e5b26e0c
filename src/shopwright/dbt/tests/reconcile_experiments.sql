-- Totals of units equal the sums of their days, and no unit is lost or has a variant that the settings
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

-- A unit with an unknown amount on one day has an unknown total.
days_per_unit as (
    select
        {% for measure in measures -%}
        {{ complete_sum(measure) }} as {{ measure }},
        {% endfor -%}
        experiment,
        unit_key
    from {{ ref('int_experiment_unit_days') }}
    group by experiment, unit_key
),

unit_days as (
    select
        {% for measure in measures -%}
        sum({{ measure }}) as {{ measure }},
        {% endfor -%}
        experiment
    from days_per_unit
    group by experiment
),

silver_units as (
    select
        silver_units.experiment,
        count(*) as row_count
    from {{ ref('int_experiment_units') }} as silver_units
    inner join {{ ref('int_experiment_variants') }} as variants
        on
            silver_units.experiment = variants.experiment
            and silver_units.variant = variants.variant
    group by silver_units.experiment
)

select
    coalesce(units.experiment, unit_days.experiment, silver_units.experiment) as experiment,
    units.row_count,
    silver_units.row_count as exposed_count
from units
full outer join unit_days
    on units.experiment = unit_days.experiment
full outer join silver_units
    on units.experiment = silver_units.experiment
where
    not ({{ null_safe_equal('units.row_count', 'silver_units.row_count') }})
    {%- for measure in measures %}
    or coalesce(units.{{ measure }}, 0) <> coalesce(unit_days.{{ measure }}, 0)
    {%- endfor %}
