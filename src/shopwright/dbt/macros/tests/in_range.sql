{#
    Data test: values are within limits. `columns` maps each column to [min, max], both inclusive; null means no limit.
    Returns the rows with a value outside.
#}
{% test in_range(model, columns) %}

select *
from {{ model }}
where {% for column, limits in columns.items() -%}
    {%- set outer = loop -%}
    {%- if limits[0] is not none %}{{ column }} < {{ limits[0] }}{% endif -%}
    {%- if limits[0] is not none and limits[1] is not none %} or {% endif -%}
    {%- if limits[1] is not none %}{{ column }} > {{ limits[1] }}{% endif -%}
    {{ ' or ' if not outer.last }}
{%- endfor %}

{% endtest %}
