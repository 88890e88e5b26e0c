-- grain: one row per order in the source, as its own record or on its lines
-- A view: orders in the shape that fct_orders needs, for shops that have order data.
{{ config(materialized='view') }}
{%- set stated_by_orders_only = [
    'status', 'ship_zip_prefix', 'ship_city', 'ship_region', 'approved_at', 'shipped_at', 'delivered_at',
    'promised_at', 'canceled_at', 'subtotal_amount', 'discount_amount', 'shipping_amount', 'tax_amount',
    'total_amount', 'presentment_currency', 'presentment_rate', 'cancel_reason', 'sales_channel', 'store_id',
    'coupon_codes', 'landing_page', 'referrer', 'utm_source', 'utm_medium', 'utm_campaign', 'utm_term',
    'utm_content'
] %}

with

orders as (
    select * from {{ ref('stg_orders') }}
),

exchange_rates as (
    select * from {{ ref('stg_exchange_rates') }}
),

lines as (
    select * from {{ ref('stg_order_items') }}
    where ordered_at is not null
),

customers as (
    select * from {{ ref('stg_customers') }}
),

orders_from_lines as (
    select
        order_id,
        min(customer_id) as customer_id,
        min(currency) as currency,
        min(ship_country) as ship_country,
        min(ordered_at) as ordered_at,
        {{ first_by('ordered_at_is_day', 'row(ordered_at, ordered_at_is_day)') }} as ordered_at_is_day
    from lines
    group by order_id
),

-- Some exports have order lines only; then the lines carry the date, the customer and the country.
all_orders as (
    select
        order_id,
        customer_id,
        currency,
        ship_country,
        ordered_at,
        ordered_at_is_day,
        is_tax_included,
        {{ stated_by_orders_only | join(', ') }}
    from orders
    where not is_test
    union all
    select
        orders_from_lines.order_id,
        orders_from_lines.customer_id,
        coalesce(orders_from_lines.currency, '{{ var("shop_currency") }}'),
        orders_from_lines.ship_country,
        orders_from_lines.ordered_at,
        orders_from_lines.ordered_at_is_day,
        false,
        {{ (['null'] * stated_by_orders_only | length) | join(', ') }}
    from orders_from_lines
    left join orders
        on orders_from_lines.order_id = orders.order_id
    where orders.order_id is null
),

final as (
    select
        all_orders.order_id as order_key,
        all_orders.order_id,
        coalesce(customers.user_id, all_orders.customer_id) as customer_id,
        cast(null as varchar) as session_key,
        all_orders.status,
        all_orders.currency as stated_currency,
        case
            when all_orders.currency = '{{ var("shop_currency") }}' then 1
            else exchange_rates.exchange_rate
        end as exchange_rate,
        all_orders.is_tax_included,
        all_orders.subtotal_amount as stated_subtotal_amount,
        all_orders.discount_amount as stated_discount_amount,
        all_orders.shipping_amount as stated_shipping_amount,
        all_orders.tax_amount as stated_tax_amount,
        all_orders.total_amount as stated_total_amount,
        coalesce(all_orders.presentment_currency, all_orders.currency) as presentment_currency,
        cast(
            case when all_orders.presentment_rate < 100000 then all_orders.presentment_rate end
            as decimal(18, 12)
        ) as presentment_rate,
        all_orders.ordered_at,
        all_orders.ordered_at_is_day,
        all_orders.approved_at,
        all_orders.shipped_at,
        all_orders.delivered_at,
        all_orders.promised_at,
        all_orders.canceled_at,
        all_orders.cancel_reason,
        all_orders.sales_channel,
        all_orders.store_id,
        all_orders.coupon_codes,
        all_orders.landing_page,
        all_orders.referrer,
        all_orders.utm_source,
        all_orders.utm_medium,
        all_orders.utm_campaign,
        all_orders.utm_term,
        all_orders.utm_content,
        coalesce(all_orders.ship_country, customers.country) as country,
        coalesce(all_orders.ship_region, customers.region) as region,
        coalesce(all_orders.ship_city, customers.city) as city,
        cast(null as varchar) as device,
        cast(null as varchar) as channel,
        cast(null as varchar) as experiment_group
    from all_orders
    left join customers
        on all_orders.customer_id = customers.customer_id
    left join exchange_rates
        on
            all_orders.currency = exchange_rates.currency
            and {{ shop_date('all_orders.ordered_at') }} >= exchange_rates.first_date
            and {{ shop_date('all_orders.ordered_at') }} < exchange_rates.end_date
)

select * from final
