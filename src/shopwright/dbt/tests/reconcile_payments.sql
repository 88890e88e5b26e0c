-- Payments of known orders have the same total in payments, orders and payment methods, to the cent.
with

payments as (
    select {{ money_sum('amount') }} as amount
    from {{ ref('int_payments') }}
    where order_id in (select order_id from {{ ref('fct_orders') }})
),

orders as (
    select {{ money_sum('paid_amount - refunded_amount') }} as amount from {{ ref('fct_orders') }}
),

methods as (
    select {{ money_sum('paid_amount - refunded_amount') }} as amount from {{ ref('agg_payment_behavior') }}
)

select
    payments.amount as payment_amount,
    orders.amount as order_amount,
    methods.amount as method_amount
from payments
cross join orders
cross join methods
where payments.amount <> orders.amount or payments.amount <> methods.amount
