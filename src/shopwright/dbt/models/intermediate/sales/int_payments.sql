-- grain: one row per payment of an order
-- A view: amounts in the shop's currency, by the rate of the order's day. A payment that failed paid nothing.
{{ config(materialized='view') }}

with

payments as (
    select * from {{ ref('stg_payments') }}
),

orders as (
    select * from {{ ref('int_source_orders') }}
),

exchange_rates as (
    select * from {{ ref('stg_exchange_rates') }}
),

payments_with_rates as (
    select
        payments.*,
        case
            when orders.stated_currency = coalesce(payments.currency, orders.stated_currency)
                then orders.exchange_rate
            when payments.currency is null or payments.currency = '{{ var("shop_currency") }}' then 1
            else exchange_rates.exchange_rate
        end as exchange_rate
    from payments
    left join orders
        on payments.order_id = orders.order_id
    left join exchange_rates
        on
            payments.currency = exchange_rates.currency
            and {{ shop_date('coalesce(orders.ordered_at, payments.paid_at)') }} >= exchange_rates.first_date
            and {{ shop_date('coalesce(orders.ordered_at, payments.paid_at)') }} < exchange_rates.end_date
),

final as (
    select
        order_id,
        method,
        tender,
        status,
        is_effective,
        sequence,
        installments,
        case when is_effective then {{ in_shop_currency('amount') }} else 0 end as amount,
        {{ in_shop_currency('fee_amount') }} as fee_amount,
        paid_at,
        _batch_seq
    from payments_with_rates
)

select * from final
