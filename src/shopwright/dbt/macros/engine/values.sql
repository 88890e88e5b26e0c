{# Several columns as one text, in which null and an empty text differ. #}
{% macro concat_null_safe(columns) -%}
    concat_ws(
        chr(31),
        {% for column in columns -%}
        case when {{ column }} is null then '0' else '1' || {{ column }} end{{ ',' if not loop.last }}
        {% endfor %}
    )
{%- endmacro %}

{# Median, as a double; null over no rows. #}
{% macro median(expression) -%}
    percentile_cont(0.5) within group (order by {{ expression }})
{%- endmacro %}

{#
    A text, or null if it is a reserved value: (all), (none) and (unknown) mark rows of totals and of missing values, and
    would be confused with a source's own.
#}
{% macro null_if_reserved(text) -%}
    nullif(nullif(nullif({{ text }}, '(all)'), '(none)'), '(unknown)')
{%- endmacro %}

{#
    An amount of one line, session, order or customer: 64 bits, which hold 99 trillion and are read ten times as fast as
    128. A larger one fails the build. Use money_sum for amounts over a shop.
#}
{% macro amount(expression) -%}
    cast({{ expression }} as decimal(18, 4))
{%- endmacro %}

{#
    Largest amount of one line in any currency. A hundred of them add up to an amount; one that exceeds it after conversion is
    the error of a rate, and unknown.
#}
{% macro largest_amount() -%}
    1000000000000
{%- endmacro %}

{# Sum of amounts of one session, order or customer; 0 over no rows. #}
{% macro amount_sum(expression) -%}
    {{ amount('coalesce(sum(' ~ expression ~ '), 0)') }}
{%- endmacro %}

{# A number of units, or a weight or length: decimal, since some goods are sold by the kilogram or metre. #}
{% macro units(expression) -%}
    cast({{ expression }} as decimal(18, 6))
{%- endmacro %}

{# Sum of amounts over a shop: 128 bits, never a float; 0 over no rows. #}
{% macro money_sum(expression) -%}
    cast(coalesce(sum({{ expression }}), 0) as decimal(38, 4))
{%- endmacro %}

{# Sums of amounts that are unknown over nothing but unknown amounts, and leave single unknown ones out. #}
{% macro known_amount_sum(expression) -%}
    cast(sum({{ expression }}) as decimal(18, 4))
{%- endmacro %}

{% macro known_money_sum(expression) -%}
    cast(sum({{ expression }}) as decimal(38, 4))
{%- endmacro %}

{# Sum that is unknown where any value is: the others are no total. #}
{% macro complete_sum(expression) -%}
    case when count({{ expression }}) = count(*) then sum({{ expression }}) end
{%- endmacro %}

{# Condition: two values are equal, or both are null. #}
{% macro null_safe_equal(left, right) -%}
    {{ left }} is not distinct from {{ right }}
{%- endmacro %}

{# Aggregate: the non-null value of the first row in an order; the order must be total. #}
{% macro first_by(value, order) -%}
    {{ return(adapter.dispatch('first_by')(value, order)) }}
{%- endmacro %}

{% macro default__first_by(value, order) -%}
    (array_agg({{ value }} order by {{ order }}) filter (where {{ value }} is not null))[1]
{%- endmacro %}

{% macro duckdb__first_by(value, order) -%}
    arg_min({{ value }}, {{ order }})
{%- endmacro %}

{# Aggregate: the non-null value of the last row in an order; the order must be total. #}
{% macro last_by(value, order) -%}
    {{ return(adapter.dispatch('last_by')(value, order)) }}
{%- endmacro %}

{% macro default__last_by(value, order) -%}
    (array_agg({{ value }} order by {{ order }} desc) filter (where {{ value }} is not null))[1]
{%- endmacro %}

{% macro duckdb__last_by(value, order) -%}
    arg_max({{ value }}, {{ order }})
{%- endmacro %}

{# Ratio as a double; null if the denominator is 0. #}
{% macro safe_divide(numerator, denominator) -%}
    cast({{ numerator }} as double precision) / nullif({{ denominator }}, 0)
{%- endmacro %}

{#
    Condition: a row is the first of its group; the order must be total. Not `row_number() = 1`: DuckDB 1.5 rewrites a filter
    on that to an aggregate, which picks a wrong row for some inputs with a null sort key.
#}
{% macro is_first(group, order) -%}
    lag(true) over (partition by {{ group }} order by {{ order }}) is null
{%- endmacro %}

{# Natural logarithm in millionths, as an integer, so that the order of summing cannot change a bit; null unless positive. #}
{% macro log_millionths(value) -%}
    case when {{ value }} > 0 then cast(round(ln({{ value }}) * 1000000) as bigint) end
{%- endmacro %}
