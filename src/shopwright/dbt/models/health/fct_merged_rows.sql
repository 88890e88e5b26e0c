-- grain: one row per kind of rows that arrived and count no more, since others took their place
with

order_items as (
    select
        order_id,
        {{ is_replaced('order_items') }} as is_replaced
    from {{ source('bronze', 'order_items') }}
),

payments as (
    select
        order_id,
        {{ is_replaced('payments') }} as is_replaced
    from {{ source('bronze', 'payments') }}
),

final as (
    select
        'replaced_order_lines' as merge_kind,
        count(distinct order_id) as group_count,
        count(*) as row_count
    from order_items
    where is_replaced
    union all
    select
        'replaced_payments' as merge_kind,
        count(distinct order_id) as group_count,
        count(*) as row_count
    from payments
    where is_replaced
)

select * from final
