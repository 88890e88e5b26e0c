-- grain: one row per experiment and unit that takes part
-- A view: the variant by the experiment's own rule. Units outside the experiment's layer, and units whose
-- bucket no variant has, take no part.
{{ config(materialized='view') }}

with

experiments as (
    select * from {{ ref('int_experiments') }}
),

variants as (
    select * from {{ ref('int_experiment_variants') }}
),

moments as (
    select * from {{ ref('int_experiment_moments') }}
),

visitors as (
    select * from {{ ref('int_visitors') }}
),

sightings as (
    select * from {{ ref('int_experiment_sightings') }}
    where is_first_seen
),

units as (
    select
        experiments.*,
        coalesce(moments.unit_id, case
            when moments.unit_session_start_at is null then visitors.user_id
            else {{ session_key('visitors.user_id', 'moments.unit_session_start_at') }}
        end) as unit_id,
        coalesce(moments.user_id, visitors.user_id) as user_id,
        moments.user_key,
        moments.unit_session_start_at,
        moments.session_start_at,
        moments.exposed_at
    from moments
    inner join experiments
        on moments.experiment = experiments.experiment
    left join visitors
        on moments.user_key = visitors.user_key
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
        coalesce(sightings.variant_count, 1) as variant_count
    from units_of_layer
    left join sightings
        on
            units_of_layer.experiment = sightings.experiment
            and units_of_layer.unit_id = sightings.unit_id
    inner join variants
        on
            units_of_layer.experiment = variants.experiment
            and (
                variants.position = coalesce(units_of_layer.parity_position, sightings.position)
                or units_of_layer.bucket between variants.bucket_from and variants.bucket_to - 1
            )
)

select * from final
