-- grain: one row per order in the source
-- An order may arrive again with a newer status. The version with the latest valid_from wins; if the source
-- has no valid_from, the one that arrived last.
with

orders as (
    select * from {{ source('bronze', 'orders') }}
),

ranked as (
    select
        *,
        {{ is_first('order_id', latest_first('valid_from')) }} as is_latest
    from orders
),

final as (
    select
        order_id,
        customer_id,

        lower(trim(status)) as status,
        cancel_reason,
        coalesce(currency, '{{ var("shop_currency") }}') as currency,
        presentment_currency,
        sales_channel,
        store_id,
        coupon_codes,
        landing_page,
        referrer,
        utm_source,
        utm_medium,
        utm_campaign,
        utm_term,
        utm_content,
        ship_zip_prefix,
        ship_city,
        ship_region,
        ship_country,
        {% if var('publish_unmapped') %}
        properties,
        {% endif %}

        coalesce(ordered_at_is_day, false) as ordered_at_is_day,
        subtotal_amount,
        abs(discount_amount) as discount_amount,
        shipping_amount,
        tax_amount,
        total_amount,
        presentment_rate,

        coalesce(is_test, false) as is_test,
        coalesce(is_tax_included, false) as is_tax_included,

        ordered_at,
        approved_at,
        shipped_at,
        delivered_at,
        promised_at,
        canceled_at,
        valid_from,

        _batch_seq
    from ranked
    where is_latest
)

select * from final
