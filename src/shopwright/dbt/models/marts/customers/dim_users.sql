-- grain: one row per version of a user
-- Only the current version has totals, so that a sum over the table counts everything once. A view: the
-- days since the last session change for every user with every load.
{{ config(materialized='view') }}

with

profile_versions as (
    select * from {{ ref('int_user_versions') }}
),

activity as (
    select * from {{ ref('int_user_activity') }}
),

last_day as (
    select max({{ shop_date('last_seen_at') }}) as last_date from {{ ref('int_user_session_totals') }}
),

-- A user without a profile has one version, valid from the first event or order.
versions as (
    select * from profile_versions
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
    left join profile_versions
        on activity.user_id = profile_versions.user_id
    where profile_versions.user_id is null
),

-- The key is null on closed versions. As a join condition, is_current would prevent a hash join.
versions_with_key as (
    select
        *,
        case when is_current then user_id end as current_user_id
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
        case
            when versions.is_current and activity.user_id is null then 0
            when versions.is_current then {{ amount('activity.net_amount') }}
        end
            as lifetime_value_amount,
        cast(last_day.last_date - {{ shop_date('activity.last_session_at') }} as integer)
            as days_since_last_session,
        case
            when versions.is_current
                then {{ assigned_group('versions.user_id', 'activity.source_experiment_group') }}
        end as experiment_group,
        activity.is_bot
    from versions_with_key as versions
    cross join last_day
    left join activity
        on versions.current_user_id = activity.user_id
)

select * from final
