-- grain: one row per event, assigned to its session; narrow, with keys instead of texts
-- For analysis read int_user_journey: the same rows with the texts joined back.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'touched': 'own_sessions', 'session_end': 'event_at'},
) }}
{#
    A column that the shop never fills is left out of the sorts: sorting by two empty texts per event took a
    third of the build.
#}
{%- set has_event_ids, has_order_ids = source_has_event_ids(), source_has_order_ids() %}
{%- set has_visitor_ids, has_line_amounts = source_has_visitor_ids(), source_has_line_amounts() %}
{%- set gap = "interval '" ~ var('session_gap_minutes') ~ " minutes'" %}
{%- set users, visitor_users = ref('int_user_keys'), ref('int_visitor_users') %}
{%- set replaced, repeated_purchases = ref('int_replaced_sessions'), ref('int_repeated_purchases') %}
{%- set repeated_ids = ref('int_repeated_event_ids') %}
{#- Without visitors no event moves to a user without a new event or a session that is taken apart. #}
{%- set is_of_arrived_user = 'true' if has_visitor_ids else (
    'old_events.user_key in (select new_events.user_key from new_events union all select user_key from '
    ~ replaced ~ ')'
) %}
{%- set columns = [
    'event_at', 'funnel_rank', 'event_product_key', 'context_key', 'context_hash', 'price', 'quantity', '_batch_seq'
] %}
{%- if has_line_amounts %}{% do columns.append('line_amount') %}{% endif %}
{%- if has_order_ids %}{% do columns.extend(['order_id', 'purchase_key']) %}{% endif %}
{%- if has_event_ids %}{% do columns.append('source_event_id') %}{% endif %}
{%- if has_visitor_ids %}{% do columns.extend(['is_anonymous', 'visitor_key']) %}{% endif %}

with

source_events as (
    select * from {{ ref('stg_events') }}
    {% if is_incremental() %}
    where _batch_seq > {{ processed_through() }}
    {% endif %}
),

latest_events as not materialized (
    {{ latest_versions('source_events') }}
),

-- Only users in the new events: otherwise the engine builds a hash table of all users the shop ever had.
user_keys as (
    select * from {{ users }}
    {% if is_incremental() %}
    where user_id in (select source_events.user_id from source_events)
    {% endif %}
),

new_events as (
    select
        user_keys.user_key,
        events.event_at,
        events.funnel_rank,
        event_products.event_product_key,
        contexts.context_key,
        contexts.context_hash,
        events.price,
        cast(events.quantity as integer) as quantity,
        {% if has_line_amounts %}events.line_amount,{% endif %}
        {% if has_order_ids %}
        events.order_id,
        events.purchase_key,
        {% endif %}
        {% if has_event_ids %}events.source_event_id,{% endif %}
        {% if has_visitor_ids %}
        events.is_anonymous,
        case
            when events.is_anonymous then user_keys.visitor_key
            when events.visitor_id is not null then {{ stable_number('events.visitor_id') }}
        end as visitor_key,
        {% endif %}
        cast(events._batch_seq as integer) as _batch_seq
    from latest_events as events
    inner join user_keys
        on events.user_id = user_keys.user_id
    inner join {{ ref('int_event_products') }} as event_products
        on
            {{ null_safe_equal('events.product_id', 'event_products.product_id') }}
            and {{ null_safe_equal('events.product_name', 'event_products.product_name') }}
            and {{ null_safe_equal('events.category', 'event_products.category') }}
            and {{ null_safe_equal('events.brand', 'event_products.brand') }}
    inner join {{ ref('int_event_contexts') }} as contexts
        on
            {{ null_safe_equal('events.device', 'contexts.device') }}
            and {{ null_safe_equal('events.country', 'contexts.country') }}
            and {{ null_safe_equal('events.channel', 'contexts.channel') }}
            and {{ null_safe_equal('events.experiment_group', 'contexts.experiment_group') }}
),

{% if is_incremental() %}
-- Rows of unfinished builds come again as new events, so they are not old events.
old_events as (
    select
        old_events.user_key,
        {% for column in columns -%}
        {% if column == 'funnel_rank' -%}
        case
            when old_events.is_repeated_purchase then {{ funnel_rank_literal('purchase') }}
            else old_events.funnel_rank
        end as funnel_rank,
        {% elif column == 'context_hash' -%}
        contexts.context_hash,
        {% else -%}
        old_events.{{ column }},
        {% endif -%}
        {% endfor -%}
        old_events.session_start_at
    from {{ this }} as old_events
    inner join {{ ref('int_event_contexts') }} as contexts
        on old_events.context_key = contexts.context_key
    where
        old_events._batch_seq <= {{ processed_through() }}
        and {{ is_near_new_events(this, gap) }}
        and {{ is_not_replaced('old_events.source_event_id') }}
        and {{ is_of_arrived_user }}
),

old_sessions as (
    select
        user_key,
        session_start_at,
        max(event_at) as session_end_at
    from old_events
    group by user_key, session_start_at
),

replaced_sessions as (
    select distinct
        old_sessions.user_key,
        old_sessions.session_start_at
    from old_sessions
    inner join {{ replaced }} as replaced
        on
            old_sessions.user_key = replaced.user_key
            and old_sessions.session_start_at between replaced.session_start_at and replaced.session_end_at
    where replaced._build_seq > {{ processed_through() }}
),

arrived_events as (
    select
        user_key,
        {{ columns | join(', ') }}
    from new_events
    union all
    select
        {% if has_visitor_ids -%}
        coalesce(own_keys.user_key, old_events.user_key) as user_key,
        {% else -%}
        old_events.user_key,
        {% endif -%}
        old_events.{{ columns | join(', old_events.') }}
    from old_events
    inner join replaced_sessions
        on
            old_events.user_key = replaced_sessions.user_key
            and old_events.session_start_at = replaced_sessions.session_start_at
    {% if has_visitor_ids %}
    left join {{ users }} as own_keys
        on old_events.is_anonymous and old_events.visitor_key = own_keys.visitor_key
    {% endif %}
),
{% else %}
arrived_events as not materialized (
    select
        user_key,
        {{ columns | join(', ') }}
    from new_events
),
{% endif %}

{% if has_visitor_ids %}
-- Anonymous events go to the user who is known on the device.
stitched_events as (
    select
        coalesce(visitor_users.user_key, arrived_events.user_key) as user_key,
        arrived_events.{{ columns | join(', arrived_events.') }}
    from arrived_events
    {{ latest_before_join(
        visitor_users, 'visitor_users', 'visitor_key', 'started_at',
        'case when arrived_events.is_anonymous then arrived_events.visitor_key end', 'arrived_events.event_at'
    ) }}
),
{% else %}
stitched_events as not materialized (
    select * from arrived_events
),
{% endif %}

{% if is_incremental() %}
touched_sessions as (
    select distinct
        old_sessions.user_key,
        old_sessions.session_start_at
    from old_sessions
    inner join stitched_events
        on
            old_sessions.user_key = stitched_events.user_key
            and old_sessions.session_start_at <= stitched_events.event_at + {{ gap }}
            and old_sessions.session_end_at >= stitched_events.event_at - {{ gap }}
    left join replaced_sessions
        on
            old_sessions.user_key = replaced_sessions.user_key
            and old_sessions.session_start_at = replaced_sessions.session_start_at
    where replaced_sessions.user_key is null
),

events as (
    select * from stitched_events
    union all
    select
        old_events.user_key,
        old_events.{{ columns | join(', old_events.') }}
    from old_events
    inner join touched_sessions
        on
            old_events.user_key = touched_sessions.user_key
            and old_events.session_start_at = touched_sessions.session_start_at
),
{% else %}
events as not materialized (
    select * from stitched_events
),
{% endif %}

{% if has_order_ids %}
-- A purchase that is reported again later is an event, and no purchase.
marked_events as (
    select
        events.user_key,
        events.{{ columns | reject('equalto', 'funnel_rank') | join(', events.') }},
        repeated_purchases.purchase_key is not null as is_repeated_purchase,
        case
            when repeated_purchases.purchase_key is not null then {{ funnel_rank_literal('page_view') }}
            else events.funnel_rank
        end as funnel_rank
    from events
    left join {{ repeated_purchases }} as repeated_purchases
        on
            {{ is_event('purchase', 'events.funnel_rank') }}
            and {{ is_repetition('events') }}
),
{% else %}
marked_events as not materialized (
    select
        *,
        false as is_repeated_purchase
    from events
),
{% endif %}

-- The sort is total over every column below, so the result does not depend on the order of the input.
ordered_events as (
    select
        *,
        row_number() over by_time as user_step,
        lag(event_at) over by_time as previous_at
    from marked_events
    window by_time as (
        partition by user_key
        order by
            event_at, funnel_rank, {% if has_event_ids %}source_event_id,{% endif %}
            event_product_key, price, quantity, {% if has_order_ids %}order_id,{% endif %} context_hash
            {% if has_visitor_ids %}, is_anonymous, visitor_key{% endif %}
            {% if has_line_amounts %}, line_amount{% endif %}
            {% if has_order_ids %}, purchase_key{% endif %}
    )
),

session_starts as (
    select
        *,
        previous_at is null or event_at > previous_at + {{ gap }} as is_session_start
    from ordered_events
),

-- A session is identified by its start, which never changes for sessions without new events.
sessionized as (
    select
        *,
        max(case when is_session_start then event_at end) over by_step as session_start_at,
        max(case when is_session_start then user_step end) over by_step as session_first_step
    from session_starts
    window by_step as (partition by user_key order by user_step)
),

final as (
    select
        user_key,
        session_start_at,
        cast(user_step - session_first_step + 1 as integer) as step_number,
        event_at,
        cast(funnel_rank as smallint) as funnel_rank,
        event_product_key,
        context_key,
        price,
        quantity,
        {% if has_line_amounts -%}
        line_amount,
        {% else -%}
        case
            when {{ is_event('purchase') }} or is_repeated_purchase
                then {{ amount_of_units('price', 'quantity') }}
        end as line_amount,
        {% endif -%}
        {{ 'purchase_key' if has_order_ids else 'cast(null as bigint) as purchase_key' }},
        {{ 'order_id' if has_order_ids else 'cast(null as varchar) as order_id' }},
        {{ 'source_event_id' if has_event_ids else 'cast(null as varchar) as source_event_id' }},
        {{ 'visitor_key' if has_visitor_ids else 'cast(null as bigint) as visitor_key' }},
        {{ 'is_anonymous' if has_visitor_ids else 'false as is_anonymous' }},
        is_repeated_purchase,
        case
            when not is_session_start
                then cast({{ seconds_between('previous_at', 'event_at') }} as integer)
        end as seconds_since_previous,
        _batch_seq,
        cast({{ build_target() }} as integer) as _build_seq
    from sessionized
)

select * from final
{% if not is_incremental() %}
-- Sorted by week, so that queries for a day or a week skip the rest of the table.
order by cast(date_trunc('week', session_start_at) as date), user_key
{% endif %}
