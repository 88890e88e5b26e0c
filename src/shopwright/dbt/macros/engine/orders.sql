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

{# A part of a line's amounts, or null where the amounts of its order are unknown. #}
{% macro known_part(expression) -%}
    {{ return('case when pretax_amount is not null then ' ~ expression ~ ' end') }}
{%- endmacro %}

{# Amount of a line, without the tax in it, if the line is of a kind, else 0. #}
{% macro amount_of_kind(kind) -%}
    {{ amount("case when kind = '" ~ kind ~ "' then pretax_amount when pretax_amount is not null then 0 end") }}
{%- endmacro %}

{# Condition: a line has goods of which nobody states what they cost. #}
{% macro has_unknown_cost() -%}
    (kind in ('sale', 'return') and cost_amount is null)
{%- endmacro %}

{# Sum of the costs of rows; null where a row's is unknown, since the others are no total. #}
{% macro cost_sum(is_unknown, over_shop=false) -%}
    case
        when count(case when {{ is_unknown }} then 1 end) = 0
            then {{ money_sum('cost_amount') if over_shop else amount_sum('cost_amount') }}
    end
{%- endmacro %}

{# Sum of every amount column, as select items: over any rows of a shop, or over the lines of one order; unknown over unknown amounts only. #}
{% macro summed_amounts(of_one_order=false) -%}
    {%- set items = [] -%}
    {%- for name in order_amounts() -%}
        {%- do items.append((known_amount_sum(name) if of_one_order else known_money_sum(name)) ~ ' as ' ~ name) -%}
    {%- endfor -%}
    {{ return(items | join(', ')) }}
{%- endmacro %}

{# Every amount column of a joined table of totals, as select items: 0 where an order has no lines, null where its lines have unknown amounts. #}
{% macro amounts_of_lines(table) -%}
    {%- set items = [] -%}
    {%- for name in order_amounts() -%}
        {%- do items.append(amount(
            'case when ' ~ table ~ '.order_key is null then 0 else ' ~ table ~ '.' ~ name ~ ' end'
        ) ~ ' as ' ~ name) -%}
    {%- endfor -%}
    {{ return(items | join(', ')) }}
{%- endmacro %}

{# Condition: two rows of sums are equal in every amount column; a sum of unknown amounts only adds nothing. #}
{% macro equal_amounts(left, right) -%}
    {%- set conditions = [] -%}
    {%- for name in order_amounts() -%}
        {%- do conditions.append(
            'coalesce(' ~ left ~ '.' ~ name ~ ', 0) = coalesce(' ~ right ~ '.' ~ name ~ ', 0)'
        ) -%}
    {%- endfor -%}
    {{ return(conditions | join(' and ')) }}
{%- endmacro %}

{#
    An amount of a line that only a shop with orders can state: null in a shop whose orders are derived from purchase events,
    since what no source can say is unknown, not 0.
#}
{% macro stated_by_orders(expression, otherwise=amount('null')) -%}
    {%- if source_has_orders() -%}{{ return(expression) }}{%- endif -%}
    {{ return(otherwise) }}
{%- endmacro %}

{# Number of canceled orders, by a column that is true for them; unknown where purchase events are the only orders. #}
{% macro canceled_orders(is_canceled='is_canceled') -%}
    {{ return(stated_by_orders('count(case when ' ~ is_canceled ~ ' then 1 end)', otherwise='cast(null as bigint)')) }}
{%- endmacro %}

{#
    An amount of a line in the shop's currency, rounded to four decimals; null without a rate, or where the result is too
    large for an amount of a line. Only lines in another currency cost a multiplication.

    quantity  where the amount is the price of one of several units
#}
{% macro in_shop_currency(expression, quantity=none) -%}
    case
        when exchange_rate = 1 then {{ amount(expression) }}
        when
            abs({{ amount(expression) }} * exchange_rate)
            <= {{ largest_amount() }}{% if quantity %} / greatest(coalesce({{ quantity }}, 1), 1){% endif %}
            then {{ amount(amount(expression) ~ ' * exchange_rate') }}
    end
{%- endmacro %}

{#
    The order_id of an order if payments and reviews with that id belong to this order, else null. As a key of its own it
    allows a hash join, which a second join condition would not.
#}
{% macro owned_order_id() -%}
    {%- if source_has_orders() -%}{{ return('order_id') }}{%- endif -%}
    {{ return('case when ' ~ is_first('order_id', 'ordered_at, order_key') ~ ' then order_id end') }}
{%- endmacro %}

{# What a payment method pays with, by its name, where the source does not say. #}
{% macro tender_of(method) -%}
    case
        when replace(replace(lower(trim({{ method }})), '_', ' '), '-', ' ') in ('gift card', 'giftcard', 'gift voucher')
            then 'gift_card'
        when replace(replace(lower(trim({{ method }})), '_', ' '), '-', ' ') in ('store credit', 'customer credit')
            then 'store_credit'
        else 'money'
    end
{%- endmacro %}

{# Condition: a payment with this status paid something. Without a status it did. #}
{% macro is_effective_payment(status) -%}
    coalesce(lower(trim({{ status }})), '') not in (
        'failed', 'failure', 'declined', 'error', 'voided', 'void', 'canceled', 'cancelled', 'pending', 'authorized',
        'authorization', 'expired'
    )
{%- endmacro %}

{#
    The state of an order, named alike for every source, from its status and times: canceled, refunded,
    delivered, shipped, confirmed, pending or other; null without a status and times.
#}
{% macro canonical_status() -%}
    case
        when is_canceled then 'canceled'
        when status in ('refunded', 'returned', 'partially_refunded', 'partially refunded', 'charged back') then 'refunded'
        when status in ('delivered', 'completed', 'complete', 'fulfilled', 'closed', 'done') or delivered_at is not null
            then 'delivered'
        when status in ('shipped', 'in transit', 'in_transit', 'partially shipped', 'out for delivery')
            or shipped_at is not null
            then 'shipped'
        when status in ('paid', 'approved', 'processing', 'invoiced', 'confirmed', 'authorized', 'partially_paid', 'open')
            or approved_at is not null
            then 'confirmed'
        when status in (
            'pending', 'created', 'new', 'unpaid', 'on-hold', 'on hold', 'awaiting payment', 'pending payment', 'draft'
        ) then 'pending'
        when status is not null then 'other'
    end
{%- endmacro %}

{# Aggregate: amount of the purchases among events; null where that of one is unknown, which costs nothing in other shops. #}
{% macro purchased_amount() -%}
    {%- set amounts = 'case when ' ~ is_event('purchase') ~ ' then line_amount end' -%}
    {%- if not source_has_unpriced_purchases() -%}{{ return(amount_sum(amounts)) }}{%- endif -%}
    case
        when count(case when {{ is_event('purchase') }} and line_amount is null then 1 end) = 0 then {{ amount_sum(amounts) }}
    end
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
