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
        lower(trim(status)) as status,
        tags,
        {% if var('publish_unmapped') %}
        properties,
        {% endif %}

        price,
        cast(unit_cost as decimal(28, 10)) as unit_cost,
        stock_quantity,

        valid_from
    from ranked
    where is_latest
)

select * from final
