-- grain: one row per ingested file
with

ledger as (
    select * from {{ source('bronze', 'ledger') }}
),

final as (
    select
        batch_seq,
        batch_id,
        source,
        adapter,
        entity,
        file,
        size_bytes,
        sha256,
        rows_read,
        rows_accepted,
        rows_quarantined,
        rows_duplicate,
        coalesce(rows_ignored, 0) as rows_ignored,
        rows_read
        = rows_accepted + rows_quarantined + rows_duplicate + coalesce(rows_ignored, 0) as is_balanced,
        outcome,
        reason,
        new_columns,
        rules,
        watermark,
        mapping,
        notes,
        first_at,
        last_at,
        ingested_at
    from ledger
)

select * from final
