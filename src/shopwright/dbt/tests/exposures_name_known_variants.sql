-- The shop's own tool shows variants that the settings know; what it names otherwise counts nowhere.
{{ config(severity='warn', enabled=var('experiments') | length > 0) }}

with

experiments as (
    select * from {{ ref('int_experiments') }}
    where assignment = 'exposures'
),

variants as (
    select * from {{ ref('int_experiment_variants') }}
),

exposures as (
    select * from {{ ref('stg_exposures') }}
)

select
    exposures.experiment,
    exposures.variant,
    count(*) as exposure_count
from exposures
inner join experiments
    on exposures.experiment = experiments.experiment
left join variants
    on
        exposures.experiment = variants.experiment
        and exposures.variant = variants.variant
where variants.variant is null
group by exposures.experiment, exposures.variant
