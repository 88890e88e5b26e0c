-- grain: one row per order
-- Lines, payments and reviews are aggregated to the order before the join, so that several of each count
-- once.
-- depends_on: {{ ref('int_sessions') }}, {{ ref('int_user_keys') }}
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'owner': 'analytics', 'touched': 'buyers'},
) }}
{%- set source_orders, derived_orders = ref('int_source_orders'), ref('int_derived_orders') %}

with

-- Two users may share an order_id; payments and reviews with that id belong to the first of them.
orders as (
    select
        *,
        {{ owned_order_id() }} as owned_order_id
    from {{ source_orders if source_has_orders() else derived_orders }}
    where {{ is_touched_customer('customer_id') }}
),

line_totals as (
    select
        order_key,
        count(*) as line_count,
        count(case when kind = 'sale' then 1 end) as sale_line_count,
        count(distinct seller_id) as seller_count,
        {{ units("sum(case when kind = 'sale' then unit_count else 0 end)") }} as unit_count,
        {{ summed_amounts(of_one_order=true) }}
    from {{ ref('int_order_lines') }}
    where {{ is_touched_customer('customer_id') }}
    group by order_key
),

payments as (
    select * from {{ ref('int_order_payments') }}
),

reviews as (
    select * from {{ ref('int_order_reviews') }}
),

orders_with_totals as (
    select
        orders.*,
        coalesce(line_totals.line_count, 0) as line_count,
        coalesce(line_totals.sale_line_count, 0) > 0 as has_sale,
        coalesce(orders.status in ({{ string_list(var('canceled_statuses')) }}), false) as is_canceled,
        coalesce(line_totals.seller_count, 0) as seller_count,
        coalesce(line_totals.unit_count, 0) as unit_count,
        {{ coalesced_amounts('line_totals') }},
        coalesce(payments.payment_count, 0) as payment_count,
        payments.payment_method,
        payments.installment_count,
        {{ amount('coalesce(payments.paid_amount, 0)') }} as paid_amount,
        {{ amount('coalesce(payments.refunded_amount, 0)') }} as refunded_amount,
        coalesce(reviews.review_count, 0) as review_count,
        reviews.review_score
    from orders
    left join line_totals
        on orders.order_key = line_totals.order_key
    left join payments
        on orders.owned_order_id = payments.order_id
    left join reviews
        on orders.owned_order_id = reviews.order_id
),

final as (
    select
        order_key,
        order_id,
        customer_id,
        session_key,
        status,
        has_sale,
        is_canceled,
        has_sale and not is_canceled as is_counted,
        ordered_at,
        ordered_at_is_day,
        {{ shop_date('ordered_at') }} as order_date,
        approved_at,
        shipped_at,
        delivered_at,
        promised_at,
        {{ days_between('approved_at', 'shipped_at') }} as handling_days,
        case
            when {{ shop_date('delivered_at') }} >= {{ shop_date('ordered_at') }}
                then greatest({{ days_between('ordered_at', 'delivered_at') }}, 0)
        end as delivery_days,
        cast({{ shop_date('delivered_at') }} - {{ shop_date('promised_at') }} as integer) as days_late,
        {{ shop_date('delivered_at') }} <= {{ shop_date('promised_at') }} as is_on_time,
        coalesce(country, '(unknown)') as country,
        coalesce(region, '(unknown)') as region,
        city,
        device,
        channel,
        experiment_group,
        cast(line_count as integer) as line_count,
        cast(seller_count as integer) as seller_count,
        {{ units('unit_count') }} as unit_count,
        {{ order_amounts() | join(', ') }},
        case when has_sale and not is_canceled then {{ amount('gross_amount - discount_amount') }} end
            as order_value_amount,
        cast(payment_count as integer) as payment_count,
        payment_method,
        cast(installment_count as integer) as installment_count,
        paid_amount,
        refunded_amount,
        case
            when payment_count > 0
                then {{ amount('paid_amount - refunded_amount - total_amount') }}
        end as payment_difference_amount,
        cast(review_count as integer) as review_count,
        review_score,
        currency
    from orders_with_totals
)

select * from final
