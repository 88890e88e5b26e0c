-- grain: one row per line of a refund
-- A line of a refund that arrives again replaces the earlier one, as does a newer statement of the whole
-- order.
with

arrived_refunds as (
    select
        *,
        {{ is_replaced('refunds') }} as is_replaced
    from {{ source('bronze', 'refunds') }}
),

refunds as (
    select * from arrived_refunds
    where not is_replaced
),

ranked as (
    select
        *,
        {{ is_first('order_id, refund_id, line_number', latest_first()) }} as is_latest
    from refunds
),

final as (
    select
        refund_id,
        order_id,
        product_id,

        reason,
        currency,
        {% if var('publish_unmapped') %}
        properties,
        {% endif %}

        line_number,
        quantity,
        coalesce(line_amount, 0) as line_amount,
        coalesce(tax_amount, 0) as tax_amount,
        coalesce(shipping_amount, 0) as shipping_amount,
        coalesce(adjustment_amount, 0) as adjustment_amount,

        refunded_at,

        _batch_seq
    from ranked
    where is_latest
)

select * from final
