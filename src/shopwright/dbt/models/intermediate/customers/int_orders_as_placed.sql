-- grain: one row per order of an identified customer with a sale, as it was when placed
-- A view. Returns, cancellations and refunds happen after the order and are left out. Later facts that
-- models do use (delivery, first review, first payment) have a column with the date since when they are
-- known.
{{ config(materialized='view') }}
{%- set category = 'first_versions.category' if source_has_orders() else 'lines.category' %}
{%- set is_listed = 'coalesce(orders.ordered_at >= first_versions.valid_from, true)' %}

with

orders as (
    select
        *,
        case when review_count > 0 then order_id end as reviewed_order_id,
        case when payment_count > 0 then order_id end as paid_order_id
    from {{ ref('fct_orders') }}
    where customer_id is not null
),

lines as (
    select * from {{ ref('int_order_lines') }}
    where kind in ('sale', 'discount')
),

-- Later versions of the catalog did not exist yet when the order was placed.
product_versions as (
    select
        *,
        {{ is_first('product_id', 'valid_from nulls first') }} as is_first_version
    from {{ ref('stg_products') }}
),

first_versions as (
    select * from product_versions
    where is_first_version
),

reviews as (
    select
        *,
        coalesce(answered_at, created_at) as reviewed_at
    from {{ ref('stg_reviews') }}
    where coalesce(answered_at, created_at) is not null
),

-- A payment without a timestamp counts as made with the order, before any other.
payments as (
    select
        *,
        coalesce(paid_at, timestamp '1970-01-01 00:00:00') as counted_at
    from {{ ref('int_payments') }}
    where amount > 0
),

lines_when_placed as (
    select
        lines.order_key,
        {{ units("sum(case when lines.kind = 'sale' then lines.unit_count else 0 end)") }} as unit_count,
        count(distinct case when lines.kind = 'sale' and {{ is_listed }} then {{ category }} end)
            as category_count,
        {{ amount_sum('lines.gross_amount - coalesce(lines.discount_amount, 0)') }} as order_value_amount,
        {{ amount_sum('lines.freight_amount') }} as freight_amount
    from lines
    inner join orders
        on lines.order_key = orders.order_key
    left join first_versions
        on lines.product_id = first_versions.product_id
    where lines.booked_date <= orders.order_date
    group by lines.order_key
    having count(case when lines.kind = 'sale' then 1 end) > 0
),

first_reviews as (
    select
        order_id,
        min(reviewed_at) as reviewed_at,
        {{ first_by('score', 'row(reviewed_at, score)') }} as review_score
    from reviews
    group by order_id
),

ranked_payments as (
    select
        *,
        {{ is_first('order_id', 'counted_at, sequence') }} as is_first_payment
    from payments
),

first_payments as (
    select * from ranked_payments
    where is_first_payment
),

final as (
    select
        orders.order_key,
        orders.customer_id,
        orders.order_date,
        lines_when_placed.unit_count,
        lines_when_placed.category_count,
        lines_when_placed.order_value_amount,
        lines_when_placed.freight_amount,
        {{ shop_date('orders.delivered_at') }} as delivered_date,
        orders.delivery_days,
        orders.days_late,
        {{ shop_date('first_reviews.reviewed_at') }} as reviewed_date,
        first_reviews.review_score,
        greatest({{ shop_date('first_payments.counted_at') }}, orders.order_date) as paid_date,
        first_payments.method as payment_method,
        first_payments.installments as installment_count
    from orders
    inner join lines_when_placed
        on orders.order_key = lines_when_placed.order_key
    left join first_reviews
        on orders.reviewed_order_id = first_reviews.order_id
    left join first_payments
        on orders.paid_order_id = first_payments.order_id
)

select * from final
