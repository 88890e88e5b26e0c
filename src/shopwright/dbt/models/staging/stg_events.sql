-- grain: one row per event
-- A view: columns that nobody selects (event_id, which bronze computes, is the expensive one) cost nothing.
{%- set line_amount = stated_amount() %}
with

events as (
    select * from {{ source('bronze', 'events') }}
),

{% if source_has_foreign_currencies() %}
exchange_rates as (
    select * from {{ ref('stg_exchange_rates') }}
),

-- A price in another currency without a rate on its day is unknown.
priced_events as (
    select
        events.*,
        exchange_rates.exchange_rate
    from (
        select
            *,
            coalesce(currency, '{{ var("shop_currency") }}') as price_currency
        from events
    ) as events
    left join (
        select * from exchange_rates
        union all
        select '{{ var("shop_currency") }}', date '1900-01-01', date '2200-01-01', 1, 0
    ) as exchange_rates
        on
            events.price_currency = exchange_rates.currency
            and {{ shop_date('events.event_at') }} >= exchange_rates.first_date
            and {{ shop_date('events.event_at') }} < exchange_rates.end_date
),
{% endif %}

final as (
    select
        event_id,
        source_event_id,
        coalesce(user_id, visitor_id) as user_id,
        visitor_id,
        {{ is_anonymous_event('user_id', 'visitor_id') }} as is_anonymous,
        session_hint,
        product_id,
        category_id,
        order_id,

        event_type,
        event_name,
        cast({{ funnel_rank_of('event_type') }} as smallint) as funnel_rank,
        product_name,
        {{ null_if_reserved('category') }} as category,
        brand,
        coalesce(currency, '{{ var("shop_currency") }}') as currency,
        experiment_group,
        {{ null_if_reserved('device') }} as device,
        {{ null_if_reserved('country') }} as country,
        {{ event_channel() }} as channel,
        page_url,
        search_query,
        {% if var('publish_unmapped') %}
        properties,
        {% endif %}

        {{ in_shop_currency('price', 'quantity') if source_has_foreign_currencies() else 'price' }} as price,
        quantity,
        case
            when event_type = 'purchase'
                then {{ in_shop_currency(line_amount) if source_has_foreign_currencies() else line_amount }}
        end as line_amount,
        case
            when event_type = 'purchase' and order_id is not null
                then {{ purchase_key() }}
        end as purchase_key,

        event_at,

        _batch_seq,
        _row_number,
        _batch_id,
        _source
    from {{ 'priced_events' if source_has_foreign_currencies() else 'events' }}
)

select * from final
