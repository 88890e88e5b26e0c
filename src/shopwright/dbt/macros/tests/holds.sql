{# Rows for which a condition over their own columns is false; null counts as met. #}
{% test holds(model, condition) %}

select *
from {{ model }}
where not ({{ condition }})

{% endtest %}
