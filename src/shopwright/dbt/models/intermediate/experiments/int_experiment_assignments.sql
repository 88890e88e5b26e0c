-- grain: one row per experiment and unit that takes part
-- A view. The variant follows the experiment's own assignment. Units outside the experiment's layer, and
-- units in a bucket that no variant has, take no part.
{{ config(materialized='view') }}

with

experiments as (
    select * from {{ ref('int_experiments') }}
),

variants as (
    select * from {{ ref('int_experiment_variants') }}
),

first_exposures as (
    select * from {{ ref('int_experiment_first_exposures') }}
),

visitors as (
    select * from {{ ref('int_user_keys') }}
),

unit_variants as (
    select * from {{ ref('int_experiment_unit_variants') }}
    where is_first_variant
),

units as (
    select
        experiments.*,
        coalesce(first_exposures.unit_id, case
            when first_exposures.unit_session_start_at is null then visitors.user_id
            else {{ session_key('visitors.user_id', 'first_exposures.unit_session_start_at') }}
        end) as unit_id,
        coalesce(first_exposures.user_id, visitors.user_id) as user_id,
        first_exposures.user_key,
        first_exposures.unit_session_start_at,
        first_exposures.session_start_at,
        first_exposures.exposed_at
    from first_exposures
    inner join experiments
        on first_exposures.experiment = experiments.experiment
    left join visitors
        on first_exposures.user_key = visitors.user_key
),

units_of_layer as (
    select
        *,
        case when assignment = 'hash' then {{ assignment_bucket('salt', 'unit_id') }} end as bucket,
        case when assignment = 'md5_parity' then case when {{ has_odd_md5('unit_id') }} then 2 else 1 end end
            as parity_position
    from units
    where
        layer is null
        or {{ assignment_bucket('layer', 'unit_id') }} between layer_from and layer_to - 1
),

final as (
    select
        units_of_layer.experiment,
        units_of_layer.unit_id,
        units_of_layer.user_id,
        units_of_layer.user_key,
        units_of_layer.unit_session_start_at,
        units_of_layer.session_start_at,
        units_of_layer.exposed_at,
        units_of_layer.pre_start_at,
        units_of_layer.start_at,
        units_of_layer.end_at,
        variants.variant,
        variants.is_control,
        coalesce(unit_variants.variant_count, 1) as variant_count
    from units_of_layer
    left join unit_variants
        on
            units_of_layer.experiment = unit_variants.experiment
            and units_of_layer.unit_id = unit_variants.unit_id
    inner join variants
        on
            units_of_layer.experiment = variants.experiment
            and (
                variants.position = coalesce(units_of_layer.parity_position, unit_variants.position)
                or units_of_layer.bucket between variants.bucket_from and variants.bucket_to - 1
            )
)

select * from final
