-- grain: one row per product in the catalog, in events or on an order line
with

catalog as (
    select * from {{ ref('int_product_catalog') }}
),

event_totals as (
    select * from {{ ref('int_product_event_totals') }}
),

sales as (
    select * from {{ ref('int_product_sales') }}
),

product_ids as (
    select product_id from catalog
    union
    select product_id from event_totals
    union
    select product_id from sales
),

final as (
    select
        product_ids.product_id,
        catalog.product_id is not null as is_in_catalog,
        case
            when catalog.product_id is not null then catalog.product_name
            else coalesce(event_totals.product_name, sales.product_name)
        end as product_name,
        case when catalog.product_id is null then event_totals.category else catalog.category end as category,
        case when catalog.product_id is null then event_totals.brand else catalog.brand end as brand,
        catalog.status,
        catalog.tags,
        catalog.price as list_price,
        catalog.unit_cost,
        catalog.currency as list_currency,
        catalog.stock_quantity,
        case when catalog.stock_quantity is not null then catalog.valid_from end as stock_at,
        event_totals.last_price,
        event_totals.lowest_price,
        event_totals.highest_price,
        '{{ var("shop_currency") }}' as currency,
        event_totals.first_seen_at,
        event_totals.last_seen_at,
        sales.first_sold_at,
        sales.last_sold_at,
        coalesce(event_totals.product_view_count, 0) as product_view_count,
        coalesce(event_totals.add_to_cart_count, 0) as add_to_cart_count,
        coalesce(event_totals.purchase_count, 0) as purchase_count,
        {{ units('coalesce(sales.unit_count, 0)') }} as unit_count,
        {{ stated_by_orders(units('coalesce(sales.returned_unit_count, 0)'), otherwise=units('null')) }}
            as returned_unit_count,
        cast(case when sales.product_id is null then 0 else sales.gross_amount end as decimal(38, 4))
            as gross_amount,
        cast(case when sales.product_id is null then 0 else sales.return_amount end as decimal(38, 4))
            as return_amount,
        cast(case when sales.product_id is null then 0 else sales.net_amount end as decimal(38, 4))
            as net_amount
    from product_ids
    left join catalog
        on product_ids.product_id = catalog.product_id
    left join event_totals
        on product_ids.product_id = event_totals.product_id
    left join sales
        on product_ids.product_id = sales.product_id
)

select * from final
