-- Orders that were delivered on a day before that of the order: one of the two times is wrong. They have no
-- delivery_days.
{{ config(severity='warn') }}
select
    order_id,
    ordered_at,
    delivered_at
from {{ ref('fct_orders') }}
where {{ shop_date('delivered_at') }} < order_date
