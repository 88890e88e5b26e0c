-- grain: one row per product seen in events
-- What events say about a product over all its descriptions; the latest description counts.
{{ config(materialized='view') }}

with

weeks as (
    select * from {{ ref('int_product_weeks') }}
),

items as (
    select * from {{ ref('int_items') }}
    where product_key is not null
),

-- No two weeks of an item share a moment.
totals_per_item as (
    select
        item_key,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        min(lowest_price) as lowest_price,
        max(highest_price) as highest_price,
        max(last_priced_at) as last_priced_at,
        {{ last_by('last_price', 'last_priced_at') }} as last_price,
        sum(product_view_count) as product_view_count,
        sum(add_to_cart_count) as add_to_cart_count,
        sum(purchase_count) as purchase_count
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
        {{ is_first('items.product_id', 'totals_per_item.last_seen_at desc, totals_per_item.item_key') }}
            as is_latest
    from totals_per_item
    inner join items
        on totals_per_item.item_key = items.item_key
),

final as (
    select
        product_id,
        max(case when is_latest then product_name end) as product_name,
        max(case when is_latest then category end) as category,
        max(case when is_latest then brand end) as brand,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        min(lowest_price) as lowest_price,
        max(highest_price) as highest_price,
        {{ last_by('last_price', 'row(last_priced_at, last_price)') }} as last_price,
        cast(sum(product_view_count) as bigint) as product_view_count,
        cast(sum(add_to_cart_count) as bigint) as add_to_cart_count,
        cast(sum(purchase_count) as bigint) as purchase_count
    from described_totals
    group by product_id
)

select * from final
