-- grain: one row per user in events
-- Gives each user a small integer key, so that no text is sorted, grouped or stored once per event.
{{ config(materialized='incremental', incremental_strategy='append') }}

with

events as (
    select user_id from {{ ref('stg_events') }}
    {% if is_incremental() %}
    where _batch_seq > {{ processed_through() }}
    {% endif %}
),

users as (
    select user_id from events
    group by user_id
),

{% if is_incremental() %}
existing_keys as (
    select * from {{ this }}
),

new_users as (
    select users.user_id
    from users
    left join existing_keys
        on users.user_id = existing_keys.user_id
    where existing_keys.user_id is null
),
{% else %}
new_users as (
    select * from users
),
{% endif %}

final as (
    select
        row_number() over (order by user_id)
        {% if is_incremental() -%}
        + (select coalesce(max(user_key), 0) from existing_keys)
        {% endif -%}
            as user_key,
        user_id,
        {{ stable_number('user_id') if source_has_visitor_ids() else 'cast(null as bigint)' }} as visitor_key,
        cast({{ build_target() }} as integer) as _build_seq
    from new_users
)

select * from final
