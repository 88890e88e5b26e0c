-- grain: one row per version of a user profile
-- A view. Users without a profile, the majority in many shops, have no row here.
{{ config(materialized='view') }}

with

current_records as (
    select * from {{ ref('snap_users') }}
    where dbt_valid_to is null
),

final as (
    select
        user_id,
        row_number() over (partition by user_id order by valid_from nulls first) as version_number,
        valid_from,
        lead(valid_from) over (partition by user_id order by valid_from nulls first) as valid_to,
        lead(true) over (partition by user_id order by valid_from nulls first) is null as is_current,
        country,
        region,
        city,
        segment,
        is_subscribed,
        signed_up_at
    from current_records
)

select * from final
