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
        {{ is_first('customer_id', latest_first('valid_from')) }} as is_latest
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

        person_id is not null as is_copy,

        valid_from,

        _batch_seq,
        _row_number
    from ranked
    where is_latest
)

select * from final
