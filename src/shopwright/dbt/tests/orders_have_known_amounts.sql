-- Orders whose amounts are unknown: a line has neither an amount nor a price, or is in a currency without a
-- rate of exchange on its day. They count as orders and are in no total of money. A source of the entity
-- exchange_rates gives rates.
{{ config(severity='warn') }}
select
    presentment_currency,
    count(*) as order_count,
    min(order_date) as first_order_date,
    max(order_date) as last_order_date,
    min(order_id) as example_order_id
from {{ ref('fct_orders') }}
where total_amount is null
group by presentment_currency
