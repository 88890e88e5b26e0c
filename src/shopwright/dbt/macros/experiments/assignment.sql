{#
    The assignment rule in SQL; `shopwright.assignment.hashing` is the rule in Python. `shopwright.assignment.sql` renders
    this file without dbt, so it may call nothing of dbt's but stable_number.
#}

{#
    Bucket of a unit, 0 to 9999: the first 15 hexadecimal digits of the MD5 of "salt:unit" as a number, modulo 10,000.
    It depends on the two texts alone, so it never changes.
#}
{% macro assignment_bucket(salt, unit) -%}
    cast({{ stable_number(salt ~ " || ':' || " ~ unit) }} % 10000 as integer)
{%- endmacro %}

{# Whether the MD5 of a unit's id, read as a number, is odd; without a salt, so all such experiments have the same split. #}
{% macro has_odd_md5(unit) -%}
    (position(substr(md5({{ unit }}), 32, 1) in '13579bdf') > 0)
{%- endmacro %}
