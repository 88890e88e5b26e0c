{# Data test: a condition over the columns of a row is true or null. Returns the rows for which it is false. #}
{% test expression_is_true(model, condition) %}

select *
from {{ model }}
where not ({{ condition }})

{% endtest %}
