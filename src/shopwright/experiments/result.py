"""The complete result of an experiment: analysis, verdicts and days, as ``shopwright experiment results`` shows it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from shopwright.assignment.sql import variant_sql
from shopwright.experiments.aggregates import COHORT, DIMENSIONS, read_aggregates
from shopwright.experiments.analysis import analyze
from shopwright.experiments.daily import compare_days, read_daily_moments
from shopwright.experiments.messages import table_notes
from shopwright.experiments.simulated_effects import simulated_for
from shopwright.experiments.statistics import Proportion, dilution
from shopwright.experiments.verdict import decide
from shopwright.metrics import METRICS, Kind

if TYPE_CHECKING:
    from datetime import date

    from shopwright.core.engine import Connection
    from shopwright.experiments.analysis import Analysis
    from shopwright.experiments.daily import DayResult
    from shopwright.experiments.statistics import Dilution
    from shopwright.experiments.verdict import VariantVerdict
    from shopwright.settings import ExperimentDefinition


@dataclass(frozen=True, slots=True)
class ExperimentResult:
    """Analysis of an experiment with its verdicts and the days behind it."""

    analysis: Analysis
    verdicts: tuple[VariantVerdict, ...]
    days: tuple[DayResult, ...]
    """Primary metric day by day; empty for a quantile."""
    dilutions: dict[str, Dilution]
    """Variant to how many of its assigned units were exposed; empty where all are, or assignment is not known here."""
    simulated_events: int
    """Events that carry a simulated effect of this experiment; 0 where its data is real."""
    simulated_elsewhere: dict[str, int]
    """Other experiment to the events of its simulated effect on this one's days."""

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        analysis = self.analysis
        return {
            "experiment": analysis.experiment.model_dump(mode="json"),
            "as_of": analysis.as_of,
            "is_complete": analysis.is_complete,
            "days": analysis.days,
            "units": analysis.units,
            "mixed_units": analysis.mixed_units,
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
            "sample_ratio": {
                **asdict(analysis.sample_ratio),
                "is_mismatch": analysis.sample_ratio.is_mismatch,
            },
            "conversion_test": asdict(analysis.conversion_test),
            "metrics": [_metric_to_dict(asdict(result)) for result in analysis.metric_results],
            "notes": table_notes(analysis),
            "segments": [asdict(segment) for segment in analysis.segments],
            "cohorts": [asdict(cohort) for cohort in analysis.cohorts],
            "novelty": {name: asdict(novelty) for name, novelty in analysis.novelty.items()},
            "funnel": analysis.funnel,
            "daily": [asdict(day) for day in self.days],
            "dilution": {name: asdict(dilution) for name, dilution in self.dilutions.items()},
            "simulated_events": self.simulated_events,
            "simulated_elsewhere": self.simulated_elsewhere,
        }


def read_experiment(connection: Connection, experiment: ExperimentDefinition) -> ExperimentResult:
    """Read an experiment's result from a warehouse.

    Args:
        connection: to the published warehouse.
        experiment: the experiment.
    """
    aggregates = read_aggregates(connection, experiment, dimensions=(*DIMENSIONS, COHORT))
    analysis = analyze(experiment, aggregates, data_through=_last_date(connection))
    analysis = replace(analysis, day_orders=_day_orders(connection, analysis))
    metric = METRICS[experiment.primary_metric]
    by_day = {} if metric.kind is Kind.QUANTILE else read_daily_moments(connection, experiment, metric)
    own_events, elsewhere = simulated_for(connection, experiment)
    return ExperimentResult(
        analysis=analysis,
        verdicts=tuple(decide(analysis)),
        days=tuple(compare_days(experiment, metric, by_day)),
        dilutions=_dilutions(connection, analysis),
        simulated_events=own_events,
        simulated_elsewhere=elsewhere,
    )


def _metric_to_dict(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result with its metric's name in place of the metric's definition."""
    return {**result, "metric": result["metric"]["name"]}


def _last_date(connection: Connection) -> date | None:
    row = connection.execute(
        "select coalesce((select max(session_date) from gold.fct_sessions), "
        "(select max(order_date) from gold.fct_orders))"
    ).fetchone()
    last_date: date | None = row[0] if row else None
    return last_date


def _day_orders(connection: Connection, analysis: Analysis) -> int:
    """Return how many orders on the experiment's days state only their day; none counts for a session."""
    experiment = analysis.experiment
    if experiment.unit != "user":
        return 0
    until = f"and order_date <= date '{experiment.end}'" if experiment.end else ""
    row = connection.execute(
        f"select count(*) from gold.fct_orders where ordered_at_is_day and order_date >= date '{experiment.start}' {until}"
    ).fetchone()
    return int(row[0]) if row else 0


def _dilutions(connection: Connection, analysis: Analysis) -> dict[str, Dilution]:
    experiment = analysis.experiment
    if (
        experiment.exposure == "assigned"
        or experiment.unit != "user"
        or experiment.assignment not in ("hash", "md5_parity")
    ):
        return {}
    until = f"and session_date <= date '{experiment.end}'" if experiment.end else ""
    assigned = dict(
        connection.execute(
            f"select {variant_sql(experiment, 'user_id', 'null')}, count(*) from (select distinct user_id "
            f"from gold.fct_sessions where not is_bot and session_date >= date '{experiment.start}' {until}) group by 1"
        ).fetchall()
    )

    def exposed(variant: str) -> Proportion:
        return Proportion(analysis.units[variant], max(assigned.get(variant, 0), analysis.units[variant]))

    dilutions = {
        variant: dilution(
            analysis.metric_result(experiment.primary_metric, variant).estimate,
            control=exposed(experiment.control),
            treatment=exposed(variant),
            measured_on="exposed",
        )
        for variant in analysis.treatments
    }
    metric = METRICS[experiment.primary_metric]
    if metric.kind in (Kind.PROPORTION, Kind.MEAN):
        return dilutions
    reason = f"the effect on a {metric.kind} does not scale with the share of exposed units"
    return {variant: replace(diluted, scaled=None, reason=reason) for variant, diluted in dilutions.items()}
