-- grain: one row per experiment, unit and session that counts for it, in the experiment or in its pre-period
-- A view. For a user: sessions that end at or after the exposure and start before the experiment's end. A
-- session counts as a whole, including what came before the exposure, on the later day of its start and the
-- exposure. is_pre_period marks sessions that begin and end in the days before the experiment's start, which
-- are the same for every user.
{{ config(materialized='view') }}

with

units as not materialized (
    select * from {{ ref('int_experiment_units') }}
),

sessions as not materialized (
    select * from {{ ref('int_sessions') }}
    where {{ is_counted_session() }}
),

sessions_of_user_units as (
    select
        units.experiment,
        units.unit_key,
        units.exposed_at,
        sessions.session_end_at < units.start_at as is_pre_period,
        sessions.*
    from units
    inner join sessions
        on
            units.user_key = sessions.user_key
            and units.end_at > sessions.session_start_at
    where
        units.unit_session_start_at is null
        and case
            when sessions.session_end_at < units.start_at
                then sessions.session_start_at >= units.pre_start_at
            else sessions.session_end_at >= units.exposed_at
        end
),

sessions_of_session_units as (
    select
        units.experiment,
        units.unit_key,
        units.exposed_at,
        false as is_pre_period,
        sessions.*
    from units
    inner join sessions
        on
            units.user_key = sessions.user_key
            and units.unit_session_start_at = sessions.session_start_at
    where units.unit_session_start_at is not null
),

unit_sessions as (
    select * from sessions_of_user_units
    union all
    select * from sessions_of_session_units
),

final as (
    select
        experiment,
        unit_key,
        is_pre_period,
        {{ shop_date('greatest(session_start_at, exposed_at)') }} as activity_date,
        product_view_count > 0 as has_view,
        add_to_cart_count > 0 as has_cart,
        begin_checkout_count > 0 as has_checkout,
        purchase_count > 0 as has_purchase
    from unit_sessions
)

select * from final
