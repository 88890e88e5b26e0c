{#
    Bucket of a unit, 0 to 9999: the first 15 hexadecimal digits of the MD5 of "salt:unit" as a number, modulo 10,000.
    It depends on the two texts alone, so it never changes; in Python it is
    int(hashlib.md5(f"{salt}:{unit}".encode()).hexdigest()[:15], 16) % 10000.
#}
{% macro bucket_of(salt, unit) -%}
    cast({{ stable_number(salt ~ " || ':' || " ~ unit) }} % 10000 as integer)
{%- endmacro %}

{# Whether the MD5 of a unit's id is odd, read as a number; without a salt, so every experiment has the same split. #}
{% macro has_odd_md5(unit) -%}
    position(substr(md5({{ unit }}), 32, 1) in '13579bdf') > 0
{%- endmacro %}
