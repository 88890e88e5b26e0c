-- grain: one row per experiment and variant, of experiments whose assignment comes from outside
-- A view: stated by the events (stated) or by the shop's exposure log (exposures), where no rule computes it.
{{ config(materialized='view') }}

with

experiments as (
    select * from {{ ref('int_experiments') }}
    where assignment in ('stated', 'exposures')
),

variants as (
    select * from {{ ref('int_experiment_variants') }}
),

final as (
    select
        experiments.experiment,
        experiments.assignment,
        experiments.unit,
        experiments.start_at,
        experiments.end_at,
        variants.variant,
        variants.position
    from experiments
    inner join variants
        on experiments.experiment = variants.experiment
)

select * from final
