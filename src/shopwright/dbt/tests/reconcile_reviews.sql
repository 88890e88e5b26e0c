-- Each review of a known order counts in one order.
with

stated as (
    select count(*) as review_count
    from {{ ref('stg_reviews') }}
    where order_id in (select order_id from {{ ref('fct_orders') }})
),

told as (
    select coalesce(sum(review_count), 0) as review_count
    from {{ ref('fct_orders') }}
)

select
    stated.review_count as stated_count,
    told.review_count as told_count
from stated
cross join told
where stated.review_count <> told.review_count
