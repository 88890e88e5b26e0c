{#
    Amount columns of lines, orders and sums of them:
    total = gross - discount - return + fee + adjustment + freight + tax + tip + gift_card.
#}
{% macro order_amounts() -%}
    {{ return([
        'gross_amount', 'discount_amount', 'return_amount', 'fee_amount', 'adjustment_amount', 'freight_amount',
        'tax_amount', 'tip_amount', 'gift_card_amount', 'canceled_amount', 'net_amount', 'total_amount'
    ]) }}
{%- endmacro %}

{# Amount of a line, without the tax in it, if the line is of a kind, else 0. #}
{% macro amount_of_kind(kind) -%}
    {{ amount("case when kind = '" ~ kind ~ "' then pretax_amount else 0 end") }}
{%- endmacro %}

{# Sum of every amount column, as select items: over any rows of a shop, or over the lines of one order. #}
{% macro summed_amounts(of_one_order=false) -%}
    {%- set items = [] -%}
    {%- for name in order_amounts() -%}
        {%- do items.append((amount_sum(name) if of_one_order else money_sum(name)) ~ ' as ' ~ name) -%}
    {%- endfor -%}
    {{ return(items | join(', ')) }}
{%- endmacro %}

{# Every amount column of a table, with 0 for null, as select items. #}
{% macro coalesced_amounts(table) -%}
    {%- set items = [] -%}
    {%- for name in order_amounts() -%}
        {%- do items.append(amount('coalesce(' ~ table ~ '.' ~ name ~ ', 0)') ~ ' as ' ~ name) -%}
    {%- endfor -%}
    {{ return(items | join(', ')) }}
{%- endmacro %}

{# Condition: two rows are equal in every amount column. #}
{% macro equal_amounts(left, right) -%}
    {%- set conditions = [] -%}
    {%- for name in order_amounts() -%}
        {%- do conditions.append(left ~ '.' ~ name ~ ' = ' ~ right ~ '.' ~ name) -%}
    {%- endfor -%}
    {{ return(conditions | join(' and ')) }}
{%- endmacro %}

{#
    The order_id of an order if payments and reviews with that id belong to this order, else null. As a key of its own it
    allows a hash join, which a second join condition would not.
#}
{% macro owned_order_id() -%}
    {%- if source_has_orders() -%}{{ return('order_id') }}{%- endif -%}
    {{ return('case when ' ~ is_first('order_id', 'ordered_at, order_key') ~ ' then order_id end') }}
{%- endmacro %}

{# Texts as SQL literals for `in (...)`. #}
{% macro string_list(texts) -%}
    {%- set quoted = [] -%}
    {%- for text in texts -%}{%- do quoted.append("'" ~ (text | replace("'", "''")) ~ "'") -%}{%- endfor -%}
    {{ return(quoted | join(', ') or 'null') }}
{%- endmacro %}

{# Days from one timestamp to another, with fractions, as a decimal so that sums are exact; null if either is null. #}
{% macro days_between(earlier, later) -%}
    {{ return(adapter.dispatch('days_between')(earlier, later)) }}
{%- endmacro %}

{% macro default__days_between(earlier, later) -%}
    cast(cast(extract(epoch from {{ later }} - {{ earlier }}) as double precision) / 86400 as decimal(18, 6))
{%- endmacro %}

{% macro duckdb__days_between(earlier, later) -%}
    cast(cast(epoch_us({{ later }}) - epoch_us({{ earlier }}) as double precision) / 86400000000 as decimal(18, 6))
{%- endmacro %}

{# Mean of integers or decimals, as a double; null over no rows. The sum is exact, so its order does not matter. #}
{% macro mean(numbers) -%}
    cast(sum({{ numbers }}) as double precision) / nullif(count({{ numbers }}), 0)
{%- endmacro %}

{#
    The rows of a group as one array of structs with the named columns, sorted by the first of them, which must be unique in
    the group. An ordered aggregate would keep a sort for each group in memory.
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
