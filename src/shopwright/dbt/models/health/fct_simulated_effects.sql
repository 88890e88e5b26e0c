-- grain: one row per batch, simulated effect and date of the shop
-- An export that was rewritten by `shopwright simulate-effect` marks each of its events.
-- A loaded batch never changes, so a build scans new ones only,
-- and skips one that an unfinished build has scanned.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
) }}

with

events as (
    select * from {{ source('bronze', 'events') }}
    where
        simulated_effect is not null
        {% if is_incremental() %}
        and _batch_seq > {{ processed_through() }}
        and _batch_seq not in (select batch_seq from {{ this }})
        {% endif %}
),

marked as (
    select
        _batch_seq as batch_seq,
        simulated_effect,
        original_event_type,
        {{ shop_date('event_at') }} as event_date
    from events
),

final as (
    select
        batch_seq,
        simulated_effect,
        split_part(simulated_effect, ' ', 1) as experiment,
        event_date,
        count(*) as event_count,
        count(original_event_type) as changed_event_count
    from marked
    group by batch_seq, simulated_effect, event_date
)

select * from final
