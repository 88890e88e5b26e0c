-- grain: one row per payment of an order
-- A payment that arrives again replaces the earlier one.
with

payments as (
    select * from {{ source('bronze', 'payments') }}
),

ranked as (
    select
        *,
        {{ is_first('order_id, sequence', latest_first()) }} as is_latest
    from payments
),

final as (
    select
        order_id,

        coalesce(lower(trim(method)), '(unknown)') as method,
        lower(trim(status)) as status,
        currency,
        coalesce(tender, {{ tender_of('method') }}) as tender,
        {{ is_effective_payment('status') }} as is_effective,
        properties,

        sequence,
        installments,
        amount,
        fee_amount,

        paid_at,

        _batch_seq
    from ranked
    where is_latest
)

select * from final
