-- grain: one row per version of a product in the catalog
-- If a source contradicts itself about a version, the winner depends on the content, never on the order of
-- arrival.
with

products as (
    select * from {{ source('bronze', 'products') }}
),

ranked as (
    select
        *,
        {{ is_first(
            'product_id, valid_from',
            'name, category_id, category, brand, price, currency, properties'
        ) }} as is_preferred
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
    where is_preferred
)

select * from final
