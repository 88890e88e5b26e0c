-- grain: one row per payment of an order
-- A payment that arrives again replaces the earlier one, as does a newer statement of the whole order.
with

arrived_payments as (
    select
        *,
        {{ is_replaced('payments') }} as is_replaced
    from {{ source('bronze', 'payments') }}
),

payments as (
    select * from arrived_payments
    where not is_replaced
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
        {% if var('publish_unmapped') %}
        properties,
        {% endif %}

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
