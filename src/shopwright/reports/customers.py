"""Reports on customers: who comes back, and what they are worth."""

from __future__ import annotations

from shopwright.reports.model import OF_ORDERS, Column, Report, Scope

_WHO = "Customers are those whom orders name, with an order that counts: one with a sale, not canceled."
_ENTITIES = OF_ORDERS
_COUNTED = "counted_order_count > 0"
_NOBODY = "no order that counts names its customer"

_SUMMARY = Report(
    "customer_summary",
    "Customers",
    f"All customers over all time in one row. {_WHO} Value is net: less discounts and returns.",
    needs=("fct_customer_ltv",),
    columns=(
        Column("customer_count", "Customers with an order that counts.", "count"),
        Column("repeat_customer_count", "Customers with two or more of them.", "count"),
        Column("repeat_rate", "Customers with two or more orders, of all.", "share"),
        Column("orders_per_customer", "Orders that count over customers.", "number"),
        Column("average_value_amount", "Net value to date over customers.", "money"),
        Column("median_value_amount", "Median net value to date.", "money"),
    ),
    sql=f"""
        select
            count(*),
            count(*) filter (where counted_order_count > 1),
            count(*) filter (where counted_order_count > 1) / nullif(count(*), 0),
            sum(counted_order_count) / nullif(count(*), 0),
            sum(historical_value_amount)::double / nullif(count(*), 0),
            median(historical_value_amount)
        from gold.fct_customer_ltv
        where {_COUNTED}
    """,
    kind=_COUNTED,
    lacks=_NOBODY,
    entities=_ENTITIES,
)

_COHORTS = Report(
    "cohort_retention",
    "Cohorts: who orders again",
    "Customers by the month of their first order that counts (the cohort) and the months since. A month that is not over"
    " has no rate and no value yet. Narrowed to dates, the cohorts are those whose month begins within them.",
    needs=("agg_cohort_retention",),
    columns=(
        Column("cohort_month", "First day of the month of the first order.", "date"),
        Column("months_since_first", "Months since that month; 0 for the month itself.", "count"),
        Column("cohort_customer_count", "Customers of the cohort.", "count"),
        Column("active_customer_count", "Of these, customers who order in the month.", "count"),
        Column("retention_rate", "The same as a share; undefined while the month runs.", "share"),
        Column("order_value_amount", "Value of their orders of the month, less discounts.", "money"),
        Column(
            "cumulative_value_per_customer",
            "Value of the cohort's orders up to the month, over all its customers; undefined while the month runs.",
            "money",
        ),
    ),
    sql="""
        select
            cohort_month,
            period_number,
            cohort_customer_count,
            active_customer_count,
            case when is_complete then retention_rate end,
            order_value_amount,
            case when is_complete then
                sum(order_value_amount) over (partition by cohort_month order by period_number)::double
                / nullif(cohort_customer_count, 0)
            end
        from gold.agg_cohort_retention
        where {cohorts}
        order by cohort_month, period_number
    """,
    scopes={"cohorts": Scope(day="cohort_month")},
    entities=_ENTITIES,
)

_FREQUENCY = Report(
    "order_frequency",
    "Orders per customer",
    f"Customers by the number of their orders that count, over all time. {_WHO}",
    needs=("fct_customer_ltv",),
    columns=(
        Column("orders", "Number of orders; 10+ for ten and more.", "text"),
        Column("customer_count", "Customers with so many.", "count"),
        Column("share", "Of all customers.", "share"),
    ),
    sql=f"""
        select
            case when least(counted_order_count, 10) = 10 then '10+' else counted_order_count::varchar end as orders,
            count(*),
            count(*) / sum(count(*)) over ()
        from gold.fct_customer_ltv
        where {_COUNTED}
        group by orders
        order by min(counted_order_count)
    """,
    kind=_COUNTED,
    lacks=_NOBODY,
    entities=_ENTITIES,
)

_DECILES = Report(
    "value_by_decile",
    "Customers by value",
    f"Customers in ten groups of equal size by their net value to date, the most valuable first. {_WHO}",
    needs=("fct_customer_ltv",),
    columns=(
        Column("decile", "1 for the tenth with the highest value.", "count"),
        Column("customer_count", "Customers of the group.", "count"),
        Column("lowest_value_amount", "The least that one of them is worth.", "money"),
        Column("average_value_amount", "What they are worth on average.", "money"),
        Column("value_amount", "What they are worth together.", "money"),
        Column(
            "value_share", "The same, of all customers' value; undefined where that is not positive.", "share"
        ),
    ),
    sql=f"""
        with

        ranked as (
            select
                ntile(10) over (order by historical_value_amount desc, customer_id) as decile,
                historical_value_amount as value
            from gold.fct_customer_ltv
            where {_COUNTED}
        )

        select
            decile,
            count(*),
            min(value),
            sum(value)::double / count(*),
            sum(value) as together,
            case when sum(sum(value)) over () > 0 then together::double / sum(sum(value)) over () end
        from ranked
        group by decile
        order by decile
    """,
    kind=_COUNTED,
    lacks=_NOBODY,
    entities=_ENTITIES,
)

CUSTOMERS = (_SUMMARY, _COHORTS, _FREQUENCY, _DECILES)
