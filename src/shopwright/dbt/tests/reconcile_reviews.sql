-- Each review of a known order counts in one order.
with

reviews as (
    select count(*) as review_count
    from {{ ref('stg_reviews') }}
    where order_id in (select order_id from {{ ref('fct_orders') }})
),

orders as (
    select coalesce(sum(review_count), 0) as review_count
    from {{ ref('fct_orders') }}
)

select
    reviews.review_count as source_count,
    orders.review_count as order_count
from reviews
cross join orders
where reviews.review_count <> orders.review_count
