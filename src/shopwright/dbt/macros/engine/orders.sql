{# The amounts of a line, an order or any sum of them; total = gross - discount - return + fee + adjustment + freight. #}
{% macro order_amounts() -%}
    {{ return([
        'gross_amount', 'discount_amount', 'return_amount', 'fee_amount', 'adjustment_amount', 'freight_amount',
        'canceled_amount', 'net_amount', 'total_amount'
    ]) }}
{%- endmacro %}

{# A line's amount where the line is of a kind, else 0. #}
{% macro amount_of_kind(kind) -%}
    {{ amount("case when kind = '" ~ kind ~ "' then line_amount else 0 end") }}
{%- endmacro %}

{# Each of them summed, as select items: over any rows of a shop, or over the lines of one order. #}
{% macro summed_amounts(of_one_order=false) -%}
    {%- set items = [] -%}
    {%- for name in order_amounts() -%}
        {%- do items.append((amount_sum(name) if of_one_order else money_sum(name)) ~ ' as ' ~ name) -%}
    {%- endfor -%}
    {{ return(items | join(', ')) }}
{%- endmacro %}

{# Each of them as it is, 0 where there is none, as select items. #}
{% macro filled_amounts(table) -%}
    {%- set items = [] -%}
    {%- for name in order_amounts() -%}
        {%- do items.append(amount('coalesce(' ~ table ~ '.' ~ name ~ ', 0)') ~ ' as ' ~ name) -%}
    {%- endfor -%}
    {{ return(items | join(', ')) }}
{%- endmacro %}

{# Whether two rows of sums agree in each of them. #}
{% macro equal_amounts(left, right) -%}
    {%- set conditions = [] -%}
    {%- for name in order_amounts() -%}
        {%- do conditions.append(left ~ '.' ~ name ~ ' = ' ~ right ~ '.' ~ name) -%}
    {%- endfor -%}
    {{ return(conditions | join(' and ')) }}
{%- endmacro %}

{#
    The order_id of an order if what is stated about it belongs to this order, else null. As a key it keeps a join
    one that the engine can hash, which a second condition would not.
#}
{% macro owned_order_id() -%}
    {%- if states_orders() -%}{{ return('order_id') }}{%- endif -%}
    {{ return('case when ' ~ is_first('order_id', 'ordered_at, order_key') ~ ' then order_id end') }}
{%- endmacro %}

{# Texts as a list for `in`. #}
{% macro text_list(texts) -%}
    {%- set quoted = [] -%}
    {%- for text in texts -%}{%- do quoted.append("'" ~ (text | replace("'", "''")) ~ "'") -%}{%- endfor -%}
    {{ return(quoted | join(', ') or 'null') }}
{%- endmacro %}

{# Days from one timestamp to another, with fractions, as a decimal whose sums are exact; null where one is unknown. #}
{% macro days_between(earlier, later) -%}
    {{ return(adapter.dispatch('days_between')(earlier, later)) }}
{%- endmacro %}

{% macro default__days_between(earlier, later) -%}
    cast(cast(extract(epoch from {{ later }} - {{ earlier }}) as double precision) / 86400 as decimal(18, 6))
{%- endmacro %}

{% macro duckdb__days_between(earlier, later) -%}
    cast(cast(epoch_us({{ later }}) - epoch_us({{ earlier }}) as double precision) / 86400000000 as decimal(18, 6))
{%- endmacro %}

{# The mean of whole or decimal numbers, as a double; null without any. Their sum is exact, whatever its order. #}
{% macro mean_of(numbers) -%}
    cast(sum({{ numbers }}) as double precision) / nullif(count({{ numbers }}), 0)
{%- endmacro %}

{#
    The rows of a group as one array of structs with the named columns, in the order of the first of them, which must
    tell the rows apart. An aggregate with an order of its own would keep a sort for each group in memory.
#}
{% macro array_of_structs(columns) -%}
    {{ return(adapter.dispatch('array_of_structs')(columns)) }}
{%- endmacro %}

{% macro duckdb__array_of_structs(columns) -%}
    list_sort(list({
        {%- for column in columns %}'{{ column }}': {{ column }}{{ ', ' if not loop.last }}{% endfor -%}
    }))
{%- endmacro %}

{% macro default__array_of_structs(columns) -%}
    jsonb_agg(jsonb_build_object(
        {%- for column in columns %}'{{ column }}', {{ column }}{{ ', ' if not loop.last }}{% endfor -%}
    ) order by {{ columns[0] }})
{%- endmacro %}
