-- Amounts in several currencies cannot be added. Give each currency a shop of its own, or convert before
-- the door.
select
    currency,
    count(*) as order_count
from {{ ref('fct_orders') }}
where currency <> '{{ var("shop_currency") }}'
group by currency
