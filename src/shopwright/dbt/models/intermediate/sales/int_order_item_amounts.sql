-- grain: one row per line of an order in the source
-- A view: the amounts that a line states, with its share of the tax that only its order states and that is
-- inside its price. Shares are cut by running totals, so that they add up to the cent.
{{ config(materialized='view') }}

with

lines as (
    select * from {{ ref('stg_order_items') }}
),

orders as (
    select * from {{ ref('int_source_orders') }}
    where is_tax_included and stated_tax_amount > 0
),

taxable_lines as (
    select
        lines.order_id,
        lines.line_number,
        orders.stated_tax_amount,
        sum(lines.line_amount) over (
            partition by lines.order_id order by lines.line_number
            rows between unbounded preceding and current row
        ) as running_amount,
        sum(lines.line_amount) over (partition by lines.order_id) as order_amount,
        sum(lines.tax_amount) over (partition by lines.order_id) as line_tax_amount,
        lines.line_amount
    from lines
    inner join orders
        on lines.order_id = orders.order_id
    where lines.kind = 'sale' and lines.line_amount > 0
),

shares as (
    select
        order_id,
        line_number,
        {{ amount('stated_tax_amount * cast(running_amount as double precision) / order_amount') }}
        - {{ amount(
            'stated_tax_amount * cast(running_amount - line_amount as double precision) / order_amount'
        ) }} as shared_tax_amount
    from taxable_lines
    where line_tax_amount = 0 and stated_tax_amount <= order_amount
),

final as (
    select
        lines.*,
        {{ amount('lines.tax_amount + coalesce(shares.shared_tax_amount, 0)') }} as line_tax_amount,
        {{ amount('lines.included_tax_amount + coalesce(shares.shared_tax_amount, 0)') }}
            as line_included_tax_amount
    from lines
    left join shares
        on lines.order_id = shares.order_id and lines.line_number = shares.line_number
)

select * from final
