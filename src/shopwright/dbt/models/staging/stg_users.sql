-- grain: one row per version of a user as the source states it
-- Where a source contradicts itself about one version, the winner depends on what is said, never on when it
-- arrived. Customers that are copies made for one order are no users: see int_user_profiles.
with

customers as (
    select * from {{ source('bronze', 'customers') }}
    where person_id is null
),

ranked as (
    select
        *,
        {{ is_first(
            'customer_id, valid_from',
            'signed_up_at, country, region, city, segment, is_subscribed, properties'
        ) }} as is_chosen
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
        properties,

        is_subscribed,

        signed_up_at,
        valid_from
    from ranked
    where is_chosen
)

select * from final
