-- The shop's exposure log names variants that the settings know; rows with any other variant count nowhere.
{{ config(severity='warn', enabled=var('experiments') | length > 0) }}

with

variants as (
    select * from {{ ref('int_experiment_variants_assigned_externally') }}
    where assignment = 'exposures'
),

exposures as (
    select * from {{ ref('stg_exposures') }}
    where experiment in (select variants.experiment from variants)
)

select
    exposures.experiment,
    exposures.variant,
    count(*) as exposure_count
from exposures
left join variants
    on
        exposures.experiment = variants.experiment
        and exposures.variant = variants.variant
where variants.variant is null
group by exposures.experiment, exposures.variant
