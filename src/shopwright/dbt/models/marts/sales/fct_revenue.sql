-- grain: one row per date, category, country and region
-- An order with several categories counts once in the row of each, so order counts do not add up over
-- categories. A return counts on the date of its own document.
with

lines as (
    select * from {{ ref('int_order_lines') }}
),

final as (
    select
        booked_date as order_date,
        category,
        coalesce(country, '(unknown)') as country,
        coalesce(region, '(unknown)') as region,
        count(case when is_first_of_category then 1 end) as order_count,
        {{ units("sum(case when kind = 'sale' then unit_count else 0 end)") }} as unit_count,
        {{ summed_amounts() }},
        {{ known_money_sum('case when cost_amount is not null then net_amount end') }} as costed_net_amount,
        {{ known_money_sum('net_amount - cost_amount') }} as margin_amount,
        {{ safe_divide('sum(net_amount)', 'count(case when is_first_of_category then 1 end)') }}
            as net_amount_per_order,
        '{{ var("shop_currency") }}' as currency
    from lines
    group by booked_date, category, coalesce(country, '(unknown)'), coalesce(region, '(unknown)')
)

select * from final
