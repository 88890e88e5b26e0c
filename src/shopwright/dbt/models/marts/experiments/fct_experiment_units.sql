-- grain: one row per experiment and unit that took part
{%- set counts = [
    'session_count', 'cart_session_count', 'purchase_session_count', 'abandoned_session_count', 'order_count'
] %}

with

exposures as (
    select * from {{ ref('int_experiment_exposures') }}
),

days as (
    select * from {{ ref('int_experiment_days') }}
),

history as (
    select * from {{ ref('int_experiment_history') }}
),

totals as (
    select
        unit_key,
        {% for count in counts -%}
        sum({{ count }}) as {{ count }},
        {% endfor -%}
        sum(unit_count) as unit_count,
        sum(revenue_amount) as revenue_amount,
        sum(returned_unit_count) as returned_unit_count,
        min(first_purchase_at) as first_purchase_at,
        sum(view_session_count) as view_session_count,
        sum(checkout_session_count) as checkout_session_count
    from days
    group by unit_key
),

final as (
    select
        exposures.experiment,
        exposures.unit_id,
        exposures.user_id,
        exposures.variant,
        exposures.is_control,
        exposures.exposed_at,
        {{ shop_date('exposures.exposed_at') }} as exposed_date,
        exposures.variant_count,
        coalesce(exposures.device, '(unknown)') as device,
        coalesce(exposures.channel, '(unknown)') as channel,
        coalesce(exposures.country, '(unknown)') as country,
        exposures.is_new,
        {% for count in counts -%}
        cast(coalesce(totals.{{ count }}, 0) as integer) as {{ count }},
        {% endfor -%}
        cast(coalesce(totals.unit_count, 0) as bigint) as unit_count,
        cast(coalesce(totals.revenue_amount, 0) as decimal(38, 4)) as revenue_amount,
        cast(coalesce(totals.returned_unit_count, 0) as bigint) as returned_unit_count,
        case when totals.order_count > 0 then 1 else 0 end as is_converted,
        {{ seconds_between('exposures.exposed_at', 'totals.first_purchase_at') }} as seconds_to_purchase,
        coalesce(totals.view_session_count, 0) > 0 as has_view,
        coalesce(totals.cart_session_count, 0) > 0 as has_cart,
        coalesce(totals.checkout_session_count, 0) > 0 as has_checkout,
        coalesce(totals.purchase_session_count, 0) > 0 as has_purchase,
        -- Undefined is not zero: without such days there is nothing to have done in them.
        {% for count in ['session_count', 'cart_session_count', 'order_count'] -%}
        case
            when exposures.pre_start_at is not null then cast(coalesce(history.{{ count }}, 0) as integer)
        end as pre_{{ count }},
        {% endfor -%}
        case
            when exposures.pre_start_at is not null then cast(coalesce(history.unit_count, 0) as bigint)
        end as pre_unit_count,
        case
            when exposures.pre_start_at is not null
                then cast(coalesce(history.revenue_amount, 0) as decimal(38, 4))
        end as pre_revenue_amount,
        case
            when exposures.pre_start_at is not null then case when history.order_count > 0 then 1 else 0 end
        end as pre_is_converted
    from exposures
    left join totals
        on exposures.unit_key = totals.unit_key
    left join history
        on exposures.unit_key = history.unit_key
)

select * from final
