-- grain: one row per data test and run
with

results as (
    select * from {{ source('meta', 'test_results') }}
),

final as (
    select
        invocation_id,
        test_name,
        model_name,
        column_name,
        status,
        failing_rows,
        severity,
        execution_seconds,
        executed_at
    from results
)

select * from final
