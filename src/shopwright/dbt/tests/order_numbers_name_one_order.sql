-- Numbers under which two sources state orders of other customers on other days: they count as one order.
-- A namespace for each of the sources keeps them apart.
{{ config(severity='warn') }}
with

stated as (
    select
        order_id,
        customer_id,
        ordered_at,
        _source
    from {{ source('bronze', 'orders') }}
    union all
    select
        order_id,
        customer_id,
        ordered_at,
        _source
    from {{ source('bronze', 'order_items') }}
    where ordered_at is not null
),

compared as (
    select
        order_id,
        min(_source) as first_source,
        max(_source) as last_source,
        min(customer_id) as first_customer_id,
        max(customer_id) as last_customer_id,
        {{ shop_date('min(ordered_at)') }} as first_date,
        {{ shop_date('max(ordered_at)') }} as last_date
    from stated
    group by order_id
)

select * from compared
where
    first_source <> last_source
    and first_customer_id <> last_customer_id
    and first_date <> last_date
