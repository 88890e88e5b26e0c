-- grain: one row per order that has payments
{{ config(materialized='view') }}

with

payments as (
    select * from {{ ref('int_payments') }}
),

final as (
    select
        order_id,
        count(*) as payment_count,
        {{ amount_sum('case when amount > 0 then amount end') }} as paid_amount,
        {{ amount_sum("case when amount > 0 and tender <> 'money' then amount end") }} as credit_paid_amount,
        {{ known_amount_sum('fee_amount') }} as payment_fee_amount,
        count(case when amount is null then 1 end) as unknown_payment_count,
        {{ amount_sum('case when amount < 0 then -amount end') }} as refunded_amount,
        max(installments) as installment_count,
        {{ first_by('method', 'row(-amount, sequence)') }} as payment_method
    from payments
    group by order_id
)

select * from final
