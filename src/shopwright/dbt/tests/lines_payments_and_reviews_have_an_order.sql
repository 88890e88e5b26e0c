-- What speaks of an order that has not come in yet waits, and is in no figure until it does.
{{ config(severity='warn') }}
with

orders as (
    select order_id from {{ ref('fct_orders') }}
),

waiting as (
    select
        'order_items' as entity,
        order_id
    from {{ ref('stg_order_items') }}
    union all
    select
        'payments',
        order_id
    from {{ ref('stg_payments') }}
    union all
    select
        'reviews',
        order_id
    from {{ ref('stg_reviews') }}
)

select
    waiting.entity,
    waiting.order_id
from waiting
left join orders
    on waiting.order_id = orders.order_id
where orders.order_id is null
