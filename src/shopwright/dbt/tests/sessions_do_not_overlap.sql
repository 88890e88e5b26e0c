-- Two sessions of one user never touch: the later one starts more than the session gap after the earlier
-- one ends.
{% set sessions %}
    select * from {{ ref('int_sessions') }}
{% if tests_touched_rows_only() %}
    where user_key in ({{ touched_users() }})
    {% endif %}
{% endset %}

with

neighbours as (
    select
        user_key,
        session_start_at,
        lag(session_end_at) over (partition by user_key order by session_start_at) as previous_end_at
    from ({{ sessions }}) as sessions
)

select * from neighbours
where session_start_at <= previous_end_at + interval '{{ var("session_gap_minutes") }} minutes'
