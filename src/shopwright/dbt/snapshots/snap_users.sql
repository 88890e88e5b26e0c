-- grain: one row per state that one version of a user had in the source
{% snapshot snap_users %}

{{ config(
    unique_key='version_key',
    strategy='check',
    hard_deletes='invalidate',
    check_cols=['country', 'region', 'city', 'segment', 'is_subscribed', 'signed_up_at'],
) }}

select * from {{ ref('int_user_profiles') }}

{% endsnapshot %}
