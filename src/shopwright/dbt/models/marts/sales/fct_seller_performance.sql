-- grain: one row per seller, with '(unknown)' for lines that name none
-- Delivery, review and status are the order's and count for each of its sellers.
with

lines as (
    select * from {{ ref('int_order_lines') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

orders_per_seller as (
    select
        coalesce(seller_id, '(unknown)') as seller_id,
        order_key,
        count(*) as line_count,
        cast(sum(case when kind = 'sale' then unit_count else 0 end) as bigint) as unit_count,
        {{ summed_amounts() }}
    from lines
    group by coalesce(seller_id, '(unknown)'), order_key
),

totals as (
    select
        orders_per_seller.seller_id,
        min(orders.ordered_at) as first_ordered_at,
        max(orders.ordered_at) as last_ordered_at,
        count(*) as order_count,
        count(case when orders.is_canceled then 1 end) as canceled_order_count,
        cast(sum(orders_per_seller.line_count) as bigint) as line_count,
        cast(sum(orders_per_seller.unit_count) as bigint) as unit_count,
        {{ summed_amounts('orders_per_seller') }},
        count(orders.is_on_time) as promised_order_count,
        count(case when orders.is_on_time then 1 end) as on_time_order_count,
        {{ mean_of('case when orders.handling_days >= 0 then orders.handling_days end') }}
            as average_handling_days,
        count(orders.review_score) as reviewed_order_count,
        {{ mean_of('orders.review_score') }} as average_review_score
    from orders_per_seller
    inner join orders
        on orders_per_seller.order_key = orders.order_key
    group by orders_per_seller.seller_id
),

final as (
    select
        seller_id,
        first_ordered_at,
        last_ordered_at,
        order_count,
        canceled_order_count,
        {{ rate('canceled_order_count', 'order_count') }} as cancellation_rate,
        line_count,
        unit_count,
        {{ order_amounts() | join(', ') }},
        promised_order_count,
        on_time_order_count,
        {{ rate('on_time_order_count', 'promised_order_count') }} as on_time_rate,
        average_handling_days,
        reviewed_order_count,
        average_review_score,
        case
            when seller_id <> '(unknown)'
                then rank() over (
                    partition by seller_id = '(unknown)' order by net_amount desc
                )
        end as revenue_rank,
        '{{ var("shop_currency") }}' as currency
    from totals
)

select * from final
