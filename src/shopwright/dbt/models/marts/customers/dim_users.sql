-- grain: one row per version of a user
-- Only the current version carries totals, so that a sum over the table counts everything once.
-- A view: the days since the last session change for every user with every load.
{{ config(materialized='view') }}

with

recorded as (
    select * from {{ ref('int_user_versions') }}
),

activity as (
    select * from {{ ref('int_user_activity') }}
),

last_day as (
    select max({{ shop_date('last_seen_at') }}) as last_date from {{ ref('int_user_totals') }}
),

-- A user without a profile has one version, which begins with the first event or order.
versions as (
    select * from recorded
    union all
    select
        activity.user_id,
        1,
        least(activity.first_seen_at, activity.first_ordered_at),
        null,
        true,
        null,
        null,
        null,
        null,
        null,
        null
    from activity
    left join recorded
        on activity.user_id = recorded.user_id
    where recorded.user_id is null
),

-- The key is empty on closed versions: as a condition of the join it would keep the engine from hashing.
keyed as (
    select
        *,
        case when is_current then user_id end as totals_of
    from versions
),

final as (
    select
        versions.user_id,
        cast(versions.version_number as integer) as version_number,
        versions.valid_from,
        versions.valid_to,
        versions.is_current,
        versions.country,
        versions.region,
        versions.city,
        versions.segment,
        versions.is_subscribed,
        versions.signed_up_at,
        activity.first_seen_at,
        activity.last_seen_at,
        activity.first_ordered_at,
        activity.last_ordered_at,
        case when versions.is_current then coalesce(activity.session_count, 0) end as session_count,
        case when versions.is_current then coalesce(activity.order_count, 0) end as order_count,
        case when versions.is_current then {{ amount('coalesce(activity.net_amount, 0)') }} end
            as lifetime_value_amount,
        cast(last_day.last_date - {{ shop_date('activity.last_session_at') }} as integer)
            as days_since_last_session,
        case
            when versions.is_current
                then {{ assigned_group('versions.user_id', 'activity.stated_group') }}
        end as experiment_group,
        activity.is_bot
    from keyed as versions
    cross join last_day
    left join activity
        on versions.totals_of = activity.user_id
)

select * from final
