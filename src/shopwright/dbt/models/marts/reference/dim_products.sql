-- grain: one row per product known to the catalog, seen in events or named by an order line
with

catalog as (
    select * from {{ ref('int_catalog') }}
),

seen as (
    select * from {{ ref('int_product_views') }}
),

sold as (
    select * from {{ ref('int_product_sales') }}
),

known as (
    select product_id from catalog
    union
    select product_id from seen
    union
    select product_id from sold
),

final as (
    select
        known.product_id,
        catalog.product_id is not null as is_in_catalog,
        case
            when catalog.product_id is not null then catalog.product_name
            else coalesce(seen.product_name, sold.product_name)
        end as product_name,
        case when catalog.product_id is null then seen.category else catalog.category end as category,
        case when catalog.product_id is null then seen.brand else catalog.brand end as brand,
        catalog.price as list_price,
        seen.last_price,
        seen.lowest_price,
        seen.highest_price,
        '{{ var("shop_currency") }}' as currency,
        seen.first_seen_at,
        seen.last_seen_at,
        sold.first_sold_at,
        sold.last_sold_at,
        coalesce(seen.product_view_count, 0) as product_view_count,
        coalesce(seen.add_to_cart_count, 0) as add_to_cart_count,
        coalesce(seen.purchase_count, 0) as purchase_count,
        coalesce(sold.unit_count, 0) as unit_count,
        coalesce(sold.returned_unit_count, 0) as returned_unit_count,
        cast(coalesce(sold.gross_amount, 0) as decimal(38, 4)) as gross_amount,
        cast(coalesce(sold.return_amount, 0) as decimal(38, 4)) as return_amount,
        cast(coalesce(sold.net_amount, 0) as decimal(38, 4)) as net_amount
    from known
    left join catalog
        on known.product_id = catalog.product_id
    left join seen
        on known.product_id = seen.product_id
    left join sold
        on known.product_id = sold.product_id
)

select * from final
