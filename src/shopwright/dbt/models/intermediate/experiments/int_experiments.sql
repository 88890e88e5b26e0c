-- grain: one row per experiment
-- From the variable experiments, which holds the settings. Without an end there it is in the year 9999.
with

raw_experiments as (
    select settings.*
    from (
        values
        {% for experiment in var('experiments') -%}
        (
            {{ text_literal(experiment.name) }},
            {{ text_literal(experiment.unit) }},
            {{ text_literal(experiment.assignment) }},
            {{ text_literal(experiment.exposure) }},
            {{ text_literal(experiment.salt) }},
            {{ text_literal(experiment.layer) }},
            {{ text_literal(experiment.layer_from) }},
            {{ text_literal(experiment.layer_to) }},
            {{ text_literal(experiment.start_at) }},
            {{ text_literal(experiment.end_at or '9999-12-31 00:00:00') }},
            {{ text_literal(experiment.pre_period_days) }}
        ),
        {% endfor -%}
        (null, null, null, null, null, null, null, null, null, null, null)
    ) as settings (
        experiment, unit, assignment, exposure, salt, layer, layer_from, layer_to, start_at, end_at,
        pre_period_days
    )
),

typed as (
    select
        cast(experiment as varchar) as experiment,
        cast(unit as varchar) as unit,
        cast(assignment as varchar) as assignment,
        cast(exposure as varchar) as exposure,
        cast(salt as varchar) as salt,
        nullif(cast(layer as varchar), '') as layer,
        cast(layer_from as integer) as layer_from,
        cast(layer_to as integer) as layer_to,
        cast(start_at as timestamp) as start_at,
        cast(end_at as timestamp) as end_at,
        cast(pre_period_days as integer) as pre_period_days
    from raw_experiments
    where experiment is not null
),

final as (
    select
        experiment,
        unit,
        assignment,
        exposure,
        cast({{ funnel_rank_of('exposure') }} as smallint) as exposure_rank,
        salt,
        layer,
        layer_from,
        layer_to,
        start_at,
        end_at,
        case
            when unit = 'user' and pre_period_days > 0
                then start_at - pre_period_days * interval '1 day'
        end as pre_start_at
    from typed
)

select * from final
