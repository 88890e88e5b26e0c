-- Versions of a user leave no gap and never overlap, and exactly the last one is current.
with

versions as (
    select
        user_id,
        valid_to,
        is_current,
        lead(valid_from) over (partition by user_id order by version_number) as next_valid_from,
        lead(version_number) over (partition by user_id order by version_number) is null as is_last
    from {{ ref('dim_users') }}
    where version_number > 1 or not is_current
)

select * from versions
where valid_to is distinct from next_valid_from
    or is_current <> is_last
