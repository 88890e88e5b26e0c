-- grain: one row per currency and day from which its rate counts
-- The shop's own currency has none: some tables of rates state it as 1.
-- A rate counts until the next one, for seven days at most: an older one says nothing about today.
with

exchange_rates as (
    select
        *,
        {{ shop_date('rate_date') }} as first_date
    from {{ source('bronze', 'exchange_rates') }}
    where currency <> '{{ var("shop_currency") }}'
),

ranked as (
    select
        *,
        {{ is_first('currency, first_date', latest_first('rate_date')) }} as is_latest
    from exchange_rates
),

latest as (
    select * from ranked
    where is_latest
),

final as (
    select
        currency,
        first_date,
        least(
            first_date + 8,
            lead(first_date) over (partition by currency order by first_date)
        ) as end_date,
        cast(rate as decimal(20, 12)) as exchange_rate,
        _batch_seq
    from latest
)

select * from final
