-- Order lines, payments and reviews whose order has not arrived. They are left out of all metrics until it
-- does.
{{ config(severity='warn') }}
with

orders as (
    select order_id from {{ ref('fct_orders') }}
    union all
    select order_id from {{ ref('stg_orders') }}
    where is_test
),

child_rows as (
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
        'refunds',
        order_id
    from {{ ref('stg_refunds') }}
    union all
    select
        'reviews',
        order_id
    from {{ ref('stg_reviews') }}
)

select
    child_rows.entity,
    child_rows.order_id
from child_rows
left join orders
    on child_rows.order_id = orders.order_id
where orders.order_id is null
