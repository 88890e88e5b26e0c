-- grain: one row per version of a user in the source
-- Of records with the same valid_from, the one that arrived last counts.
-- Customer ids created for a single order are not users: see int_user_profiles.
with

customers as (
    select * from {{ source('bronze', 'customers') }}
    where person_id is null
),

ranked as (
    select
        *,
        {{ is_first('customer_id, valid_from', latest_first()) }} as is_latest
    from customers
),

final as (
    select
        customer_id
        || '|'
        || coalesce(cast({{ epoch_microseconds('valid_from') }} as varchar), '') as version_key,
        customer_id as user_id,

        country,
        region,
        city,
        segment,
        {% if var('publish_unmapped') %}
        properties,
        {% endif %}

        is_subscribed,

        signed_up_at,
        valid_from
    from ranked
    where is_latest
)

select * from final
