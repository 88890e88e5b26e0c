-- grain: one row per order line
-- A numbered line that arrives again replaces the earlier one. Lines without a number are distinguished by
-- their content and numbered here, after those that have one. A newer statement of a whole order replaces all
-- of its older lines.
with

arrived_order_items as (
    select
        *,
        {{ is_replaced('order_items') }} as is_replaced
    from {{ source('bronze', 'order_items') }}
),

order_items as (
    select * from arrived_order_items
    where not is_replaced
),

ranked as (
    select
        *,
        {{ is_first('order_id, line_number', latest_first()) }} as is_latest
    from order_items
    where line_number is not null
),

numbered as (
    select * from ranked
    where is_latest
),

last_line_numbers as (
    select
        order_id,
        max(line_number) as line_number
    from numbered
    group by order_id
),

unnumbered as (
    select
        order_items.*,
        row_number() over (
            partition by order_items.order_id
            order by
                order_items.ordered_at, order_items.product_id, order_items.kind, order_items.kind_rule,
                order_items.quantity, order_items.unit_price, order_items.line_amount, order_items.freight,
                order_items.product_name, order_items.seller_id, order_items.customer_id,
                order_items.ship_country, order_items.copy_number,
                order_items._batch_seq, order_items._row_number
        ) + coalesce(last_line_numbers.line_number, 0) as assigned_number
    from order_items
    left join last_line_numbers
        on order_items.order_id = last_line_numbers.order_id
    where order_items.line_number is null
),

lines as (
    select
        * exclude (is_latest),
        line_number as assigned_number
    from numbered
    union all by name
    select * from unnumbered
),

-- Files of earlier versions have no amount of the line.
amounts as (
    select
        *,
        coalesce(line_amount, {{ amount('unit_price * quantity') }}) as stated_amount,
        case when kind = 'tax' then 0 else coalesce(tax_amount, 0) end as added_tax_amount
    from lines
),

final as (
    select
        order_id,
        product_id,
        variant_id,
        seller_id,
        customer_id,

        kind,
        kind_rule,
        product_name,
        ship_country,
        currency,
        unit,
        discount_code,
        {% if var('publish_unmapped') %}
        properties,
        {% endif %}

        refunded_line_number,
        cast(unit_cost as decimal(28, 10)) as unit_cost,
        assigned_number as line_number,
        quantity,
        unit_price,
        stated_amount as line_amount,
        {{ amount('added_tax_amount') }} as tax_amount,
        {{ amount('case when is_tax_included then added_tax_amount else 0 end') }} as included_tax_amount,
        {{ amount(
            "case when kind = 'return' then -coalesce(discount_amount, 0) else coalesce(discount_amount, 0) end"
        ) }} as discount_amount,
        coalesce(freight, 0) as freight,

        coalesce(ordered_at_is_day, false) as ordered_at_is_day,

        ordered_at,

        _batch_seq
    from amounts
)

select * from final
