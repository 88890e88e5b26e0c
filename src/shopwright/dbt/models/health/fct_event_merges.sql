-- grain: one row for the shop
with

totals as (
    select * from {{ ref('int_event_merges') }}
),

final as (
    select
        cast(received_event_count as bigint) as received_event_count,
        cast(event_count as bigint) as event_count,
        cast(replaced_event_count as bigint) as replaced_event_count,
        cast(repeated_purchase_count as bigint) as repeated_purchase_count,
        cast(stitched_event_count as bigint) as stitched_event_count,
        cast(stitched_visitor_count as bigint) as stitched_visitor_count,
        cast(stitched_user_count as bigint) as stitched_user_count
    from totals
)

select * from final
