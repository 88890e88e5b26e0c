-- The lake holds as many rows of each entity as the ledger lists for its files.
{% set entities = [
    'events', 'orders', 'order_items', 'payments', 'refunds', 'reviews', 'customers', 'consents', 'products',
    'categories', 'sellers', 'places', 'exposures', 'competitor_prices', 'exchange_rates'
] %}
with

listed as (
    select
        entity,
        sum(rows_accepted) as ledger_row_count
    from {{ source('bronze', 'ledger') }}
    group by entity
),

stored as (
    {% for entity in entities %}
    select
        '{{ entity }}' as entity,
        count(*) as lake_row_count
    from {{ source('bronze', entity) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    stored.entity,
    stored.lake_row_count,
    coalesce(listed.ledger_row_count, 0) as ledger_row_count
from stored
left join listed
    on stored.entity = listed.entity
where stored.lake_row_count <> coalesce(listed.ledger_row_count, 0)
