-- grain: one row per line of an order in the source, and per amount that only its order or a refund states
-- A view. A line whose order has not arrived yet waits: it has no customer and no date. Amounts are in the
-- shop's currency, by the rate of the order's day, so that a refund in full leaves nothing.
{{ config(materialized='view') }}

with

lines as (
    select * from {{ ref('int_order_item_amounts') }}
),

stated_lines as (
    select * from {{ ref('int_stated_order_lines') }}
),

refunds as (
    select * from {{ ref('stg_refunds') }}
),

orders as (
    select * from {{ ref('int_source_orders') }}
),

products as (
    select * from {{ ref('int_product_catalog') }}
),

exchange_rates as (
    select * from {{ ref('stg_exchange_rates') }}
),

refunded_lines as (
    select
        refunds.*,
        lines.product_id as refunded_product_id,
        lines.variant_id,
        lines.product_name,
        lines.seller_id,
        lines.unit_cost,
        lines.unit
    from refunds
    left join lines
        on refunds.order_id = lines.order_id and refunds.line_number = lines.line_number
),

-- Sections: the source's own lines, what orders state, what refunds give back, and their adjustments.
all_lines as (
    select
        order_id,
        1 as section_number,
        line_number as section_order,
        cast(null as varchar) as section_key,
        product_id,
        variant_id,
        product_name,
        seller_id,
        kind,
        kind_rule,
        quantity,
        unit,
        unit_price,
        unit_cost,
        line_amount,
        freight,
        line_tax_amount as tax_amount,
        line_included_tax_amount as included_tax_amount,
        discount_amount,
        discount_code,
        currency,
        ordered_at as own_booked_at
    from lines
    union all
    select
        order_id,
        2,
        position_number,
        null,
        null,
        null,
        null,
        null,
        kind,
        'stated by the order',
        case when kind = 'return' then -1 else 1 end,
        null,
        null,
        null,
        line_amount,
        0,
        0,
        0,
        0,
        null,
        null,
        null
    from stated_lines
    union all
    select
        order_id,
        3,
        line_number,
        refund_id,
        coalesce(product_id, refunded_product_id),
        variant_id,
        product_name,
        seller_id,
        'return',
        'refund',
        -coalesce(quantity, 0),
        unit,
        null,
        case when quantity is null then 0 else unit_cost end,
        -line_amount,
        -shipping_amount,
        -tax_amount,
        0,
        0,
        null,
        currency,
        refunded_at
    from refunded_lines
    union all
    select
        order_id,
        4,
        line_number,
        refund_id,
        null,
        null,
        null,
        null,
        'adjustment',
        'refund',
        1,
        null,
        null,
        null,
        -adjustment_amount,
        0,
        0,
        0,
        0,
        null,
        currency,
        refunded_at
    from refunded_lines
    where adjustment_amount <> 0
),

numbered_lines as (
    select
        *,
        case
            when section_number = 1 then section_order
            else
                coalesce(
                    max(case when section_number = 1 then section_order end) over (partition by order_id), 0
                )
                + row_number() over (
                    partition by order_id
                    order by section_number = 1, section_number, section_key, section_order
                )
        end as line_number
    from all_lines
),

lines_with_orders as (
    select
        numbered_lines.*,
        orders.order_key,
        orders.customer_id,
        coalesce(numbered_lines.own_booked_at, orders.ordered_at) as booked_at,
        orders.status,
        orders.canceled_at,
        orders.country,
        orders.region,
        coalesce(numbered_lines.currency, orders.stated_currency) as stated_currency,
        case
            when numbered_lines.currency is null or numbered_lines.currency = orders.stated_currency
                then orders.exchange_rate
            when numbered_lines.currency = '{{ var("shop_currency") }}' then 1
            else exchange_rates.exchange_rate
        end as exchange_rate
    from numbered_lines
    inner join orders
        on numbered_lines.order_id = orders.order_id
    left join exchange_rates
        on
            numbered_lines.currency = exchange_rates.currency
            and {{ shop_date('orders.ordered_at') }} >= exchange_rates.first_date
            and {{ shop_date('orders.ordered_at') }} < exchange_rates.end_date
),

final as (
    select
        lines.order_key,
        lines.order_id,
        lines.line_number,
        lines.customer_id,
        lines.booked_at,
        lines.status,
        lines.canceled_at,
        lines.country,
        lines.region,
        lines.product_id,
        lines.variant_id,
        coalesce(products.product_name, lines.product_name) as product_name,
        products.category,
        lines.seller_id,
        lines.kind,
        lines.kind_rule,
        lines.quantity as unit_count,
        lines.unit,
        lines.unit_price,
        lines.stated_currency,
        {{ amount(
            'lines.line_amount - lines.included_tax_amount + lines.tax_amount - lines.discount_amount + lines.freight'
        ) }} as presentment_amount,
        {{ in_shop_currency('lines.line_amount') }} as line_amount,
        {{ in_shop_currency('lines.freight') }} as freight_amount,
        {{ in_shop_currency('lines.tax_amount') }} as line_tax_amount,
        {{ in_shop_currency('lines.included_tax_amount') }} as included_tax_amount,
        {{ in_shop_currency('lines.discount_amount') }} as line_discount_amount,
        lines.discount_code,
        {{ in_shop_currency(
            'case when abs(lines.unit_cost * lines.quantity) < 99999999999999 then lines.unit_cost * lines.quantity end'
        ) }} as cost_amount,
        lines.section_number > 1 as is_derived_line
    from lines_with_orders as lines
    left join products
        on lines.product_id = products.product_id
)

select * from final
