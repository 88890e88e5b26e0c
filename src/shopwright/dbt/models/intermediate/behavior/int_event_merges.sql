-- grain: one row for the shop
-- How many of the events in the lake are versions of one, which purchases are reported again, and whose
-- anonymous events belong to a user.
{%- set users = ref('int_user_keys') %}

with

received_events as (
    select count(*) as received_event_count from {{ ref('stg_events') }}
),

events as (
    select * from {{ ref('int_sessionized_events') }}
),

event_counts as (
    select
        count(*) as event_count,
        count(case when is_repeated_purchase then 1 end) as repeated_purchase_count
    from events
),

{% if source_has_visitor_ids() %}
stitched_events as (
    select
        events.visitor_key,
        events.user_key
    from events
    inner join {{ users }} as own_keys
        on events.visitor_key = own_keys.visitor_key
    where events.is_anonymous and events.user_key <> own_keys.user_key
),

stitches as (
    select
        count(*) as stitched_event_count,
        count(distinct visitor_key) as stitched_visitor_count,
        count(distinct user_key) as stitched_user_count
    from stitched_events
),
{% else %}
stitches as (
    select
        0 as stitched_event_count,
        0 as stitched_visitor_count,
        0 as stitched_user_count
),
{% endif %}

final as (
    select
        received_events.received_event_count,
        event_counts.event_count,
        received_events.received_event_count - event_counts.event_count as replaced_event_count,
        event_counts.repeated_purchase_count,
        stitches.stitched_event_count,
        stitches.stitched_visitor_count,
        stitches.stitched_user_count
    from received_events
    cross join event_counts
    cross join stitches
)

select * from final
