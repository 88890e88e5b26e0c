-- grain: one row per experiment, unit and variant that it was seen in
-- Of experiments whose variants are stated by the events or by the shop's exposure log.
with

unit_variants as (
    select * from {{ ref('int_experiment_unit_variants_from_events') }}
    union all
    select * from {{ ref('int_experiment_unit_variants_from_exposure_log') }}
),

final as (
    select
        experiment,
        unit_id,
        user_id,
        user_key,
        unit_session_start_at,
        session_start_at,
        variant,
        position,
        first_seen_at,
        exposed_at,
        cast(count(*) over (partition by experiment, unit_id) as integer) as variant_count,
        {{ is_first('experiment, unit_id', 'first_seen_at, position') }} as is_first_variant
    from unit_variants
)

select * from final
