-- grain: one row per kind of rows that arrived and count no more, since others took their place
{%- set kinds = {
    'replaced_order_lines': 'order_items', 'replaced_payments': 'payments', 'replaced_refunds': 'refunds'
} %}

with

arrived_rows as (
    {% for merge_kind, table in kinds.items() -%}
    select
        '{{ merge_kind }}' as merge_kind,
        order_id,
        {{ is_replaced(table) }} as is_replaced
    from {{ source('bronze', table) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

final as (
    select
        merge_kind,
        count(distinct case when is_replaced then order_id end) as group_count,
        count(case when is_replaced then 1 end) as row_count
    from arrived_rows
    group by merge_kind
)

select * from final
