-- grain: one row per product in events
-- Totals over all descriptions of a product; the latest description wins.
{{ config(materialized='view') }}

with

product_weeks as (
    select * from {{ ref('int_product_weeks') }}
),

event_products as (
    select * from {{ ref('int_event_products') }}
    where product_key is not null
),

-- Two weeks of a description never share a timestamp, so the last price is unambiguous.
totals_per_description as (
    select
        event_product_key,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        min(lowest_price) as lowest_price,
        max(highest_price) as highest_price,
        max(last_priced_at) as last_priced_at,
        {{ last_by('last_price', 'last_priced_at') }} as last_price,
        sum(product_view_count) as product_view_count,
        sum(add_to_cart_count) as add_to_cart_count,
        sum(purchase_count) as purchase_count
    from product_weeks
    group by event_product_key
),

ranked_descriptions as (
    select
        totals_per_description.*,
        event_products.product_id,
        event_products.product_name,
        event_products.category,
        event_products.brand,
        {{ is_first(
            'event_products.product_id',
            'totals_per_description.last_seen_at desc, totals_per_description.event_product_key'
        ) }}
            as is_latest
    from totals_per_description
    inner join event_products
        on totals_per_description.event_product_key = event_products.event_product_key
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
    from ranked_descriptions
    group by product_id
)

select * from final
