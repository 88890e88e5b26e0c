-- Amounts in several currencies cannot be added. Give each currency its own shop, or convert amounts before
-- ingest. Where orders are derived from purchase events, those are tested.
{% set orders, events = ref('fct_orders'), ref('stg_events') %}
select
    currency,
    count(*) as row_count
{% if source_has_orders() -%}
from {{ orders }}
where currency <> '{{ var("shop_currency") }}'
{%- else -%}
from {{ events }}
where
    currency <> '{{ var("shop_currency") }}'
    and event_type = 'purchase'
    and price > 0
    and _batch_seq > {{ processed_through() if tests_touched_rows_only() else 0 }}
{%- endif %}
group by currency
