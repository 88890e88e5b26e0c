"""Results of all experiments as a gold table, so that reports, service and everyone's SQL read what the command shows."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from shopwright.assignment.dbt_variables import plan_fingerprint
from shopwright.core.engine import SchemaError
from shopwright.core.errors import ConfigurationError, DataError
from shopwright.core.sql import quote_name, quote_text

if TYPE_CHECKING:
    from shopwright.core.engine import Connection
    from shopwright.experiments.analysis import MetricResult
    from shopwright.experiments.result import ExperimentResult
    from shopwright.experiments.statistics import Effect
    from shopwright.settings import ExperimentDefinition

TABLE = "gold.fct_experiment_readouts"
GRAIN = "One row per experiment, variant other than the control, metric and role, as of the last build."
COLUMNS = {
    "experiment": ("varchar", "Name of the experiment"),
    "as_of_date": ("date", "Last date of the shop's data"),
    "variant": ("varchar", "Variant compared with the control"),
    "metric": ("varchar", "Name of the metric"),
    "role": ("varchar", "primary, secondary or guardrail"),
    "unit_count": ("bigint", "Units of the variant (units)"),
    "control_unit_count": ("bigint", "Units of the control (units)"),
    "value": ("double", "The metric in the variant, never adjusted, in the metric's unit"),
    "control_value": ("double", "The same in the control"),
    "cap": (
        "double",
        "Value that a unit's numerator is capped at (winsorization), in its unit; null without a cap",
    ),
    "method": ("varchar", "Estimator; cuped where changes are adjusted for the pre-period"),
    "absolute_change": (
        "double",
        "Variant minus control, in the metric's unit; with cuped of the adjusted values, not value minus control_value",
    ),
    "absolute_lower": ("double", "Lower end of its interval"),
    "absolute_upper": ("double", "Upper end of its interval"),
    "relative_change": (
        "double",
        "Change relative to the control (share); with cuped, to the adjusted control",
    ),
    "relative_lower": ("double", "Lower end of its fixed-horizon interval (share)"),
    "relative_upper": ("double", "Upper end of its fixed-horizon interval (share)"),
    "sequential_lower": ("double", "Lower end of its always-valid interval (share)"),
    "sequential_upper": ("double", "Upper end of its always-valid interval (share)"),
    "pvalue": ("double", "Two-sided, fixed horizon (0 to 1)"),
    "corrected_pvalue": ("double", "The same, corrected for the number of metrics and variants in the role"),
    "always_valid_pvalue": ("double", "Two-sided, always valid (0 to 1)"),
    "chance_to_win": ("double", "Probability of being better, under a flat prior (0 to 1)"),
    "expected_loss": ("double", "Expected relative loss from shipping (share)"),
    "guardrail": (
        "varchar",
        "holds, fails or unclear, by the evidence that may count now; null for other roles",
    ),
    "guardrail_reason": ("varchar", "Why a guardrail has no verdict"),
    "power": ("double", "Probability of detecting the planned effect by now (0 to 1); primary metric only"),
    "decision": ("varchar", "ship, do not ship, keep running or invalid, for the variant"),
    "decision_reason": ("varchar", "Reason for the decision"),
    "undefined_reason": ("varchar", "Why a value is null"),
    "simulated_event_count": (
        "bigint",
        "Events that carry a simulated effect of this experiment (events); above 0 the data is simulated",
    ),
    "simulated_elsewhere_event_count": (
        "bigint",
        "Events on this one's days that carry a simulated effect of other experiments (events)",
    ),
    "plan_fingerprint": ("varchar", "Digest of the settings that decide the units and their variants"),
}
"""Column to its type and description."""


def check_installed() -> None:
    """Check that the libraries experiments need are installed.

    Raises:
        ConfigurationError: they are not; the message names the extra to install.
    """
    missing = [name for name in ("scipy", "plotly") if find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"experiments need {' and '.join(missing)}; run `pip install 'shopwright[experiments]'`"
        )


def check_built(connection: Connection, experiment: ExperimentDefinition | None, *, timezone: str) -> None:
    """Check that the warehouse was built with an experiment's current settings.

    Args:
        connection: to the published warehouse.
        experiment: the experiment; None to check only that the warehouse has the table.
        timezone: of the shop, in which the experiment's days begin.

    Raises:
        DataError: it was not; the next build fixes it.
    """
    try:
        fingerprints = dict(
            connection.execute(f"select distinct experiment, plan_fingerprint from {TABLE}").fetchall()
        )
    except SchemaError:
        raise DataError(
            "an older version built the published warehouse, without experiments; run `shopwright build`"
        ) from None
    if experiment is None:
        return
    if experiment.name not in fingerprints:
        raise DataError(
            f"experiment '{experiment.name}' is not in the published warehouse yet; run `shopwright build`"
        )
    if fingerprints[experiment.name] != plan_fingerprint(experiment, timezone):
        raise DataError(
            f"the settings of experiment '{experiment.name}' have changed since the last build, and with them the units; "
            "run `shopwright build`"
        )


def write_readouts(
    connection: Connection,
    experiments: tuple[ExperimentDefinition, ...],
    *,
    timezone: str,
) -> int:
    """Analyze every experiment and replace the table of results.

    Args:
        connection: to the warehouse before it is published.
        experiments: all of the shop's.
        timezone: of the shop.

    Returns:
        Number of rows written.
    """
    rows = []
    if experiments:
        from shopwright.experiments.result import read_experiment  # noqa: PLC0415  # needs the extra

        rows = [
            row
            for experiment in experiments
            for row in _rows(read_experiment(connection, experiment), timezone)
        ]
    columns = ", ".join(f"{quote_name(name)} {sql_type}" for name, (sql_type, _) in COLUMNS.items())
    connection.execute(f"create or replace table {TABLE} ({columns})")
    connection.execute(f"comment on table {TABLE} is {quote_text(GRAIN)}")
    for name, (_, description) in COLUMNS.items():
        connection.execute(f"comment on column {TABLE}.{quote_name(name)} is {quote_text(description)}")
    if rows:
        marks = ", ".join("?" for _ in COLUMNS)
        connection.executemany(
            f"insert into {TABLE} values ({marks})", [[row[name] for name in COLUMNS] for row in rows]
        )
    return len(rows)


def _rows(result: ExperimentResult, timezone: str) -> list[dict[str, Any]]:
    verdicts = {verdict.variant: verdict for verdict in result.verdicts}
    return [
        {
            "experiment": result.analysis.experiment.name,
            "as_of_date": result.analysis.as_of,
            **_numbers(metric_result),
            "guardrail": metric_result.guardrail.verdict if metric_result.guardrail else None,
            "guardrail_reason": metric_result.guardrail.reason if metric_result.guardrail else None,
            "simulated_event_count": result.simulated_events,
            "simulated_elsewhere_event_count": sum(result.simulated_elsewhere.values()),
            "plan_fingerprint": plan_fingerprint(result.analysis.experiment, timezone),
            "decision": verdicts[metric_result.variant].decision,
            "decision_reason": verdicts[metric_result.variant].reason,
        }
        for metric_result in result.analysis.metric_results
    ]


def _numbers(result: MetricResult) -> dict[str, Any]:
    estimate, sequential = result.estimate, result.sequential
    return {
        "variant": result.variant,
        "metric": result.metric.name,
        "role": result.role,
        "unit_count": estimate.treatment_count,
        "control_unit_count": estimate.control_count,
        "value": estimate.treatment,
        "control_value": estimate.control,
        "cap": result.cap,
        "method": estimate.method,
        **_interval("absolute", estimate.absolute),
        "absolute_change": estimate.absolute.value if estimate.absolute else None,
        **_interval("relative", estimate.relative),
        "relative_change": estimate.relative.value if estimate.relative else None,
        **_interval("sequential", sequential.relative),
        "pvalue": estimate.pvalue,
        "corrected_pvalue": result.corrected_pvalue,
        "always_valid_pvalue": sequential.pvalue,
        "chance_to_win": result.belief.chance_to_win,
        "expected_loss": result.belief.expected_loss,
        "power": result.progress.power if result.progress else None,
        "undefined_reason": estimate.reason or estimate.relative_reason,
    }


def _interval(name: str, effect: Effect | None) -> dict[str, float | None]:
    interval = effect.interval if effect else None
    return {
        f"{name}_lower": interval.lower if interval else None,
        f"{name}_upper": interval.upper if interval else None,
    }
