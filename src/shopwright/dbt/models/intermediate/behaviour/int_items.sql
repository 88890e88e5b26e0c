-- grain: one row per way in which events describe a product (same product, name, category, brand)
-- item_key depends on the description alone, so it can also settle ties between events.
{{ config(materialized='incremental', incremental_strategy='append') }}

with

events as (
    select * from {{ ref('stg_events') }}
    {% if is_incremental() %}
    where _batch_seq > {{ processed_through() }}
    {% endif %}
),

items as (
    select
        product_id,
        product_name,
        category,
        brand
    from events
    group by product_id, product_name, category, brand
),

keyed as (
    select
        {{ stable_number(joined_text(['product_id', 'product_name', 'category', 'brand'])) }} as item_key,
        case when product_id is not null then {{ stable_number('product_id') }} end as product_key,
        *
    from items
),

final as (
    select
        item_key,
        product_key,
        product_id,
        product_name,
        category,
        brand
    from keyed
    {% if is_incremental() %}
    where item_key not in (select item_key from {{ this }})
    {% endif %}
)

select * from final
