-- grain: one row per combination of device, country, channel and experiment group in events
-- The last four bits of context_key say which of the four are present (1 device, 2 country, 4 channel, 8
-- group), so that the first known value of a session is found by comparing integers. context_hash depends
-- on the texts alone.
{{ config(materialized='incremental', incremental_strategy='append') }}

with

events as (
    select * from {{ ref('stg_events') }}
    {% if is_incremental() %}
    where _batch_seq > {{ processed_through() }}
    {% endif %}
),

contexts as (
    select
        device,
        country,
        channel,
        experiment_group
    from events
    group by device, country, channel, experiment_group
),

hashed_contexts as (
    select
        {{ stable_number(concat_null_safe(['device', 'country', 'channel', 'experiment_group'])) }}
            as context_hash,
        *
    from contexts
),

new_contexts as (
    select * from hashed_contexts
    {% if is_incremental() %}
    where context_hash not in (select context_hash from {{ this }})
    {% endif %}
),

final as (
    select
        16 * row_number() over (order by context_hash)
        {% if is_incremental() -%}
        + (select coalesce(max(context_key), 0) - coalesce(max(context_key), 0) % 16 from {{ this }})
        {% endif -%}
        + case when device is null then 0 else 1 end
        + case when country is null then 0 else 2 end
        + case when channel is null then 0 else 4 end
        + case when experiment_group is null then 0 else 8 end as context_key,
        context_hash,
        device,
        country,
        channel,
        experiment_group
    from new_contexts
)

select * from final
