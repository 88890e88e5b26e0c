-- grain: one row per category that has a display name
with

categories as (
    select * from {{ source('bronze', 'categories') }}
),

ranked as (
    select
        *,
        {{ is_first('category', latest_first()) }} as is_latest
    from categories
),

final as (
    select
        category,
        {{ null_if_reserved('name') }} as category_name
    from ranked
    where is_latest
)

select * from final
