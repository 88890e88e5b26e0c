-- Versions of a user are numbered from 1 without gaps, each is valid until the next begins, and the last is
-- current. Users without a profile have exactly one version, so an incremental build checks the others
-- only.
{% set all_users, with_profile = ref('dim_users'), ref('int_user_versions') %}
with

versions as (
    select
        user_id,
        version_number,
        valid_from,
        valid_to,
        is_current,
        lag(version_number) over by_number as previous_number,
        lead(version_number) over by_number as next_number,
        lead(valid_from) over by_number as next_valid_from
    from {{ with_profile if tests_touched_rows_only() else all_users }}
    window by_number as (partition by user_id order by version_number)
)

select * from versions
where
    user_id is null
    or version_number is null
    or version_number <> coalesce(previous_number, 0) + 1
    or valid_to is distinct from next_valid_from
    or valid_to <= valid_from
    or is_current <> (next_number is null)
