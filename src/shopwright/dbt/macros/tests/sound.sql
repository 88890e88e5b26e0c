{#
    Several checks in one reading, for views that take long to read: rows that share a key or lack part of it
    (`key`, as grain), that have a value outside its limits (`ranges`, as in_range), or for which `condition` is
    false (as holds); `broken` names the check.
#}
{% test sound(model, key, ranges={}, condition='true') %}

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
        end as broken
    from {{ model }}
)

select
    {{ key | join(', ') }},
    count(*) as row_count,
    min(broken) as broken
from checked
group by {{ key | join(', ') }}
having count(*) > 1 or min(broken) is not null

{% endtest %}
