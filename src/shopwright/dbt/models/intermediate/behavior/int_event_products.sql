-- grain: one row per product description in events (product, name, category and brand)
-- event_product_key depends on the description alone, so it can also break ties between events.
{{ config(materialized='incremental', incremental_strategy='append') }}

with

events as (
    select * from {{ ref('stg_events') }}
    {% if is_incremental() %}
    where _batch_seq > {{ processed_through() }}
    {% endif %}
),

products as (
    select
        product_id,
        product_name,
        category,
        brand
    from events
    group by product_id, product_name, category, brand
),

hashed_products as (
    select
        {{ stable_number(concat_null_safe(['product_id', 'product_name', 'category', 'brand'])) }}
            as event_product_key,
        case when product_id is not null then {{ stable_number('product_id') }} end as product_key,
        *
    from products
),

final as (
    select
        event_product_key,
        product_key,
        product_id,
        product_name,
        category,
        brand
    from hashed_products
    {% if is_incremental() %}
    where event_product_key not in (select event_product_key from {{ this }})
    {% endif %}
)

select * from final
