-- Every session belongs to a user of dim_users.
with

sessions as (
    select distinct user_key from {{ ref('int_sessions') }}
    {% if looks_at_touched_only() %}
    where _build_seq > {{ processed_through() }}
    {% endif %}
),

visitors as (
    select
        visitors.user_key,
        visitors.user_id
    from {{ ref('int_visitors') }} as visitors
    inner join sessions
        on visitors.user_key = sessions.user_key
),

users as (
    select user_id from {{ ref('dim_users') }} where is_current
)

select visitors.*
from visitors
left join users
    on visitors.user_id = users.user_id
where users.user_id is null
