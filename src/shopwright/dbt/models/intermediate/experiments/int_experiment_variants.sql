-- grain: one row per experiment and variant
-- From the variable experiments, which holds the settings; the first variant is the control.
with

raw_variants as (
    select settings.*
    from (
        values
        {% for experiment in var('experiments') -%}
        {% for variant in experiment.variants -%}
        (
            {{ text_literal(experiment.name) }},
            {{ text_literal(variant.name) }},
            {{ loop.index }},
            {{ text_literal(variant['from']) }},
            {{ text_literal(variant['to']) }}
        ),
        {% endfor -%}
        {% endfor -%}
        (null, null, null, null, null)
    ) as settings (experiment, variant, position, bucket_from, bucket_to)
),

final as (
    select
        cast(experiment as varchar) as experiment,
        cast(variant as varchar) as variant,
        cast(position as integer) as position,
        position = 1 as is_control,
        cast(bucket_from as integer) as bucket_from,
        cast(bucket_to as integer) as bucket_to
    from raw_variants
    where experiment is not null
)

select * from final
