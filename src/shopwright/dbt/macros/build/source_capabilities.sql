{#
    What the shop's sources state: models leave out what nothing can feed. Every question is asked once a build, since what a
    build reads is fixed when it starts.
#}

{#
    Whether a query of bronze returns a row. The answers are kept in `graph`, which all models of a dbt run share; asking
    again for each model took a tenth of the build of a small shop.
#}
{% macro has_rows(query) -%}
    {%- if not execute -%}{{ return(true) }}{%- endif -%}
    {%- set answers = graph.setdefault('shopwright_answers', {}) -%}
    {%- if query not in answers -%}
        {%- do answers.update({query: run_query(query).rows | length > 0}) -%}
    {%- endif -%}
    {{ return(answers[query]) }}
{%- endmacro %}

{#
    Whether any event of the shop, or any row of another table of the lake, has a value in an optional column. The query is fast
    either way: file statistics answer it if no row has one, the first rows if some do.
#}
{% macro source_has_event_ids() -%}
    {{ return(is_ever_filled('source_event_id')) }}
{%- endmacro %}

{% macro source_has_order_ids() -%}
    {{ return(is_ever_filled('order_id')) }}
{%- endmacro %}

{% macro source_has_visitor_ids() -%}
    {{ return(is_ever_filled('visitor_id')) }}
{%- endmacro %}

{# Whether any event has a marketing channel, stated or of a campaign. #}
{% macro source_has_channels() -%}
    {{ return(is_ever_filled('channel') or source_has_campaigns()) }}
{%- endmacro %}

{# Whether any event has a parameter of a campaign or a click id, from which its channel is derived. #}
{% macro source_has_campaigns() -%}
    {{ return(is_ever(
        'utm_medium is not null or utm_source is not null or utm_campaign is not null or gclid is not null '
        ~ 'or fbclid is not null or msclkid is not null'
    )) }}
{%- endmacro %}

{# Whether any purchase event may have no amount: that of its session and order is then unknown. #}
{% macro source_has_unpriced_purchases() -%}
    {{ return(
        is_ever("event_type = 'purchase' and value is null and price is null")
        or is_ever("event_type = 'purchase' and price * quantity >= 99999999999999")
        or source_has_foreign_currencies()
    ) }}
{%- endmacro %}

{# Whether the amount of any purchase event is other than its price times its quantity. #}
{% macro source_has_line_amounts() -%}
    {{ return(is_ever("event_type = 'purchase' and value is not null") or source_has_foreign_currencies()) }}
{%- endmacro %}

{# Whether any event is in another currency than the shop's. #}
{% macro source_has_foreign_currencies() -%}
    {{ return(is_ever("currency <> '" ~ var('shop_currency') ~ "'")) }}
{%- endmacro %}

{% macro is_ever(condition) -%}
    {{ return(has_rows('select 1 from ' ~ source('bronze', 'events') ~ ' where ' ~ condition ~ ' limit 1')) }}
{%- endmacro %}

{% macro is_ever_filled(column, table='events') -%}
    {{ return(has_rows(
        'select 1 from ' ~ target.database ~ '.bronze.' ~ table ~ ' where ' ~ column ~ ' is not null limit 1'
    )) }}
{%- endmacro %}

{#
    Whether every build computes all orders again. If the source has orders, payments or reviews, any batch may change any
    order, and a corrected order may have belonged to another customer.
#}
{% macro rebuilds_all_orders() -%}
    {{ return(source_has_orders() or has_rows(
        'select 1 from ' ~ target.database ~ '.bronze.payments union all select 1 from ' ~ target.database
        ~ '.bronze.reviews limit 1'
    )) }}
{%- endmacro %}

{#
    Whether the source has orders, as records of their own or on order lines. If so, revenue comes from them and purchase
    events only count in sessions. Otherwise orders are derived from purchase events.
#}
{% macro source_has_orders() -%}
    {{ return(has_rows(
        'select 1 from ' ~ target.database ~ '.bronze.orders union all select 1 from ' ~ target.database
        ~ '.bronze.order_items limit 1'
    )) }}
{%- endmacro %}
