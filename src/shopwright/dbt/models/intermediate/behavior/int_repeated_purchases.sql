-- grain: one row per user, order id, product, stated price and quantity that was bought at several moments
-- The same purchase reported again, such as by a thank-you page that was loaded again: what comes after
-- first_at is no purchase any more. Equal lines of one moment are lines of one purchase.
{%- set source_events, users = ref('stg_events'), ref('int_user_keys') %}
{%- set visitor_users = ref('int_visitor_users') %}
{%- set repeated_ids = ref('int_repeated_event_ids') %}
{%- set is_partial = is_partial_build() %}
{%- set visitor_join = latest_before_join(
    visitor_users, 'visitor_users', 'visitor_key', 'started_at', 'purchases.visitor_key', 'purchases.event_at'
) if source_has_visitor_ids() else 'left join ' ~ visitor_users ~ ' as visitor_users on false' %}

with

{% if source_has_order_ids() %}
source_rows as (
    select * from {{ source_events }}
    where
        {{ is_event('purchase') }} and order_id is not null
        {% if is_partial %}and _batch_seq > {{ processed_through() }}{% endif %}
),

new_events as (
    {{ latest_versions('source_rows') }}
),

purchases as (
    select
        user_keys.user_key,
        case when new_events.is_anonymous then user_keys.visitor_key end as visitor_key,
        new_events.event_at,
        new_events.purchase_key
    from new_events
    inner join {{ users }} as user_keys
        on new_events.user_id = user_keys.user_id
    {% if is_partial %}
    union all
    select
        coalesce(own_keys.user_key, old_events.user_key) as user_key,
        case when old_events.is_anonymous then old_events.visitor_key end as visitor_key,
        old_events.event_at,
        old_events.purchase_key
    from {{ sessionized_before() }} as old_events
    left join {{ users }} as own_keys
        on old_events.is_anonymous and old_events.visitor_key = own_keys.visitor_key
    where
        old_events._batch_seq <= {{ processed_through() }}
        and old_events.purchase_key is not null
        and {{ is_not_replaced('old_events.source_event_id') }}
    {% endif %}
),

stitched as (
    select
        purchases.event_at,
        coalesce(visitor_users.user_key, purchases.user_key) as user_key,
        purchases.purchase_key
    from purchases
    {{ visitor_join }}
),

final as (
    select
        user_key,
        purchase_key,
        min(event_at) as first_at
    from stitched
    group by user_key, purchase_key
    having min(event_at) < max(event_at)
)
{% else %}
final as (
    select
        cast(null as bigint) as user_key,
        cast(null as bigint) as purchase_key,
        cast(null as timestamp) as first_at
    where false
)
{% endif %}

select * from final
