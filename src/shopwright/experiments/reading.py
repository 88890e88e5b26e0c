"""All that ``experiment read`` says: the aggregates of one scan, judged, with the days behind them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from shopwright.assignment.sql import variant_sql
from shopwright.experiments.aggregates import COHORT, DIMENSIONS, read_aggregates
from shopwright.experiments.readout import read_out
from shopwright.experiments.sequence import read_days, watch
from shopwright.experiments.simulated_effects import simulated_for
from shopwright.experiments.statistics import Proportion, dilution
from shopwright.experiments.verdict import decide
from shopwright.experiments.words import notes
from shopwright.metrics import METRICS, Kind

if TYPE_CHECKING:
    from datetime import date

    import duckdb

    from shopwright.experiments.readout import Readout
    from shopwright.experiments.sequence import DayReading
    from shopwright.experiments.statistics import Dilution
    from shopwright.experiments.verdict import Verdict
    from shopwright.settings import ExperimentDefinition


@dataclass(frozen=True, slots=True)
class Reading:
    """A read-out with its verdicts and what stands behind it."""

    readout: Readout
    verdicts: tuple[Verdict, ...]
    days: tuple[DayReading, ...]
    """The primary metric day by day; empty for a quantile."""
    dilutions: dict[str, Dilution]
    """Variant to how many of its assigned units were exposed; empty where all are, or assignment is not known here."""
    simulated_events: int
    """Events that carry a simulated effect of this experiment; above 0 the data is simulated."""
    simulated_elsewhere: dict[str, int]
    """Other experiment to the events of its simulated effect on this one's days."""

    def document(self) -> dict[str, Any]:
        """Everything as plain values, for machines."""
        told = ("as_of", "is_complete", "days", "units", "mixed_units")
        found = {name: getattr(self.readout, name) for name in told}
        return {
            "experiment": self.readout.experiment.model_dump(mode="json"),
            **found,
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
            "sample_ratio": {
                **asdict(self.readout.sample_ratio),
                "is_mismatch": self.readout.sample_ratio.is_mismatch,
            },
            "conversion_test": asdict(self.readout.conversion_test),
            "metrics": [_metric(asdict(reading)) for reading in self.readout.readings],
            "notes": notes(self.readout),
            "segments": [asdict(segment) for segment in self.readout.segments],
            "cohorts": [asdict(cohort) for cohort in self.readout.cohorts],
            "novelty": {name: asdict(trend) for name, trend in self.readout.novelty.items()},
            "funnel": self.readout.funnel,
            "daily": [asdict(day) for day in self.days],
            "dilution": {name: asdict(found) for name, found in self.dilutions.items()},
            "simulated_events": self.simulated_events,
            "simulated_elsewhere": self.simulated_elsewhere,
        }


def read_experiment(connection: duckdb.DuckDBPyConnection, experiment: ExperimentDefinition) -> Reading:
    """Read an experiment from a warehouse.

    Args:
        connection: to the published warehouse.
        experiment: which one.
    """
    aggregates = read_aggregates(connection, experiment, dimensions=(*DIMENSIONS, COHORT))
    readout = read_out(experiment, aggregates, data_through=_last_date(connection))
    metric = METRICS[experiment.primary_metric]
    by_day = {} if metric.kind is Kind.QUANTILE else read_days(connection, experiment, metric)
    own, others = simulated_for(connection, experiment)
    return Reading(
        readout=readout,
        verdicts=tuple(decide(readout)),
        days=tuple(watch(experiment, metric, by_day)),
        dilutions=_dilutions(connection, readout),
        simulated_events=own,
        simulated_elsewhere=others,
    )


def _metric(reading: dict[str, Any]) -> dict[str, Any]:
    """A reading under its metric's name, without what is defined elsewhere."""
    return {**reading, "metric": reading["metric"]["name"]}


def _last_date(connection: duckdb.DuckDBPyConnection) -> date | None:
    row = connection.execute(
        "select coalesce((select max(session_date) from gold.fct_sessions), "
        "(select max(order_date) from gold.fct_orders))"
    ).fetchone()
    found: date | None = row[0] if row else None
    return found


def _dilutions(connection: duckdb.DuckDBPyConnection, readout: Readout) -> dict[str, Dilution]:
    experiment = readout.experiment
    if (
        experiment.exposure == "assigned"
        or experiment.unit != "user"
        or experiment.assignment not in ("hash", "md5_parity")
    ):
        return {}
    until = f"and session_date <= date '{experiment.end}'" if experiment.end else ""
    counts = dict(
        connection.execute(
            f"select {variant_sql(experiment, 'user_id', 'null')}, count(*) from (select distinct user_id "
            f"from gold.fct_sessions where not is_bot and session_date >= date '{experiment.start}' {until}) group by 1"
        ).fetchall()
    )

    def exposed(variant: str) -> Proportion:
        return Proportion(readout.units[variant], max(counts.get(variant, 0), readout.units[variant]))

    found = {
        variant: dilution(
            readout.reading(experiment.primary_metric, variant).estimate,
            control=exposed(experiment.control),
            treatment=exposed(variant),
            measured_on="exposed",
        )
        for variant in readout.treatments
    }
    metric = METRICS[experiment.primary_metric]
    if metric.kind in (Kind.PROPORTION, Kind.MEAN):
        return found
    why = f"the effect on a {metric.kind} does not scale with the share that is exposed"
    return {variant: replace(each, scaled=None, reason=why) for variant, each in found.items()}
