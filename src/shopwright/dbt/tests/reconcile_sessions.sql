-- Every table that counts sessions has the same number, so every session belongs to a current user of
-- dim_users.
-- An incremental build checks int_user_session_totals instead of dim_users, which is faster to read.
{% set all_users, user_totals = ref('dim_users'), ref('int_user_session_totals') %}
with

published as (
    select
        session_date,
        count(case when {{ is_counted_session() }} then 1 end) as session_count
    from {{ ref('fct_sessions') }}
    group by session_date
),

funnel as (
    select
        session_date,
        sum(session_count) as session_count
    from {{ ref('fct_funnel') }}
    where category = '(all)'
    group by session_date
),

engagement as (
    select
        activity_date as session_date,
        session_count
    from {{ ref('fct_daily_engagement') }}
    where session_count > 0
),

totals as (
    select
        (select count(*) from {{ ref('int_sessions') }}) as derived,
        (select count(*) from {{ ref('fct_sessions') }}) as published,
        (
            select coalesce(sum(session_count), 0)
            from {{ user_totals if tests_touched_rows_only() else all_users }}
        ) as of_users
)

select
    coalesce(published.session_date, funnel.session_date, engagement.session_date) as session_date,
    published.session_count as published_count,
    funnel.session_count as funnel_count,
    engagement.session_count as engagement_count
from published
full outer join funnel
    on published.session_date = funnel.session_date
full outer join engagement
    on published.session_date = engagement.session_date
where
    coalesce(published.session_count, 0) <> coalesce(funnel.session_count, 0)
    or coalesce(published.session_count, 0) <> coalesce(engagement.session_count, 0)
union all
select
    null,
    derived,
    published,
    of_users
from totals
where derived <> published or derived <> of_users
