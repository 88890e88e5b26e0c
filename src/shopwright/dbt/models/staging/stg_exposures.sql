-- grain: one row per experiment, unit, variant and timestamp of an exposure in the shop's own tool
with

exposures as (
    select * from {{ source('bronze', 'exposures') }}
),

final as (
    select
        experiment,
        unit_id,

        variant,

        exposed_at
    from exposures
    group by experiment, unit_id, variant, exposed_at
)

select * from final
