-- grain: one row per seller
-- The version with the latest valid_from wins; if the source has no valid_from, the one that arrived last.
with

sellers as (
    select * from {{ source('bronze', 'sellers') }}
),

ranked as (
    select
        *,
        {{ is_first('seller_id', latest_first('valid_from')) }} as is_latest
    from sellers
),

final as (
    select
        seller_id,

        zip_prefix,
        city,
        region,
        country,
        {% if var('publish_unmapped') %}
        properties,
        {% endif %}

        valid_from
    from ranked
    where is_latest
)

select * from final
