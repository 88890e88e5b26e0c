"""Reports on the results of models and experiments."""

from __future__ import annotations

from shopwright.reports.report import Column, Report

_MODEL_VERSION = Column("model_version", "Version of the model behind the scores.", "count")
_AS_OF_DATE = Column("as_of_date", "Last day of data behind the scores.", "date")

EXPERIMENT_RESULTS = Report(
    name="experiment_results",
    title="Experiment results",
    definition=(
        "Every metric of every variant against the control, as of the last build. Where the method is cuped, the change is "
        "adjusted for what was known before the start. Bots and canceled orders are excluded."
    ),
    requires=("fct_experiment_readouts",),
    columns=(
        Column("experiment", "Name of the experiment.", "text"),
        Column("variant", "Variant that is compared with the control.", "text"),
        Column("metric", "Name of the metric.", "text"),
        Column("role", "primary, secondary or guardrail.", "text"),
        Column("control_unit_count", "Units in the control.", "count"),
        Column("unit_count", "Units in the variant.", "count"),
        Column("control_value", "Value of the metric in the control, in its own unit.", "number"),
        Column("value", "Value of the metric in the variant.", "number"),
        Column("relative_change", "Change relative to the control.", "share"),
        Column(
            "relative_lower", "Lower end of the fixed-horizon interval, valid at the planned end.", "share"
        ),
        Column("relative_upper", "Upper end of the fixed-horizon interval.", "share"),
        Column("sequential_lower", "Lower end of the always-valid interval.", "share"),
        Column("sequential_upper", "Upper end of the always-valid interval.", "share"),
        Column(
            "corrected_pvalue",
            "Two-sided p-value, corrected for the number of metrics and variants in the role.",
            "number",
            "Corrected p-value",
        ),
        Column("chance_to_win", "Probability that the variant is better, under a flat prior.", "share"),
        Column("guardrail", "holds, fails or unclear; empty for other roles.", "text"),
        Column("decision", "Decision for the variant: ship, do not ship, keep running or invalid.", "text"),
        Column("as_of_date", "Last date of the shop's data.", "date"),
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
    title="Customers by churn risk",
    definition=(
        "Customers by the churn model's calibrated probability that they place no order in its period after the last complete "
        "day, in steps of ten percentage points. Expected churn is the sum of the probabilities."
    ),
    requires=("scores_churn",),
    columns=(
        Column("probability_from", "Lower bound of the probability.", "share"),
        Column("customer_count", "Customers in the step.", "count"),
        Column("expected_churn", "Sum of their churn probabilities.", "number"),
        _MODEL_VERSION,
        _AS_OF_DATE,
    ),
    sql="""
        with steps as (
            select step / 10.0 as probability_from from range(10) as numbers(step)
        ),

        counted as (
            select
                least(floor(probability * 10), 9) / 10.0 as probability_from,
                count(*) as customer_count,
                sum(probability) as expected_churn
            from gold.scores_churn
            group by 1
        )

        select
            steps.probability_from,
            coalesce(counted.customer_count, 0) as customer_count,
            coalesce(counted.expected_churn, 0) as expected_churn,
            (select max(model_version) from gold.scores_churn) as model_version,
            (select max(as_of_date) from gold.scores_churn) as as_of_date
        from steps
        left join counted using (probability_from)
        order by 1
    """,
)

CUSTOMERS_AT_RISK = Report(
    name="customers_at_risk",
    title="Customers to retain",
    definition=(
        "The 100 customers with the highest amount at risk: net sales to date (without returns and canceled orders) times the "
        "churn model's probability."
    ),
    requires=("scores_churn", "fct_customer_ltv"),
    columns=(
        Column("customer_id", "Customer ID.", "text"),
        Column("probability", "Calibrated churn probability.", "share", "Churn probability"),
        Column("net_amount", "Net sales to date.", "money", "Net sales"),
        Column("amount_at_risk", "Net sales to date times the churn probability.", "money"),
        Column("order_count", "Orders to date.", "count"),
        _MODEL_VERSION,
        _AS_OF_DATE,
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
    title="Customer segments",
    definition=(
        "All customers with an order, by their segment on the last complete day. Recency, frequency and monetary scores are "
        "from 1 to 5; 5 is best. Campaigns are suggestions."
    ),
    requires=("scores_segmentation",),
    columns=(
        Column("segment_name", "Segment.", "text", "Segment"),
        Column("customer_count", "Customers in the segment.", "count"),
        Column("share", "Share of all customers.", "share"),
        Column("recency_score", "Mean recency score, 1 to 5.", "number"),
        Column("frequency_score", "Mean frequency score, 1 to 5.", "number"),
        Column("monetary_score", "Mean monetary score, 1 to 5.", "number"),
        Column("campaign", "Suggested campaign.", "text"),
        _MODEL_VERSION,
        _AS_OF_DATE,
    ),
    sql="""
        select
            segment_name,
            count(*) as customer_count,
            count(*) / sum(count(*)) over () as share,
            avg(recency_score) as recency_score,
            avg(frequency_score) as frequency_score,
            avg(monetary_score) as monetary_score,
            any_value(campaign) as campaign,
            max(model_version) as model_version,
            max(as_of_date) as as_of_date
        from gold.scores_segmentation
        group by segment, segment_name
        order by customer_count desc, segment_name
    """,
)

SEGMENT_CHANGES = Report(
    name="segment_changes",
    title="Segment changes",
    definition=(
        "Customers by their segment a month ago and now, both by the same rules; new customers had not ordered a month ago. "
        "The share is of customers with the same segment a month ago."
    ),
    requires=("scores_segmentation",),
    columns=(
        Column("previous_segment", "Segment a month ago; (new) without an order by then.", "text"),
        Column("current_segment", "Segment now.", "text"),
        Column("customer_count", "Customers.", "count"),
        Column("share", "Share of customers with the same segment a month ago.", "share"),
        _AS_OF_DATE,
    ),
    sql="""
        with names as (
            select segment, any_value(segment_name) as name from gold.scores_segmentation group by segment
        ),

        changes as (
            select
                moved_from as previous,
                segment as current,
                count(*) as customer_count,
                max(as_of_date) as as_of_date
            from gold.scores_segmentation
            group by moved_from, segment
        )

        select
            case when previous is null then '(new)' else coalesce(previous_names.name, 'segment ' || previous) end
                as previous_segment,
            current_names.name as current_segment,
            customer_count,
            customer_count / sum(customer_count) over (partition by previous) as share,
            as_of_date
        from changes
        left join names as previous_names on changes.previous = previous_names.segment
        inner join names as current_names on changes.current = current_names.segment
        order by previous nulls last, current
    """,
)

CHURN_BY_SEGMENT = Report(
    name="churn_by_segment",
    title="Churn risk by segment",
    definition="Customers scored by both models: their segment, and their mean calibrated churn probability.",
    requires=("scores_churn", "scores_segmentation"),
    columns=(
        Column("segment_name", "Segment.", "text", "Segment"),
        Column("customer_count", "Customers with scores of both models.", "count"),
        Column("mean_probability", "Mean churn probability.", "share", "Mean churn probability"),
        Column("expected_churn", "Sum of their churn probabilities.", "number"),
    ),
    sql="""
        select
            segments.segment_name,
            count(*) as customer_count,
            avg(churn.probability) as mean_probability,
            sum(churn.probability) as expected_churn
        from gold.scores_churn as churn
        inner join gold.scores_segmentation as segments on churn.customer_id = segments.customer_id
        group by segments.segment, segments.segment_name
        order by mean_probability desc, segments.segment_name
    """,
)

DECISION_REPORTS = (
    EXPERIMENT_RESULTS,
    CHURN_RISK,
    CUSTOMERS_AT_RISK,
    CHURN_BY_SEGMENT,
    SEGMENTS,
    SEGMENT_CHANGES,
)
