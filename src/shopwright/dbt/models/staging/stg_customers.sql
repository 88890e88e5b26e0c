-- grain: one row per customer id of the source
-- user_id is the person. Some sources create a new customer id for each order; then several ids have one
-- user_id.
with

customers as (
    select * from {{ source('bronze', 'customers') }}
),

ranked as (
    select
        *,
        {{ is_first(
            'customer_id',
            'valid_from desc nulls last, person_id, zip_prefix, city, region, country, segment, is_subscribed, '
            ~ 'signed_up_at, properties'
        ) }} as is_latest
    from customers
),

final as (
    select
        customer_id,
        coalesce(person_id, customer_id) as user_id,

        zip_prefix,
        city,
        region,
        country,

        person_id is not null as is_copy
    from ranked
    where is_latest
)

select * from final
