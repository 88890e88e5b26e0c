"""Read-outs as a gold table, so that service, app and everybody's SQL read what ``experiment read`` says."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import duckdb

from shopwright.assignment.dbt_variables import plan_fingerprint
from shopwright.core.errors import ConfigurationError, DataError
from shopwright.core.sql import quote_name, quote_text

if TYPE_CHECKING:
    from shopwright.experiments.reading import Reading
    from shopwright.experiments.readout import MetricReading
    from shopwright.experiments.statistics import Effect
    from shopwright.settings import ExperimentDefinition

TABLE = "gold.fct_experiment_readouts"
GRAIN = "One row per experiment, variant other than the control, metric and role, as of the last build."
COLUMNS = {
    "experiment": ("varchar", "Name of the experiment"),
    "as_of_date": ("date", "Last date of the shop's data"),
    "variant": ("varchar", "Variant that is compared with the control"),
    "metric": ("varchar", "Name of the metric"),
    "role": ("varchar", "primary, secondary or guardrail"),
    "unit_count": ("bigint", "Units of the variant (units)"),
    "control_unit_count": ("bigint", "Units of the control (units)"),
    "value": ("double", "The metric in the variant as it is, never adjusted, in the metric's unit"),
    "control_value": ("double", "The same in the control"),
    "cap": ("double", "What a unit's numerator is cut to (winsorisation), in its unit; null where it is not"),
    "method": ("varchar", "Estimator; cuped where changes are adjusted by the days before the start"),
    "absolute_change": (
        "double",
        "Variant less control, in the metric's unit; of cuped, less what was known before, and not value less control_value",
    ),
    "absolute_lower": ("double", "Lower end of its interval"),
    "absolute_upper": ("double", "Upper end of its interval"),
    "relative_change": (
        "double",
        "Change relative to the control (share); of cuped, to the adjusted control",
    ),
    "relative_lower": ("double", "Lower end of its interval, for one look (share)"),
    "relative_upper": ("double", "Upper end of it (share)"),
    "sequential_lower": ("double", "Lower end of the interval that holds at every look (share)"),
    "sequential_upper": ("double", "Upper end of it (share)"),
    "pvalue": ("double", "Two-sided, for one look (0 to 1)"),
    "corrected_pvalue": ("double", "The same, corrected for the number of metrics and variants in the role"),
    "always_valid_pvalue": ("double", "Two-sided, valid at every look"),
    "chance_to_win": ("double", "Probability of being better, under a flat prior (0 to 1)"),
    "expected_loss": ("double", "Relative worsening to expect from shipping (share)"),
    "guardrail": ("varchar", "holds, fails or unclear, by what may count now; null for other roles"),
    "guardrail_reason": ("varchar", "Why a guardrail could not be judged"),
    "power": ("double", "Chance of finding the planned effect by now (0 to 1); primary metric only"),
    "decision": ("varchar", "ship, do not ship, keep running or invalid, for the variant"),
    "decision_reason": ("varchar", "Why"),
    "undefined_reason": ("varchar", "Why a number is null"),
    "simulated_event_count": (
        "bigint",
        "Events that carry a simulated effect of this experiment (events); above 0 the data is simulated",
    ),
    "simulated_elsewhere_event_count": (
        "bigint",
        "Events on this one's days that carry a simulated effect of other experiments (events)",
    ),
    "plan_fingerprint": ("varchar", "Tells which plan the units were dealt by"),
}
"""Column to its type and meaning."""


def check_installed() -> None:
    """See that what read-outs need is there.

    Raises:
        ConfigurationError: it is not; the message names the extra that brings it.
    """
    missing = [name for name in ("scipy", "plotly") if find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"experiments need {' and '.join(missing)}: pip install 'shopwright[experiments]'"
        )


def check_built(
    connection: duckdb.DuckDBPyConnection, experiment: ExperimentDefinition | None, *, timezone: str
) -> None:
    """See that a warehouse was built since an experiment is as it is in the settings.

    Args:
        connection: to the published warehouse.
        experiment: which one; None to see only whether there can be any.
        timezone: of the shop, in which the experiment's days begin.

    Raises:
        DataError: it was not.
    """
    try:
        known = dict(
            connection.execute(f"select distinct experiment, plan_fingerprint from {TABLE}").fetchall()
        )
    except (duckdb.CatalogException, duckdb.BinderException):
        raise DataError(
            "the published warehouse knows no experiments, an older version built it; run 'shopwright build'"
        ) from None
    if experiment is None:
        return
    if experiment.name not in known:
        raise DataError(
            f"experiment '{experiment.name}' is not in the published warehouse yet; run 'shopwright build'"
        )
    if known[experiment.name] != plan_fingerprint(experiment, timezone):
        raise DataError(
            f"experiment '{experiment.name}' has changed since the last build, and with it the units that take part; "
            "run 'shopwright build'"
        )


def write_readouts(
    connection: duckdb.DuckDBPyConnection,
    experiments: tuple[ExperimentDefinition, ...],
    *,
    timezone: str,
) -> int:
    """Read every experiment and replace the table of read-outs.

    Args:
        connection: to the warehouse that is about to be published.
        experiments: all of the shop's.
        timezone: of the shop.

    Returns:
        How many rows were written.
    """
    rows = []
    if experiments:
        from shopwright.experiments.reading import read_experiment  # noqa: PLC0415  # needs the extra

        rows = [row for each in experiments for row in _rows(read_experiment(connection, each), timezone)]
    columns = ", ".join(f"{quote_name(name)} {kind}" for name, (kind, _) in COLUMNS.items())
    connection.execute(f"create or replace table {TABLE} ({columns})")
    connection.execute(f"comment on table {TABLE} is {quote_text(GRAIN)}")
    for name, (_, meaning) in COLUMNS.items():
        connection.execute(f"comment on column {TABLE}.{quote_name(name)} is {quote_text(meaning)}")
    if rows:
        marks = ", ".join("?" for _ in COLUMNS)
        connection.executemany(
            f"insert into {TABLE} values ({marks})", [[row[name] for name in COLUMNS] for row in rows]
        )
    return len(rows)


def _rows(reading: Reading, timezone: str) -> list[dict[str, Any]]:
    verdicts = {verdict.variant: verdict for verdict in reading.verdicts}
    return [
        {
            "experiment": reading.readout.experiment.name,
            "as_of_date": reading.readout.as_of,
            **_numbers(found),
            "guardrail": found.guardrail.verdict if found.guardrail else None,
            "guardrail_reason": found.guardrail.reason if found.guardrail else None,
            "simulated_event_count": reading.simulated_events,
            "simulated_elsewhere_event_count": sum(reading.simulated_elsewhere.values()),
            "plan_fingerprint": plan_fingerprint(reading.readout.experiment, timezone),
            "decision": verdicts[found.variant].decision,
            "decision_reason": verdicts[found.variant].reason,
        }
        for found in reading.readout.readings
    ]


def _numbers(found: MetricReading) -> dict[str, Any]:
    best, always = found.estimate, found.sequential
    return {
        "variant": found.variant,
        "metric": found.metric.name,
        "role": found.role,
        "unit_count": best.treatment_count,
        "control_unit_count": best.control_count,
        "value": best.treatment,
        "control_value": best.control,
        "cap": found.cap,
        "method": best.method,
        **_interval("absolute", best.absolute),
        "absolute_change": best.absolute.value if best.absolute else None,
        **_interval("relative", best.relative),
        "relative_change": best.relative.value if best.relative else None,
        **_interval("sequential", always.relative),
        "pvalue": best.pvalue,
        "corrected_pvalue": found.corrected_pvalue,
        "always_valid_pvalue": always.pvalue,
        "chance_to_win": found.belief.chance_to_win,
        "expected_loss": found.belief.expected_loss,
        "power": found.progress.power if found.progress else None,
        "undefined_reason": best.reason or best.relative_reason,
    }


def _interval(name: str, effect: Effect | None) -> dict[str, float | None]:
    interval = effect.interval if effect else None
    return {
        f"{name}_lower": interval.lower if interval else None,
        f"{name}_upper": interval.upper if interval else None,
    }
