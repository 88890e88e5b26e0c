-- grain: one row per version of a user
-- Only the current version carries totals, so that a sum over the table counts everything once.
-- A view: the days since the last session change for every user with every load.
{{ config(materialized='view') }}

with

recorded as (
    select * from {{ ref('int_user_versions') }}
),

visitors as (
    select * from {{ ref('int_visitors') }}
),

totals as (
    select * from {{ ref('int_user_totals') }}
),

contexts as (
    select * from {{ ref('int_contexts') }}
),

last_day as (
    select max({{ shop_date('last_seen_at') }}) as last_date from totals
),

described_totals as (
    select
        visitors.user_id,
        totals.*,
        contexts.experiment_group as stated_group
    from totals
    inner join visitors
        on totals.user_key = visitors.user_key
    left join contexts
        on totals.experiment_context_key = contexts.context_key
),

-- A user without a profile has one version, which begins with the first event.
versions as (
    select * from recorded
    union all
    select
        described_totals.user_id,
        1,
        described_totals.first_seen_at,
        null,
        true,
        null,
        null,
        null,
        null,
        null,
        null
    from described_totals
    left join recorded
        on described_totals.user_id = recorded.user_id
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
        described_totals.first_seen_at,
        described_totals.last_seen_at,
        case when versions.is_current then coalesce(described_totals.session_count, 0) end as session_count,
        case when versions.is_current then coalesce(described_totals.order_count, 0) end as order_count,
        case
            when versions.is_current
                then cast(coalesce(described_totals.lifetime_value_amount, 0) as decimal(38, 4))
        end as lifetime_value_amount,
        cast(last_day.last_date - {{ shop_date('described_totals.last_session_at') }} as integer)
            as days_since_last_session,
        case
            when versions.is_current
                then {{ assigned_group('versions.user_id', 'described_totals.stated_group') }}
        end as experiment_group,
        described_totals.is_bot
    from keyed as versions
    cross join last_day
    left join described_totals
        on versions.totals_of = described_totals.user_id
)

select * from final
