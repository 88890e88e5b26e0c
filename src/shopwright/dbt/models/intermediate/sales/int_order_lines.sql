-- grain: one row per line of an order
-- Each amount of a line is in one column, chosen by the line's kind, and 0 in the others. So sums over any
-- rows add up: total = gross - discounts - returns + fees + adjustments + freight + tax + tips + gift cards.
-- depends_on: {{ ref('int_sessions') }}, {{ ref('int_user_keys') }}
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'touched': 'buyers'},
) }}
{%- set source_lines, derived_lines = ref('int_source_order_lines'), ref('int_derived_order_lines') %}

with

{% if source_has_orders() %}
lines as (
    select
        *,
        cast(null as varchar) as session_key
    from {{ source_lines }}
),
{% else %}
lines as (
    select
        order_key,
        order_id,
        row_number() over (
            partition by order_key order by session_start_at, step_number
        ) as line_number,
        customer_id,
        booked_at,
        cast(null as varchar) as status,
        cast(null as timestamp) as canceled_at,
        country,
        cast(null as varchar) as region,
        product_id,
        cast(null as varchar) as variant_id,
        product_name,
        category,
        cast(null as varchar) as seller_id,
        'sale' as kind,
        'purchase event' as kind_rule,
        unit_count,
        cast(null as varchar) as unit,
        unit_price,
        '{{ var("shop_currency") }}' as stated_currency,
        line_amount as presentment_amount,
        line_amount,
        cast(0 as decimal(18, 4)) as freight_amount,
        cast(0 as decimal(18, 4)) as line_tax_amount,
        cast(0 as decimal(18, 4)) as included_tax_amount,
        cast(0 as decimal(18, 4)) as line_discount_amount,
        cast(null as varchar) as discount_code,
        cast(null as decimal(18, 4)) as cost_amount,
        false as is_derived_line,
        session_key
    from {{ derived_lines }}
    where {{ is_touched_customer('customer_id') }}
),
{% endif %}

-- One unknown amount makes those of its whole order unknown: a part of them is no total.
unknown_orders as (
    select distinct order_key as unknown_order_key
    from lines
    where
        line_amount + freight_amount + line_tax_amount + included_tax_amount + line_discount_amount
        is null
),

lines_with_status as (
    select
        lines.*,
        lines.canceled_at is not null
        or coalesce(lines.status in ({{ string_list(var('canceled_statuses')) }}), false) as is_canceled,
        case when unknown_orders.unknown_order_key is null then line_amount - included_tax_amount end
            as pretax_amount
    from lines
    left join unknown_orders
        on lines.order_key = unknown_orders.unknown_order_key
),

amounts as (
    select
        *,
        {{ amount_of_kind('sale') }} as gross_amount,
        {{ amount(known_part('line_discount_amount') ~ ' - ' ~ amount_of_kind('discount')) }}
            as discount_amount,
        -{{ amount_of_kind('return') }} as return_amount,
        {{ amount_of_kind('fee') }} as fee_amount,
        {{ amount_of_kind('adjustment') }} as adjustment_amount,
        {{ amount(known_part('freight_amount') ~ ' + ' ~ amount_of_kind('shipping')) }} as shipping_amount,
        {{ amount(known_part('line_tax_amount') ~ ' + ' ~ amount_of_kind('tax')) }} as tax_amount,
        {{ amount_of_kind('tip') }} as tip_amount,
        {{ amount_of_kind('gift_card') }} as gift_card_amount
    from lines_with_status
),

merchandise as (
    select
        *,
        gross_amount - discount_amount - return_amount as merchandise_amount,
        -- A canceled order was not sold.
        case
            when kind in ('sale', 'return') and is_canceled then cost_amount * 0
            when kind in ('sale', 'return') then cost_amount
        end as sold_cost_amount
    from amounts
),

final as (
    select
        order_key,
        order_id,
        line_number,
        customer_id,
        session_key,
        booked_at,
        {{ shop_date('booked_at') }} as booked_date,
        status,
        is_canceled,
        country,
        region,
        product_id,
        variant_id,
        product_name,
        coalesce(category, '(none)') as category,
        seller_id,
        kind,
        kind_rule,
        is_derived_line,
        {{ units('unit_count') }} as unit_count,
        unit,
        cast(case when abs(unit_price) < 1000000000000 then unit_price end as decimal(18, 6)) as unit_price,
        gross_amount,
        {{ stated_by_orders('discount_amount') }} as discount_amount,
        {{ stated_by_orders('return_amount') }} as return_amount,
        {{ stated_by_orders('fee_amount') }} as fee_amount,
        {{ stated_by_orders('adjustment_amount') }} as adjustment_amount,
        {{ stated_by_orders('shipping_amount') }} as freight_amount,
        {{ stated_by_orders('tax_amount') }} as tax_amount,
        {{ stated_by_orders('tip_amount') }} as tip_amount,
        {{ stated_by_orders('gift_card_amount') }} as gift_card_amount,
        {{ stated_by_orders(amount(
            'case when is_canceled then merchandise_amount else ' ~ known_part('0') ~ ' end'
        )) }}
            as canceled_amount,
        {{ amount('case when is_canceled then ' ~ known_part('0') ~ ' else merchandise_amount end') }}
            as net_amount,
        {{ amount(
            'pretax_amount - line_discount_amount + line_tax_amount + freight_amount'
        ) }} as total_amount,
        {{ amount('case when pretax_amount is not null then sold_cost_amount end') }} as cost_amount,
        discount_code,
        stated_currency as presentment_currency,
        presentment_amount,
        {{ is_first("order_key, coalesce(category, '(none)')", 'line_number') }} as is_first_of_category,
        {{ is_first("order_key, coalesce(seller_id, '(unknown)')", 'line_number') }} as is_first_of_seller
    from merchandise
)

select * from final
