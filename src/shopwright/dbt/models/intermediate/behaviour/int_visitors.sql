-- grain: one row per user seen in events
-- Gives each user a small number, so that no wide text is sorted, grouped or stored once per event.
{{ config(materialized='incremental', incremental_strategy='append') }}

with

events as (
    select user_id from {{ ref('stg_events') }}
    {% if is_incremental() %}
    where _batch_seq > {{ processed_through() }}
    {% endif %}
),

visitors as (
    select user_id from events
    group by user_id
),

{% if is_incremental() %}
known as (
    select * from {{ this }}
),

unknown as (
    select visitors.user_id
    from visitors
    left join known
        on visitors.user_id = known.user_id
    where known.user_id is null
),
{% else %}
unknown as (
    select * from visitors
),
{% endif %}

final as (
    select
        row_number() over (order by user_id)
        {% if is_incremental() -%}
        + (select coalesce(max(user_key), 0) from known)
        {% endif -%}
            as user_key,
        user_id,
        cast({{ build_target() }} as integer) as _build_seq
    from unknown
)

select * from final
