-- grain: one row per event id that the batches which this build processes state more than once
-- With the version that arrived last. Ids with a hash of their own, nearly all of them, are never compared.
{%- set source_events = ref('stg_events') %}

with

{% if source_has_event_ids() %}
events as (
    select
        source_event_id,
        {{ transient_hash('source_event_id') }} as id_hash,
        _batch_seq,
        _row_number
    from {{ source_events }}
    where
        source_event_id is not null
        {% if is_partial_build() %}and _batch_seq > {{ processed_through() }}{% endif %}
),

shared_hashes as (
    select id_hash from events
    group by id_hash
    having count(*) > 1
),

candidates as (
    select * from events
    where id_hash in (select shared_hashes.id_hash from shared_hashes)
),

ranked as (
    select
        *,
        count(*) over (partition by source_event_id) as version_count,
        {{ is_first('source_event_id', '_batch_seq desc, _row_number desc') }} as is_latest
    from candidates
),

final as (
    select
        source_event_id,
        _batch_seq,
        _row_number,
        version_count
    from ranked
    where is_latest and version_count > 1
)
{% else %}
final as (
    select
        cast(null as varchar) as source_event_id,
        cast(null as bigint) as _batch_seq,
        cast(null as bigint) as _row_number,
        cast(null as bigint) as version_count
    where false
)
{% endif %}

select * from final
