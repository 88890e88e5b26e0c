-- grain: one row per experiment and unit that took part
{%- set counts = [
    'session_count', 'cart_session_count', 'purchase_session_count', 'abandoned_session_count', 'order_count'
] %}
{%- set no_returned_units = stated_by_orders(units('0'), otherwise=units('null')) %}

with

units as (
    select * from {{ ref('int_experiment_units') }}
),

unit_days as (
    select * from {{ ref('int_experiment_unit_days') }}
),

pre_period as (
    select * from {{ ref('int_experiment_pre_period') }}
),

totals as (
    select
        unit_key,
        {% for count in counts -%}
        sum({{ count }}) as {{ count }},
        {% endfor -%}
        sum(unit_count) as unit_count,
        {{ complete_sum('revenue_amount') }} as revenue_amount,
        {{ complete_sum('returned_unit_count') }} as returned_unit_count,
        min(first_purchase_at) as first_purchase_at,
        sum(view_session_count) as view_session_count,
        sum(checkout_session_count) as checkout_session_count
    from unit_days
    group by unit_key
),

final as (
    select
        units.experiment,
        units.unit_id,
        units.user_id,
        units.variant,
        units.is_control,
        units.exposed_at,
        {{ shop_date('units.exposed_at') }} as exposed_date,
        units.variant_count,
        coalesce(units.device, '(unknown)') as device,
        coalesce(units.channel, '(unknown)') as channel,
        coalesce(units.country, '(unknown)') as country,
        units.is_new,
        {% for count in counts -%}
        cast(coalesce(totals.{{ count }}, 0) as integer) as {{ count }},
        {% endfor -%}
        {{ units('coalesce(totals.unit_count, 0)') }} as unit_count,
        cast(case when totals.unit_key is null then 0 else totals.revenue_amount end as decimal(38, 4))
            as revenue_amount,
        -- Nothing says in which session something was bought that is returned.
        case
            when units.unit_session_start_at is not null then null
            when totals.unit_key is null then {{ no_returned_units }}
            else {{ units('totals.returned_unit_count') }}
        end as returned_unit_count,
        case when totals.order_count > 0 then 1 else 0 end as is_converted,
        {{ seconds_between('units.exposed_at', 'totals.first_purchase_at') }} as seconds_to_purchase,
        coalesce(totals.view_session_count, 0) > 0 as has_view,
        coalesce(totals.cart_session_count, 0) > 0 as has_cart,
        coalesce(totals.checkout_session_count, 0) > 0 as has_checkout,
        coalesce(totals.purchase_session_count, 0) > 0 as has_purchase,
        -- Undefined is not zero: without a pre-period there is no activity in it.
        {% for count in ['session_count', 'cart_session_count', 'order_count'] -%}
        case
            when units.pre_start_at is not null then cast(coalesce(pre_period.{{ count }}, 0) as integer)
        end as pre_{{ count }},
        {% endfor -%}
        case
            when units.pre_start_at is not null then {{ units('coalesce(pre_period.unit_count, 0)') }}
        end as pre_unit_count,
        case
            when units.pre_start_at is not null
                then
                    cast(
                        case when pre_period.unit_key is null then 0 else pre_period.revenue_amount end
                        as decimal(38, 4)
                    )
        end as pre_revenue_amount,
        case
            when units.pre_start_at is not null then case when pre_period.order_count > 0 then 1 else 0 end
        end as pre_is_converted
    from units
    left join totals
        on units.unit_key = totals.unit_key
    left join pre_period
        on units.unit_key = pre_period.unit_key
)

select * from final
