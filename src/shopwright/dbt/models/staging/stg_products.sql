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
        row_number() over (
            partition by product_id, valid_from
            order by name, category_id, category, brand, price, currency, properties
        ) as choice
    from products
),

final as (
    select
        product_id,
        category_id,

        name as product_name,
        category,
        brand,
        coalesce(currency, '{{ var("shop_currency") }}') as currency,
        properties,

        price,

        valid_from
    from ranked
    where choice = 1
)

select * from final
