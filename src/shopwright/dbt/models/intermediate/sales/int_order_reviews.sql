-- grain: one row per order that has reviews
{{ config(materialized='view') }}

with

reviews as (
    select * from {{ ref('stg_reviews') }}
),

final as (
    select
        order_id,
        count(*) as review_count,
        cast(cast(sum(score) as double precision) / count(*) as decimal(6, 4)) as review_score
    from reviews
    group by order_id
)

select * from final
