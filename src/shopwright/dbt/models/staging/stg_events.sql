-- grain: one row per event
-- A view: columns that nobody selects (event_id is the expensive one) cost nothing.
with

events as (
    select * from {{ source('bronze', 'events') }}
),

final as (
    select
        {{ event_id_of() }} as event_id,
        source_event_id,
        coalesce(user_id, visitor_id) as user_id,
        visitor_id,
        {{ is_anonymous_event('user_id', 'visitor_id') }} as is_anonymous,
        session_hint,
        product_id,
        category_id,
        order_id,

        event_type,
        cast({{ funnel_rank_of('event_type') }} as smallint) as funnel_rank,
        product_name,
        {{ null_if_reserved('category') }} as category,
        brand,
        coalesce(currency, '{{ var("shop_currency") }}') as currency,
        experiment_group,
        {{ null_if_reserved('device') }} as device,
        {{ null_if_reserved('country') }} as country,
        {{ null_if_reserved('channel') }} as channel,
        page_url,
        search_query,
        properties,

        price,
        quantity,

        event_at,

        _batch_seq,
        _row_number,
        _batch_id,
        _source
    from events
)

select * from final
