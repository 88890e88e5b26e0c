-- grain: one row per user and channel
-- The latest statement counts. Where a source creates a new customer for each order, it is that of any of
-- them.
with

consents as (
    select * from {{ ref('stg_consents') }}
),

customers as (
    select * from {{ ref('stg_customers') }}
),

consents_of_users as (
    select
        coalesce(customers.user_id, consents.customer_id) as user_id,
        consents.channel,
        consents.is_given,
        consents.changed_at,
        consents._batch_seq,
        consents._row_number
    from consents
    left join customers
        on consents.customer_id = customers.customer_id
),

ranked as (
    select
        *,
        {{ is_first('user_id, channel', latest_first('changed_at')) }} as is_latest
    from consents_of_users
),

final as (
    select
        user_id,
        channel,
        is_given,
        changed_at
    from ranked
    where is_latest
)

select * from final
