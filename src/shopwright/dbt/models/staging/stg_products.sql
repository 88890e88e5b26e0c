-- grain: one row per version of a product in the catalog
-- Of records with the same valid_from, the one that arrived last counts.
with

products as (
    select * from {{ source('bronze', 'products') }}
),

ranked as (
    select
        *,
        {{ is_first('product_id, valid_from', latest_first()) }} as is_latest
    from products
),

final as (
    select
        product_id,
        category_id,

        name as product_name,
        {{ null_if_reserved('category') }} as category,
        brand,
        coalesce(currency, '{{ var("shop_currency") }}') as currency,
        properties,

        price,

        valid_from
    from ranked
    where is_latest
)

select * from final
