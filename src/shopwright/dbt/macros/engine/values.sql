{# One text out of several columns in which a null and an empty text differ. #}
{% macro joined_text(columns) -%}
    concat_ws(
        chr(31),
        {% for column in columns -%}
        case when {{ column }} is null then '0' else '1' || {{ column }} end{{ ',' if not loop.last }}
        {% endfor %}
    )
{%- endmacro %}

{# The middle of a set of numbers, as a double; null without any. #}
{% macro median_of(expression) -%}
    percentile_cont(0.5) within group (order by {{ expression }})
{%- endmacro %}

{#
    A text, or null where it is one of ours: (all), (none) and (unknown) name rows of totals and of what is not
    stated, and would be mixed up with a source's own.
#}
{% macro unless_reserved(text) -%}
    nullif(nullif(nullif({{ text }}, '(all)'), '(none)'), '(unknown)')
{%- endmacro %}

{#
    Money of one line, session, order or customer: 64 bits, which hold 99 trillion and are read ten times as fast
    as 128. More than that stops the build. An amount over a shop is a money_sum.
#}
{% macro amount(expression) -%}
    cast({{ expression }} as decimal(18, 4))
{%- endmacro %}

{# The sum of money of one session, order or customer; 0 over nothing. #}
{% macro amount_sum(expression) -%}
    {{ amount('coalesce(sum(' ~ expression ~ '), 0)') }}
{%- endmacro %}

{# A sum of money over a shop, wide enough for any and never a float; 0 over nothing. #}
{% macro money_sum(expression) -%}
    cast(coalesce(sum({{ expression }}), 0) as decimal(38, 4))
{%- endmacro %}

{# Equality in which two nulls are equal. #}
{% macro same(left, right) -%}
    {{ left }} is not distinct from {{ right }}
{%- endmacro %}

{# The value, where there is one, of the row that comes first in an order; the order must be total. #}
{% macro first_by(value, order) -%}
    {{ return(adapter.dispatch('first_by')(value, order)) }}
{%- endmacro %}

{% macro default__first_by(value, order) -%}
    (array_agg({{ value }} order by {{ order }}) filter (where {{ value }} is not null))[1]
{%- endmacro %}

{% macro duckdb__first_by(value, order) -%}
    arg_min({{ value }}, {{ order }})
{%- endmacro %}

{# The same of the row that comes last. #}
{% macro last_by(value, order) -%}
    {{ return(adapter.dispatch('last_by')(value, order)) }}
{%- endmacro %}

{% macro default__last_by(value, order) -%}
    (array_agg({{ value }} order by {{ order }} desc) filter (where {{ value }} is not null))[1]
{%- endmacro %}

{% macro duckdb__last_by(value, order) -%}
    arg_max({{ value }}, {{ order }})
{%- endmacro %}

{# A share, null without anything to be a share of. #}
{% macro rate(part, whole) -%}
    cast({{ part }} as double precision) / nullif({{ whole }}, 0)
{%- endmacro %}

{#
    Whether a row comes first in its group; the order must be total. Not `row_number() = 1`: DuckDB 1.5 turns a
    filter on that into an aggregate, which picks a wrong row for some inputs with an empty sort key.
#}
{% macro is_first(group, order) -%}
    lag(true) over (partition by {{ group }} order by {{ order }}) is null
{%- endmacro %}

{# Natural logarithm in millionths, as a whole number, so that no order of summing changes a bit; null of what is not positive. #}
{% macro millionths_of_log(value) -%}
    case when {{ value }} > 0 then cast(round(ln({{ value }}) * 1000000) as bigint) end
{%- endmacro %}
