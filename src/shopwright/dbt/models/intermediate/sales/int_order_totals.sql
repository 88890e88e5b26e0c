-- grain: one row per order that has lines
-- depends_on: {{ ref('int_sessions') }}, {{ ref('int_visitors') }}
{{ config(
    materialized='incremental',
    incremental_strategy='replace_touched',
    on_schema_change='fail',
    meta={'touched': 'buyers'},
) }}

with

lines as (
    select * from {{ ref('int_order_lines') }}
    where {{ is_bought_by_touched('customer_id') }}
),

final as (
    select
        order_key,
        customer_id,
        count(*) as line_count,
        count(case when kind = 'sale' then 1 end) as sale_line_count,
        count(distinct seller_id) as seller_count,
        cast(sum(case when kind = 'sale' then unit_count else 0 end) as bigint) as unit_count,
        {{ summed_amounts(of_one_order=true) }}
    from lines
    group by order_key, customer_id
)

select * from final
