{#
    Several checks in one scan, for views that take long to compute. A row fails if it shares its key with another row or
    lacks part of it (`key`, as grain), has a value outside its limits (`ranges`, as in_range), or makes `condition` false
    (as expression_is_true). `failed_check` names the check.
#}
{% test valid_rows(model, key, ranges={}, condition='true') %}

with

checked as (
    select
        {{ key | join(', ') }},
        case
            when {% for column in key %}{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %} then 'key is null'
            {%- for column, limits in ranges.items() %}
            {%- if limits[0] is not none %}
            when {{ column }} < {{ limits[0] }} then '{{ column }} below {{ limits[0] }}'
            {%- endif %}
            {%- if limits[1] is not none %}
            when {{ column }} > {{ limits[1] }} then '{{ column }} above {{ limits[1] }}'
            {%- endif %}
            {%- endfor %}
            when not ({{ condition }}) then 'condition is false'
        end as failed_check
    from {{ model }}
)

select
    {{ key | join(', ') }},
    count(*) as row_count,
    min(failed_check) as failed_check
from checked
group by {{ key | join(', ') }}
having count(*) > 1 or min(failed_check) is not null

{% endtest %}
