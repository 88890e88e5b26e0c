-- grain: one row per version of a product as the catalog states it
-- Where a source contradicts itself about one version, the winner depends on what is said, never on when it
-- arrived.
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
        ) }} as is_chosen
    from products
),

final as (
    select
        product_id,
        category_id,

        name as product_name,
        {{ unless_reserved('category') }} as category,
        brand,
        coalesce(currency, '{{ var("shop_currency") }}') as currency,
        properties,

        price,

        valid_from
    from ranked
    where is_chosen
)

select * from final
