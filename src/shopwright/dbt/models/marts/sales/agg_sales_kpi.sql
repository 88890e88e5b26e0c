-- grain: one row per order month, category, status, country and region, with '(all)' for all categories
-- In the row of a category, amounts and units are those of its lines; facts of the order (delivery, review)
-- count in the row of each of its categories.
-- depends_on: {{ ref('int_sessions') }}, {{ ref('int_user_keys') }}, {{ ref('int_derived_order_lines') }}
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'owner': 'analytics', 'touched': 'order_months'},
) }}

with

kpi_lines as (
    select * from {{ ref('int_sales_kpi_lines') }}
    where {{ is_touched_month('order_month') }}
),

totals as (
    select
        order_month,
        category,
        coalesce(status, '(unknown)') as status,
        country,
        region,
        count(case when is_first then 1 end) as order_count,
        count(case when is_first and is_counted then 1 end) as counted_order_count,
        count(distinct case when is_counted then customer_id end) as customer_count,
        {{ units('sum(unit_count)') }} as unit_count,
        {% for amount in ['gross', 'discount', 'return', 'canceled', 'net', 'freight'] -%}
        {{ known_money_sum(amount ~ '_amount') }} as {{ amount }}_amount,
        {% endfor -%}
        {{ cost_sum('is_cost_unknown', over_shop=true) }} as cost_amount,
        {{ known_money_sum('case when is_counted then gross_amount - coalesce(discount_amount, 0) end') }}
            as order_value_amount,
        {{ known_money_sum(
            'case when is_counted and is_known_customer then gross_amount - coalesce(discount_amount, 0) end'
        ) }} as known_customer_value_amount,
        count(delivery_days) as delivered_order_count,
        {{ mean('delivery_days') }} as average_delivery_days,
        count(is_on_time) as promised_order_count,
        count(case when is_on_time then 1 end) as on_time_order_count,
        {{ mean('case when days_late < 0 then -days_late end') }} as average_early_days,
        {{ mean('case when days_late > 0 then days_late end') }} as average_late_days,
        count(review_score) as reviewed_order_count,
        {{ mean('review_score') }} as average_review_score
    from kpi_lines
    group by order_month, category, coalesce(status, '(unknown)'), country, region
),

final as (
    select
        order_month,
        category,
        status,
        country,
        region,
        order_count,
        counted_order_count,
        customer_count,
        unit_count,
        gross_amount,
        discount_amount,
        return_amount,
        canceled_amount,
        net_amount,
        cast(net_amount - cost_amount as decimal(38, 4)) as margin_amount,
        freight_amount,
        {{ average_order_value('order_value_amount', 'counted_order_count') }} as average_order_value,
        {{ safe_divide('known_customer_value_amount', 'customer_count') }} as average_revenue_per_user,
        delivered_order_count,
        average_delivery_days,
        promised_order_count,
        on_time_order_count,
        {{ safe_divide('on_time_order_count', 'promised_order_count') }} as on_time_rate,
        average_early_days,
        average_late_days,
        reviewed_order_count,
        average_review_score,
        '{{ var("shop_currency") }}' as currency
    from totals
)

select * from final
