-- grain: one row per experiment, unit, variant and moment at which the shop's own tool saw it
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
