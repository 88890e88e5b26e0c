-- To the cent: payments of known orders, orders and payment methods tell one sum.
with

stated as (
    select {{ money_sum('amount') }} as amount
    from {{ ref('stg_payments') }}
    where order_id in (select order_id from {{ ref('fct_orders') }})
),

orders as (
    select {{ money_sum('paid_amount - refunded_amount') }} as amount from {{ ref('fct_orders') }}
),

methods as (
    select {{ money_sum('paid_amount - refunded_amount') }} as amount from {{ ref('agg_payment_behavior') }}
)

select
    stated.amount as stated_amount,
    orders.amount as order_amount,
    methods.amount as method_amount
from stated
cross join orders
cross join methods
where stated.amount <> orders.amount or stated.amount <> methods.amount
