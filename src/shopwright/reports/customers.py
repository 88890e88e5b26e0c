"""Reports on customers: repeat orders and value."""

from __future__ import annotations

from shopwright.reports.report import ORDER_ENTITIES, Column, FilterColumns, Report

_CUSTOMER_RULE = (
    "Customers are identified by their orders and have at least one counted order: with a sale, not canceled."
)
_HAS_ORDER = "counted_order_count > 0"
_NO_CUSTOMERS = "no counted order has a customer ID"

_SUMMARY = Report(
    "customer_summary",
    "Customers",
    f"All customers over all time in one row. {_CUSTOMER_RULE} Value is net of discounts and returns.",
    requires=("fct_customer_ltv",),
    columns=(
        Column("customer_count", "Customers with a counted order.", "count"),
        Column("repeat_customer_count", "Customers with two or more counted orders.", "count"),
        Column("repeat_rate", "Share of customers with two or more counted orders.", "share"),
        Column("orders_per_customer", "Counted orders per customer.", "number"),
        Column("average_value_amount", "Mean net value to date per customer.", "money"),
        Column("median_value_amount", "Median net value to date per customer.", "money"),
    ),
    sql=f"""
        select
            count(*) as customer_count,
            count(*) filter (where counted_order_count > 1) as repeat_customer_count,
            count(*) filter (where counted_order_count > 1) / nullif(count(*), 0) as repeat_rate,
            sum(counted_order_count) / nullif(count(*), 0) as orders_per_customer,
            sum(historical_value_amount)::double / nullif(count(*), 0) as average_value_amount,
            median(historical_value_amount) as median_value_amount
        from gold.fct_customer_ltv
        where {_HAS_ORDER}
    """,
    row_condition=_HAS_ORDER,
    no_rows_reason=_NO_CUSTOMERS,
    entities=ORDER_ENTITIES,
)

_COHORTS = Report(
    "cohort_retention",
    "Cohort retention",
    "Customers by the month of their first counted order (the cohort) and the months since. A month that is not over"
    " has no rate and no value yet. Filtered by date, cohorts are those whose month begins in the period.",
    requires=("agg_cohort_retention",),
    columns=(
        Column("cohort_month", "First day of the month of the first order.", "date"),
        Column(
            "months_since_first",
            "Months since the cohort month; 0 for the month itself.",
            "count",
            "Months since first order",
        ),
        Column("cohort_customer_count", "Customers of the cohort.", "count"),
        Column("active_customer_count", "Of these, customers with an order in the month.", "count"),
        Column(
            "retention_rate",
            "Share of the cohort with an order in the month; undefined until the month is over.",
            "share",
        ),
        Column("order_value_amount", "Value of their orders in the month, less discounts.", "money"),
        Column(
            "cumulative_value_per_customer",
            "Value of the cohort's orders up to the month, per customer of the cohort; undefined until the month is over.",
            "money",
        ),
    ),
    sql="""
        select
            cohort_month,
            period_number as months_since_first,
            cohort_customer_count,
            active_customer_count,
            case when is_complete then retention_rate end as retention_rate,
            order_value_amount,
            case when is_complete then
                sum(order_value_amount) over (partition by cohort_month order by period_number)::double
                / nullif(cohort_customer_count, 0)
            end as cumulative_value_per_customer
        from gold.agg_cohort_retention
        where {cohorts}
        order by cohort_month, period_number
    """,
    filter_columns={"cohorts": FilterColumns(day="cohort_month")},
    entities=ORDER_ENTITIES,
)

_FREQUENCY = Report(
    "order_frequency",
    "Orders per customer",
    f"Customers by the number of their counted orders, over all time. {_CUSTOMER_RULE}",
    requires=("fct_customer_ltv",),
    columns=(
        Column("orders", "Number of orders; 10+ for ten or more.", "text"),
        Column("customer_count", "Customers with this number of orders.", "count"),
        Column("share", "Share of all customers.", "share"),
    ),
    sql=f"""
        select
            case when least(counted_order_count, 10) = 10 then '10+' else counted_order_count::varchar end as orders,
            count(*) as customer_count,
            count(*) / sum(count(*)) over () as share
        from gold.fct_customer_ltv
        where {_HAS_ORDER}
        group by orders
        order by min(counted_order_count)
    """,
    row_condition=_HAS_ORDER,
    no_rows_reason=_NO_CUSTOMERS,
    entities=ORDER_ENTITIES,
)

_DECILES = Report(
    "value_by_decile",
    "Customers by value decile",
    f"Customers in ten groups of equal size by net value to date, the most valuable first. {_CUSTOMER_RULE}",
    requires=("fct_customer_ltv",),
    columns=(
        Column("decile", "Decile; 1 is the most valuable.", "count"),
        Column("customer_count", "Customers in the decile.", "count"),
        Column("lowest_value_amount", "Lowest value of a customer in the decile.", "money"),
        Column("average_value_amount", "Mean value of a customer in the decile.", "money"),
        Column("value_amount", "Total value of the decile.", "money"),
        Column(
            "value_share",
            "Share of the value of all customers; undefined where that is not positive.",
            "share",
        ),
    ),
    sql=f"""
        with

        ranked as (
            select
                ntile(10) over (order by historical_value_amount desc, customer_id) as decile,
                historical_value_amount as value
            from gold.fct_customer_ltv
            where {_HAS_ORDER}
        )

        select
            decile,
            count(*) as customer_count,
            min(value) as lowest_value_amount,
            sum(value)::double / count(*) as average_value_amount,
            sum(value) as value_amount,
            case when sum(sum(value)) over () > 0 then sum(value)::double / sum(sum(value)) over () end as value_share
        from ranked
        group by decile
        order by decile
    """,
    row_condition=_HAS_ORDER,
    no_rows_reason=_NO_CUSTOMERS,
    entities=ORDER_ENTITIES,
)

CUSTOMER_REPORTS = (_SUMMARY, _COHORTS, _FREQUENCY, _DECILES)
