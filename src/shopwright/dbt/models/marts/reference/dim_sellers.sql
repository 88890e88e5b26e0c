-- grain: one row per seller in the source or on an order line
with

sellers as (
    select * from {{ ref('stg_sellers') }}
),

sales as (
    select * from {{ ref('fct_seller_performance') }}
    where seller_id <> '(unknown)'
),

final as (
    select
        coalesce(sellers.seller_id, sales.seller_id) as seller_id,
        sellers.seller_id is not null as is_listed,
        sellers.zip_prefix,
        sellers.city,
        sellers.region,
        sellers.country,
        sales.first_ordered_at,
        sales.last_ordered_at,
        coalesce(sales.order_count, 0) as order_count,
        {{ units('coalesce(sales.unit_count, 0)') }} as unit_count,
        cast(case when sales.seller_id is null then 0 else sales.net_amount end as decimal(38, 4))
            as net_amount,
        '{{ var("shop_currency") }}' as currency
    from sellers
    full outer join sales
        on sellers.seller_id = sales.seller_id
)

select * from final
