-- grain: one row per order
-- Lines, payments and reviews are aggregated to the order before the join, so that several of each count
-- once.
-- depends_on: {{ ref('int_sessions') }}, {{ ref('int_user_keys') }}
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'owner': 'analytics', 'touched': 'attributed_buyers'},
) }}
{%- set source_orders, derived_orders = ref('int_source_orders'), ref('int_derived_orders') %}

with

-- Two users may share an order_id; payments and reviews with that id belong to the first of them.
orders as (
    select
        *,
        {{ owned_order_id() }} as owned_order_id
    from {{ source_orders if source_has_orders() else derived_orders }}
    where {{ is_attributed_customer('customer_id') }}
),

line_totals as (
    select
        order_key,
        count(*) as line_count,
        count(case when kind = 'sale' then 1 end) as sale_line_count,
        count(distinct seller_id) as seller_count,
        {{ units("sum(case when kind = 'sale' then unit_count else 0 end)") }} as unit_count,
        {{ summed_amounts(of_one_order=true) }},
        count(case when is_derived_line then 1 end) as derived_line_count,
        {{ cost_sum(has_unknown_cost()) }} as cost_amount,
        {{ known_amount_sum('presentment_amount') }} as presentment_amount,
        min(presentment_currency) as lines_currency,
        count(distinct presentment_currency) as currency_count
    from {{ ref('int_order_lines') }}
    where {{ is_attributed_customer('customer_id') }}
    group by order_key
),

attribution as (
    select * from {{ ref('int_channel_attribution') }}
    where order_key is not null
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
        coalesce(line_totals.line_count - line_totals.derived_line_count, 0) as line_count,
        coalesce(line_totals.sale_line_count, 0) > 0 as has_sale,
        orders.canceled_at is not null
        or coalesce(orders.status in ({{ string_list(var('canceled_statuses')) }}), false) as is_canceled,
        line_totals.cost_amount,
        case
            when line_totals.currency_count > 1 then null
            when line_totals.lines_currency = orders.presentment_currency then line_totals.presentment_amount
            when
                line_totals.lines_currency = orders.stated_currency
                and abs(line_totals.presentment_amount) * cast(orders.presentment_rate as decimal(20, 12))
                < 99999999999999
                then {{ amount(
                    'line_totals.presentment_amount * cast(orders.presentment_rate as decimal(20, 12))'
                ) }}
        end as presentment_total_amount,
        coalesce(line_totals.seller_count, 0) as seller_count,
        coalesce(line_totals.unit_count, 0) as unit_count,
        {{ amounts_of_lines('line_totals') }},
        coalesce(payments.payment_count, 0) as payment_count,
        payments.payment_method,
        payments.installment_count,
        {{ amount('coalesce(payments.paid_amount, 0)') }} as paid_amount,
        {{ amount('coalesce(payments.refunded_amount, 0)') }} as refunded_amount,
        {{ amount('coalesce(payments.credit_paid_amount, 0)') }} as credit_paid_amount,
        payments.payment_fee_amount,
        coalesce(payments.unknown_payment_count, 0) as unknown_payment_count,
        coalesce(reviews.review_count, 0) as review_count,
        reviews.review_score,
        attribution.first_channel,
        attribution.last_non_direct_channel
    from orders
    left join line_totals
        on orders.order_key = line_totals.order_key
    left join attribution
        on orders.order_key = attribution.order_key
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
        {{ canonical_status() }} as canonical_status,
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
        canceled_at,
        cancel_reason,
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
        first_channel,
        last_non_direct_channel,
        sales_channel,
        store_id,
        landing_page,
        referrer,
        utm_source,
        utm_medium,
        utm_campaign,
        utm_term,
        utm_content,
        coupon_codes,
        experiment_group,
        cast(line_count as integer) as line_count,
        cast(seller_count as integer) as seller_count,
        {{ units('unit_count') }} as unit_count,
        {{ order_amounts() | join(', ') }},
        case
            when has_sale and not is_canceled
                then {{ amount('gross_amount - coalesce(discount_amount, 0)') }}
        end
            as order_value_amount,
        cost_amount,
        {{ amount('net_amount - cost_amount') }} as margin_amount,
        presentment_currency,
        presentment_total_amount,
        cast(payment_count as integer) as payment_count,
        payment_method,
        cast(installment_count as integer) as installment_count,
        paid_amount,
        refunded_amount,
        credit_paid_amount,
        payment_fee_amount,
        case
            when payment_count > 0 and unknown_payment_count = 0
                then {{ amount('paid_amount - refunded_amount - total_amount') }}
        end as payment_difference_amount,
        cast(review_count as integer) as review_count,
        review_score,
        '{{ var("shop_currency") }}' as currency
    from orders_with_totals
)

select * from final
