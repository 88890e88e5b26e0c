-- Amounts in several currencies cannot be added. Give each currency a shop of its own, or convert before the
-- door. Purchase events count where orders are derived from them.
{% set orders, events = ref('fct_orders'), ref('stg_events') %}
select
    currency,
    count(*) as row_count
{% if states_orders() -%}
from {{ orders }}
where currency <> '{{ var("shop_currency") }}'
{%- else -%}
from {{ events }}
where
    currency <> '{{ var("shop_currency") }}'
    and event_type = 'purchase'
    and price > 0
    and _batch_seq > {{ processed_through() if looks_at_touched_only() else 0 }}
{%- endif %}
group by currency
