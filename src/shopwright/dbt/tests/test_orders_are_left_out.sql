-- Orders that their source calls tests. They count in no figure, and their lines and payments do not either.
{{ config(severity='warn') }}
select
    order_id,
    ordered_at
from {{ ref('stg_orders') }}
where is_test
