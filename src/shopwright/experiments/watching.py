"""All that ``experiment watch`` says: one metric day by day, and whether anything may be concluded from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from shopwright.experiments.aggregates import read_aggregates
from shopwright.experiments.readout import read_out
from shopwright.experiments.sequence import read_days, watch
from shopwright.experiments.simulated_effects import simulated_for
from shopwright.experiments.verdict import invalidity

if TYPE_CHECKING:
    import duckdb

    from shopwright.experiments.sequence import DayReading
    from shopwright.metrics import Metric
    from shopwright.settings import ExperimentDefinition


@dataclass(frozen=True, slots=True)
class Watched:
    """One metric of an experiment, as it stood at the end of each day."""

    experiment: ExperimentDefinition
    metric: Metric
    days: tuple[DayReading, ...]
    """One variant after the other; empty without units."""
    invalid_reason: str | None
    """Why nothing may be concluded, by the rule of the verdict; None where something may, or without units."""
    simulated_events: int
    """Events that carry a simulated effect of this experiment; above 0 the data is simulated."""
    simulated_elsewhere: dict[str, int]
    """Other experiment to the events of its simulated effect on this one's days."""

    def document(self) -> dict[str, Any]:
        """Everything as plain values, for machines."""
        return {
            "experiment": self.experiment.name,
            "metric": self.metric.name,
            "invalid_reason": self.invalid_reason,
            "simulated_events": self.simulated_events,
            "simulated_elsewhere": self.simulated_elsewhere,
            "days": [asdict(day) for day in self.days],
        }


def watch_experiment(
    connection: duckdb.DuckDBPyConnection, experiment: ExperimentDefinition, metric: Metric
) -> Watched:
    """Watch one metric of an experiment.

    Args:
        connection: to the published warehouse.
        experiment: which one.
        metric: the primary one, or another.

    Raises:
        ValueError: the metric is a quantile.
    """
    days = tuple(watch(experiment, metric, read_days(connection, experiment, metric)))
    own, others = simulated_for(connection, experiment)
    return Watched(
        experiment=experiment,
        metric=metric,
        days=days,
        invalid_reason=_invalidity(connection, experiment),
        simulated_events=own,
        simulated_elsewhere=others,
    )


def _invalidity(connection: duckdb.DuckDBPyConnection, experiment: ExperimentDefinition) -> str | None:
    readout = read_out(experiment, read_aggregates(connection, experiment, dimensions=()))
    return invalidity(readout) if readout.mixed_units or any(readout.units.values()) else None
