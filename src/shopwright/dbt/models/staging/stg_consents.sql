-- grain: one row per customer, channel and time of a statement
-- Of statements with the same time, the one that arrived last counts.
with

consents as (
    select * from {{ source('bronze', 'consents') }}
),

ranked as (
    select
        *,
        {{ is_first('customer_id, channel, changed_at', latest_first()) }} as is_latest
    from consents
),

final as (
    select
        customer_id,

        channel,

        is_given,

        changed_at,

        _batch_seq,
        _row_number
    from ranked
    where is_latest
)

select * from final
