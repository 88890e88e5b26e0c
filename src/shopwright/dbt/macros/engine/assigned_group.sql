{# Experiment variant of a user, by the scheme that the shop chose. #}
{% macro assigned_group(user_id, stated_group) -%}
    {%- if var('experiment_assignment') == 'stated' -%}
    {{ stated_group }}
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
