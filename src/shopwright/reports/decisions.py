"""Reports over what models and experiments say: scores of customers, and read-outs."""

from __future__ import annotations

from shopwright.reports.model import Column, Report

_VERSION = (
    Column("model_version", "Version of the model that gave the scores", "count"),
    Column("as_of_date", "Last day whose data the scores know", "date"),
)

EXPERIMENT_READOUTS = Report(
    name="experiment_readouts",
    title="Read-outs of experiments",
    definition=(
        "Every metric of every variant against the control, as of the last build. Values are what units did; where the "
        "method is cuped, the change is of values without what was known before the start. Bots are left out, and canceled "
        "orders count for nothing."
    ),
    needs=("fct_experiment_readouts",),
    columns=(
        Column("experiment", "Name of the experiment", "text"),
        Column("variant", "Variant that is compared with the control", "text"),
        Column("metric", "Name of the metric", "text"),
        Column("role", "primary, secondary or guardrail", "text"),
        Column("control_unit_count", "Units of the control", "count"),
        Column("unit_count", "Units of the variant", "count"),
        Column("control_value", "The metric in the control, in its own unit", "number"),
        Column("value", "The metric in the variant", "number"),
        Column("relative_change", "Change relative to the control", "share"),
        Column("relative_lower", "Lower end of its interval, for one look at the planned end", "share"),
        Column("relative_upper", "Upper end of it", "share"),
        Column("sequential_lower", "Lower end of the interval that holds at every look", "share"),
        Column("sequential_upper", "Upper end of it", "share"),
        Column(
            "corrected_pvalue",
            "Two-sided, corrected for the number of metrics and variants in the role",
            "number",
        ),
        Column("chance_to_win", "Probability of being better, under a flat prior", "share"),
        Column("guardrail", "holds, fails or unclear; empty for other roles", "text"),
        Column("decision", "ship, do not ship, keep running or invalid, for the variant", "text"),
        Column("as_of_date", "Last date of the shop's data", "date"),
    ),
    sql="""
        select
            experiment, variant, metric, role, control_unit_count, unit_count, control_value, value, relative_change,
            relative_lower, relative_upper, sequential_lower, sequential_upper, corrected_pvalue, chance_to_win, guardrail,
            decision, as_of_date
        from gold.fct_experiment_readouts
        order by
            experiment, case role when 'primary' then 1 when 'secondary' then 2 else 3 end, metric, variant
    """,
)

CHURN_RISK = Report(
    name="churn_risk",
    title="Customers by chance to leave",
    definition=(
        "Customers that the churn model scored, by the calibrated probability that they order nothing in its period "
        "after the last complete day, in steps of ten percentage points. Expected to leave is the sum of the probabilities."
    ),
    needs=("scores_churn",),
    columns=(
        Column("probability_from", "Least probability of the step", "share"),
        Column("customers", "Customers in the step", "count"),
        Column("expected_to_leave", "Sum of their probabilities", "number"),
        *_VERSION,
    ),
    sql="""
        with steps as (
            select step / 10.0 as probability_from from range(10) as numbers(step)
        ),

        counted as (
            select
                least(floor(probability * 10), 9) / 10.0 as probability_from,
                count(*) as customers,
                sum(probability) as expected_to_leave
            from gold.scores_churn
            group by 1
        )

        select
            steps.probability_from, coalesce(customers, 0), coalesce(expected_to_leave, 0),
            (select max(model_version) from gold.scores_churn), (select max(as_of_date) from gold.scores_churn)
        from steps
        left join counted using (probability_from)
        order by 1
    """,
)

CUSTOMERS_AT_RISK = Report(
    name="customers_at_risk",
    title="Whom to keep first",
    definition=(
        "The 100 customers with the most to lose: net revenue so far (returns and canceled orders taken out) times the "
        "probability to leave, from the churn model's scores."
    ),
    needs=("scores_churn", "fct_customer_ltv"),
    columns=(
        Column("customer_id", "The customer", "text"),
        Column("probability", "Chance to leave, calibrated", "share"),
        Column("net_amount", "Net revenue so far", "money"),
        Column("amount_at_risk", "The one times the other", "money"),
        Column("order_count", "Orders so far", "count"),
        *_VERSION,
    ),
    sql="""
        select
            scores.customer_id,
            scores.probability,
            customers.historical_value_amount as net_amount,
            cast(customers.historical_value_amount * scores.probability as decimal(18, 2)) as amount_at_risk,
            customers.order_count,
            scores.model_version,
            scores.as_of_date
        from gold.scores_churn as scores
        inner join gold.fct_customer_ltv as customers on scores.customer_id = customers.customer_id
        order by amount_at_risk desc nulls last, scores.customer_id
        limit 100
    """,
)

SEGMENTS = Report(
    name="customer_segments",
    title="Segments of customers",
    definition=(
        "All who ordered, by the segment that the model's rules put them into on the last complete day. Scores are of 1 to 5 "
        "for recency, frequency and money; 5 is best. Campaigns are suggestions."
    ),
    needs=("scores_segmentation",),
    columns=(
        Column("segment_name", "The segment", "text"),
        Column("customers", "Customers in it", "count"),
        Column("share", "Of all customers", "share"),
        Column("recency_score", "Mean score of recency, 1 to 5", "number"),
        Column("frequency_score", "Mean score of frequency, 1 to 5", "number"),
        Column("monetary_score", "Mean score of money, 1 to 5", "number"),
        Column("campaign", "What may be done for them", "text"),
        *_VERSION,
    ),
    sql="""
        select
            segment_name,
            count(*) as customers,
            count(*) / sum(count(*)) over () as share,
            avg(recency_score), avg(frequency_score), avg(monetary_score),
            any_value(campaign), max(model_version), max(as_of_date)
        from gold.scores_segmentation
        group by segment, segment_name
        order by customers desc, segment_name
    """,
)

SEGMENT_MOVES = Report(
    name="segment_moves",
    title="Who moved where",
    definition=(
        "Customers of the last complete day by their segment a month before and now, both by the same rules; new ones "
        "had not ordered yet. The share is of those who come from the same segment."
    ),
    needs=("scores_segmentation",),
    columns=(
        Column("moved_from", "Segment a month before", "text"),
        Column("moved_to", "Segment now", "text"),
        Column("customers", "Customers", "count"),
        Column("share", "Of all who come from there", "share"),
        Column("as_of_date", "Last day whose data the scores know", "date"),
    ),
    sql="""
        with names as (
            select segment, any_value(segment_name) as name from gold.scores_segmentation group by segment
        ),

        counted as (
            select moved_from as before, segment as after, count(*) as customers, max(as_of_date) as as_of_date
            from gold.scores_segmentation
            group by moved_from, segment
        )

        select
            case when before is null then '(new)' else coalesce(earlier.name, 'segment ' || before) end as moved_from,
            later.name as moved_to,
            customers,
            customers / sum(customers) over (partition by before) as share,
            as_of_date
        from counted
        left join names as earlier on counted.before = earlier.segment
        inner join names as later on counted.after = later.segment
        order by before nulls last, after
    """,
)

CHURN_BY_SEGMENT = Report(
    name="churn_by_segment",
    title="Chance to leave by segment",
    definition="Customers that both models scored: their segment, and the mean of their calibrated probabilities to leave.",
    needs=("scores_churn", "scores_segmentation"),
    columns=(
        Column("segment_name", "The segment", "text"),
        Column("customers", "Customers with a score of both", "count"),
        Column("mean_probability", "Mean chance to leave", "share"),
        Column("expected_to_leave", "Sum of their probabilities", "number"),
    ),
    sql="""
        select
            segments.segment_name,
            count(*) as customers,
            avg(churn.probability) as mean_probability,
            sum(churn.probability) as expected_to_leave
        from gold.scores_churn as churn
        inner join gold.scores_segmentation as segments on churn.customer_id = segments.customer_id
        group by segments.segment, segments.segment_name
        order by mean_probability desc, segments.segment_name
    """,
)

DECISIONS = (EXPERIMENT_READOUTS, CHURN_RISK, CUSTOMERS_AT_RISK, CHURN_BY_SEGMENT, SEGMENTS, SEGMENT_MOVES)
"""All of them."""
