-- grain: one row per product in the catalog
-- A view: the latest version of each product, with the display name of its category if the source has one.
{{ config(materialized='view') }}

with

versions as (
    select
        *,
        {{ is_first('product_id', 'valid_from desc nulls last') }} as is_latest
    from {{ ref('stg_products') }}
),

categories as (
    select * from {{ ref('stg_categories') }}
),

final as (
    select
        versions.product_id,
        versions.product_name,
        coalesce(categories.category_name, versions.category) as category,
        versions.brand,
        versions.price,
        versions.currency,
        versions.unit_cost,
        versions.stock_quantity,
        versions.valid_from,
        versions.status,
        versions.tags
    from versions
    left join categories
        on versions.category = categories.category
    where versions.is_latest
)

select * from final
