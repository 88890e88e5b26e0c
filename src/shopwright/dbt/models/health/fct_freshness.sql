-- grain: one row per source and entity
with

ledger as (
    select * from {{ source('bronze', 'ledger') }}
    where outcome in ('loaded', 'replayed')
),

final as (
    select
        source,
        entity,
        count(*) as file_count,
        cast(sum(rows_accepted) as bigint) as row_count,
        max(last_at) as last_event_at,
        max(ingested_at) as last_ingested_at,
        round(cast({{ seconds_between('max(last_at)', 'max(ingested_at)') }} as double precision) / 3600, 2)
            as hours_behind
    from ledger
    group by source, entity
)

select * from final
