-- grain: one row per product known to the catalog or seen in events
with

weeks as (
    select * from {{ ref('int_product_weeks') }}
),

items as (
    select * from {{ ref('int_items') }}
    where product_key is not null
),

catalog_versions as (
    select
        *,
        {{ is_first('product_id', 'valid_from desc nulls last') }} as is_latest
    from {{ ref('stg_products') }}
),

catalog as (
    select * from catalog_versions
    where is_latest
),

totals_per_item as (
    select
        item_key,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        min(lowest_price) as lowest_price,
        max(highest_price) as highest_price,
        max(last_stated) as last_stated,
        sum(product_view_count) as product_view_count,
        sum(add_to_cart_count) as add_to_cart_count,
        sum(purchase_count) as purchase_count,
        sum(unit_count) as unit_count,
        sum(gross_amount) as gross_amount
    from weeks
    group by item_key
),

described_totals as (
    select
        totals_per_item.*,
        items.product_id,
        items.product_name,
        items.category,
        items.brand,
        row_number() over (
            partition by items.product_id
            order by totals_per_item.last_seen_at desc, totals_per_item.item_key
        ) as recency
    from totals_per_item
    inner join items
        on totals_per_item.item_key = items.item_key
),

seen as (
    select
        product_id,
        max(case when recency = 1 then product_name end) as product_name,
        max(case when recency = 1 then category end) as category,
        max(case when recency = 1 then brand end) as brand,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        min(lowest_price) as lowest_price,
        max(highest_price) as highest_price,
        max(last_stated) as last_stated,
        sum(product_view_count) as product_view_count,
        sum(add_to_cart_count) as add_to_cart_count,
        sum(purchase_count) as purchase_count,
        sum(unit_count) as unit_count,
        sum(gross_amount) as gross_amount
    from described_totals
    group by product_id
),

final as (
    select
        coalesce(catalog.product_id, seen.product_id) as product_id,
        catalog.product_id is not null as is_in_catalog,
        case when catalog.product_id is null then seen.product_name else catalog.product_name end
            as product_name,
        case when catalog.product_id is null then seen.category else catalog.category end as category,
        case when catalog.product_id is null then seen.brand else catalog.brand end as brand,
        catalog.price as list_price,
        cast((seen.last_stated % 100000000000) / 10000.0 as decimal(18, 4)) as last_price,
        seen.lowest_price,
        seen.highest_price,
        '{{ var("shop_currency") }}' as currency,
        seen.first_seen_at,
        seen.last_seen_at,
        cast(coalesce(seen.product_view_count, 0) as bigint) as product_view_count,
        cast(coalesce(seen.add_to_cart_count, 0) as bigint) as add_to_cart_count,
        cast(coalesce(seen.purchase_count, 0) as bigint) as purchase_count,
        cast(coalesce(seen.unit_count, 0) as bigint) as unit_count,
        cast(coalesce(seen.gross_amount, 0) as decimal(38, 4)) as gross_amount
    from catalog
    full outer join seen
        on catalog.product_id = seen.product_id
)

select * from final
