-- grain: one row per seller, with '(unknown)' for lines without a seller
-- Delivery, review and status belong to the order and count for each of its sellers.
with

lines as (
    select
        *,
        case when is_first_of_seller then order_key end as first_order_key
    from {{ ref('int_order_lines') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

-- Facts of the order are joined to the first line of each of its sellers only.
lines_with_orders as (
    select
        lines.*,
        orders.order_key as joined_order_key,
        orders.ordered_at,
        orders.is_canceled as is_canceled_order,
        orders.is_on_time,
        orders.handling_days,
        orders.review_score
    from lines
    left join orders
        on lines.first_order_key = orders.order_key
),

totals as (
    select
        coalesce(seller_id, '(unknown)') as seller_id,
        min(ordered_at) as first_ordered_at,
        max(ordered_at) as last_ordered_at,
        count(joined_order_key) as order_count,
        {{ canceled_orders('is_canceled_order') }} as canceled_order_count,
        count(*) as line_count,
        {{ units("sum(case when kind = 'sale' then unit_count else 0 end)") }} as unit_count,
        {{ summed_amounts() }},
        {{ cost_sum(has_unknown_cost(), over_shop=true) }} as cost_amount,
        count(is_on_time) as promised_order_count,
        count(case when is_on_time then 1 end) as on_time_order_count,
        {{ mean('case when handling_days >= 0 then handling_days end') }} as average_handling_days,
        count(review_score) as reviewed_order_count,
        {{ mean('review_score') }} as average_review_score
    from lines_with_orders
    group by coalesce(seller_id, '(unknown)')
),

final as (
    select
        seller_id,
        first_ordered_at,
        last_ordered_at,
        order_count,
        canceled_order_count,
        {{ safe_divide('canceled_order_count', 'order_count') }} as cancellation_rate,
        line_count,
        unit_count,
        {{ order_amounts() | join(', ') }},
        cast(net_amount - cost_amount as decimal(38, 4)) as margin_amount,
        promised_order_count,
        on_time_order_count,
        {{ safe_divide('on_time_order_count', 'promised_order_count') }} as on_time_rate,
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
