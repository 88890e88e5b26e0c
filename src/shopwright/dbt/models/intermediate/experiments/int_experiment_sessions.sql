-- grain: one row per experiment, unit and session that counts for it, in the experiment or before
-- A view. Of a user, sessions that end at or after the exposure and start before the experiment's end; a
-- session counts as a whole, what came before the exposure included, on the later day of its start and the
-- exposure. is_before marks those that begin and end in the days before the experiment's start, which are the
-- same for every user.
{{ config(materialized='view') }}

with

exposures as not materialized (
    select * from {{ ref('int_experiment_exposures') }}
),

sessions as not materialized (
    select * from {{ ref('int_sessions') }}
    where {{ counts_in_rates() }}
),

sessions_of_users as (
    select
        exposures.experiment,
        exposures.unit_key,
        exposures.exposed_at,
        sessions.session_end_at < exposures.start_at as is_before,
        sessions.*
    from exposures
    inner join sessions
        on
            exposures.user_key = sessions.user_key
            and exposures.end_at > sessions.session_start_at
    where
        exposures.unit_session_start_at is null
        and case
            when sessions.session_end_at < exposures.start_at
                then sessions.session_start_at >= exposures.pre_start_at
            else sessions.session_end_at >= exposures.exposed_at
        end
),

sessions_themselves as (
    select
        exposures.experiment,
        exposures.unit_key,
        exposures.exposed_at,
        false as is_before,
        sessions.*
    from exposures
    inner join sessions
        on
            exposures.user_key = sessions.user_key
            and exposures.unit_session_start_at = sessions.session_start_at
    where exposures.unit_session_start_at is not null
),

counted as (
    select * from sessions_of_users
    union all
    select * from sessions_themselves
),

final as (
    select
        experiment,
        unit_key,
        is_before,
        {{ shop_date('greatest(session_start_at, exposed_at)') }} as activity_date,
        product_view_count > 0 as has_view,
        add_to_cart_count > 0 as has_cart,
        begin_checkout_count > 0 as has_checkout,
        purchase_count > 0 as has_purchase
    from counted
)

select * from final
