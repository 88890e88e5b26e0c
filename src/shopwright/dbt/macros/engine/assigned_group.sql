{# Experiment variant of a user, by the configured assignment. #}
{% macro assigned_group(user_id, source_experiment_group) -%}
    {%- if var('experiment_assignment') == 'stated' -%}
    {{ source_experiment_group }}
    {%- elif var('experiment_assignment') == 'md5_parity' -%}
    case when {{ has_odd_md5(user_id) }} then 'treatment' else 'control' end
    {%- elif var('experiment_assignment') == 'none' -%}
    cast(null as varchar)
    {%- else -%}
    {{ exceptions.raise_compiler_error(
        "experiment_assignment is '" ~ var('experiment_assignment') ~ "', expected stated, md5_parity or none"
    ) }}
    {%- endif -%}
{%- endmacro %}
