-- grain: one row per seller that the source lists or a line names
with

listed as (
    select * from {{ ref('stg_sellers') }}
),

sold as (
    select * from {{ ref('fct_seller_performance') }}
    where seller_id <> '(unknown)'
),

final as (
    select
        coalesce(listed.seller_id, sold.seller_id) as seller_id,
        listed.seller_id is not null as is_listed,
        listed.zip_prefix,
        listed.city,
        listed.region,
        listed.country,
        sold.first_ordered_at,
        sold.last_ordered_at,
        coalesce(sold.order_count, 0) as order_count,
        coalesce(sold.unit_count, 0) as unit_count,
        cast(coalesce(sold.net_amount, 0) as decimal(38, 4)) as net_amount,
        '{{ var("shop_currency") }}' as currency
    from listed
    full outer join sold
        on listed.seller_id = sold.seller_id
)

select * from final
