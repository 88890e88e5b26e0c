-- grain: one row per review of an order
-- One review id may cover several orders. A review that arrives again replaces the earlier one.
with

reviews as (
    select * from {{ source('bronze', 'reviews') }}
),

ranked as (
    select
        *,
        {{ is_first('review_id, order_id', latest_first()) }} as is_latest
    from reviews
),

final as (
    select
        review_id,
        order_id,

        {% if var('publish_unmapped') %}
        properties,
        {% endif %}

        score,

        created_at,
        answered_at,

        _batch_seq
    from ranked
    where is_latest
)

select * from final
