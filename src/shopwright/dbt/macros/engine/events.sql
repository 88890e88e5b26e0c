{#
    Of events of the shop, the latest version of each: one id is one event, whatever its moment and user, and the version
    that arrived last counts. Only ids that came more than once are looked at, which are few.

    events  name of a step with the rows of stg_events that this build processes
#}
{% macro latest_versions(events) -%}
    select {{ events }}.*
    from {{ events }}
    {%- if source_has_event_ids() %}
    left join {{ ref('int_repeated_event_ids') }} as repeated_ids
        on {{ events }}.source_event_id = repeated_ids.source_event_id
    where
        repeated_ids.source_event_id is null
        or (
            {{ events }}._batch_seq = repeated_ids._batch_seq
            and {{ events }}._row_number = repeated_ids._row_number
        )
    {%- endif %}
{%- endmacro %}

{#
    Condition: an event of an earlier build is not replaced by a version in a new batch. False for none where no event has an
    id.
#}
{% macro is_not_replaced(source_event_id) -%}
    {%- if not source_has_event_ids() -%}true{%- else -%}
    ({{ source_event_id }} is null or {{ source_event_id }} not in ({{ new_event_ids() }}))
    {%- endif -%}
{%- endmacro %}

{% macro new_event_ids() -%}
    select source_event_id from {{ ref('stg_events') }}
    where _batch_seq > {{ processed_through() }} and source_event_id is not null
{%- endmacro %}

{# Whether a version of an event was written by a user who is known, or by a visitor alone. #}
{% macro is_anonymous_event(user_id, visitor_id) -%}
    ({{ visitor_id }} is not null and ({{ user_id }} is null or {{ user_id }} = {{ visitor_id }}))
{%- endmacro %}

{#
    A left join to the last row of a table at or before a moment, of the same key: `from events {{ latest_before_join(...) }}`.

    table, alias          the table and its name in the query
    key, moment           columns of the table
    of_key, at_moment     what they are compared with
#}
{% macro latest_before_join(table, alias, key, moment, of_key, at_moment) -%}
    {{ return(adapter.dispatch('latest_before_join')(table, alias, key, moment, of_key, at_moment)) }}
{%- endmacro %}

{% macro default__latest_before_join(table, alias, key, moment, of_key, at_moment) -%}
    left join lateral (
        select * from {{ table }} as candidates
        where candidates.{{ key }} = {{ of_key }} and candidates.{{ moment }} <= {{ at_moment }}
        order by candidates.{{ moment }} desc
        limit 1
    ) as {{ alias }} on true
{%- endmacro %}

{% macro duckdb__latest_before_join(table, alias, key, moment, of_key, at_moment) -%}
    asof left join {{ table }} as {{ alias }}
        on {{ of_key }} = {{ alias }}.{{ key }} and {{ at_moment }} >= {{ alias }}.{{ moment }}
{%- endmacro %}

{# Hash of a text within one query: the engine's own, which is fast and never stored. #}
{% macro transient_hash(text) -%}
    {{ return(adapter.dispatch('transient_hash')(text)) }}
{%- endmacro %}

{% macro default__transient_hash(text) -%}
    {{ stable_number(text) }}
{%- endmacro %}

{% macro duckdb__transient_hash(text) -%}
    hash({{ text }})
{%- endmacro %}

{#
    What a purchase event adds to money, in the event's currency: the amount that it states or, without one, price times
    quantity; null where neither is known or no amount holds the product.
#}
{% macro stated_amount() -%}
    {{ return('coalesce(value, ' ~ amount_of_units('price', 'quantity') ~ ')') }}
{%- endmacro %}

{# Price times quantity of a purchase event, where no quantity is one unit. #}
{% macro amount_of_units(price, quantity) -%}
    {%- set product = price ~ ' * coalesce(' ~ quantity ~ ', 1)' -%}
    {{ return('case when ' ~ product ~ ' < 99999999999999 then ' ~ amount(product) ~ ' end') }}
{%- endmacro %}

{#
    What two reports of one purchase have in common, beside the user, as a number: order id, product, quantity, and the price
    in the currency in which it is stated, since the rate of exchange differs from day to day.
#}
{% macro purchase_key() -%}
    {{ return(stable_number(concat_null_safe([
        'order_id', 'product_id', 'cast(coalesce(quantity, 1) as varchar)', 'cast(coalesce(price, value) as varchar)',
        "coalesce(currency, '" ~ var('shop_currency') ~ "')"
    ]))) }}
{%- endmacro %}

{# Join condition: a purchase repeats one of int_repeated_purchases. #}
{% macro is_repetition(purchases) -%}
    {{ purchases }}.user_key = repeated_purchases.user_key
    and {{ purchases }}.purchase_key = repeated_purchases.purchase_key
    and {{ purchases }}.event_at > repeated_purchases.first_at
{%- endmacro %}
