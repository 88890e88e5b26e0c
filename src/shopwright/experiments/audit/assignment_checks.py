"""Checks of assignment: even buckets, independence of other experiments, and known variants."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopwright.assignment import BUCKET_COUNT, hash_salt
from shopwright.assignment.sql import bucket_sql, variant_sql
from shopwright.core.sql import quote_list, quote_text
from shopwright.experiments.aggregates import UNITS
from shopwright.experiments.statistics import sample_ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shopwright.core.engine import Connection
    from shopwright.experiments.statistics import SampleRatio
    from shopwright.settings import ExperimentDefinition

GROUPS = 100
"""Number of groups of adjacent buckets whose sizes are tested; each should hold a hundredth of the ids."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Test of whether ids fall evenly into buckets."""

    ids: int
    test: SampleRatio


@dataclass(frozen=True, slots=True)
class Correlation:
    """Correlation of two experiments' splits."""

    other: str
    ids: int
    """Units that take part in both."""
    phi: float | None
    """Correlation of being treated in one and in the other, -1 to 1; None where it is undefined."""
    reason: str | None = None
    """Why it is undefined."""

    @property
    def is_independent(self) -> bool | None:
        """Whether chance explains the correlation; None where it is undefined."""
        return None if self.phi is None else abs(self.phi) <= 4 / math.sqrt(self.ids)


@dataclass(frozen=True, slots=True)
class UnknownVariant:
    """Variant of units that the settings do not name."""

    variant: str | None
    """None where the exposure log states none."""
    units: int


def balance(connection: Connection, experiment: ExperimentDefinition) -> Balance:
    """Test how evenly the ids of all the shop's users (or sessions) fall into an experiment's buckets."""
    unit = "user_id" if experiment.unit == "user" else "session_key"
    group = f"{bucket_sql(hash_salt(experiment), unit)} // {BUCKET_COUNT // GROUPS}"
    rows = connection.execute(
        f"select {group}, count(*) from (select distinct {unit} from gold.fct_sessions) group by all"
    ).fetchall()
    sizes = dict(rows)
    counts = [int(sizes.get(index, 0)) for index in range(GROUPS)]
    return Balance(sum(counts), sample_ratio(counts, weights=[1] * GROUPS))


def correlate(
    connection: Connection,
    experiment: ExperimentDefinition,
    other: ExperimentDefinition,
    *,
    units: str = UNITS,
) -> Correlation:
    """Compute the correlation of being treated in one experiment and in another, over the units in both.

    Where a rule assigns the other experiment's units, the rule tells their variant, exposed or not; where their variants
    are stated, only units that were seen in it count.

    Returns:
        ``phi`` is None, with a reason, where no unit is in both or all are on one side.
    """
    if other.unit != experiment.unit:
        return Correlation(other.name, 0, None, f"its units are {other.unit}s, not {experiment.unit}s")
    mine, theirs = _is_treated_sql(experiment, "mine.variant"), _is_treated_sql(other, "theirs.variant")
    row = connection.execute(
        "select count(*), corr(cast(mine as double), cast(theirs as double)), count(distinct mine), "
        f"count(distinct theirs) from (select {mine} as mine, {theirs} as theirs from {units} as mine "
        f"left join (select unit_id, variant from {units} where experiment = {quote_text(other.name)} "
        "and variant_count = 1) as theirs on mine.unit_id = theirs.unit_id "
        f"where mine.experiment = {quote_text(experiment.name)} and mine.variant_count = 1) "
        "where mine is not null and theirs is not null"
    ).fetchone()
    ids, phi, sides, other_sides = row or (0, None, 0, 0)
    reason = None
    if not ids:
        reason = "no unit is in both"
    elif min(sides, other_sides) < 2:
        constant = experiment if sides < 2 else other
        reason = f"the units in both are all on one side of '{constant.name}', control or treated"
    return Correlation(other.name, int(ids), None if reason else float(phi), reason)


def unknown_variants(
    connection: Connection,
    experiment: ExperimentDefinition,
    other_experiments: Sequence[ExperimentDefinition] = (),
) -> list[UnknownVariant]:
    """Find units seen, during the experiment, with a variant that the settings do not name.

    Such units count nowhere: a misspelled name loses a whole variant. Events state one group for all experiments, so
    variants of another experiment are not unknown.

    Args:
        connection: to the published warehouse, silver included.
        experiment: one whose variants the events or the exposure log state; others have no unknown variants.
        other_experiments: the shop's other experiments.

    Returns:
        Unknown variants, the one with most units first.
    """
    if experiment.assignment == "exposures":
        query = UNKNOWN_IN_EXPOSURE_LOG.format(
            name=quote_text(experiment.name), names=quote_list([*experiment.variants])
        )
    elif experiment.assignment == "stated":
        stated_variants = {
            name
            for definition in (experiment, *other_experiments)
            if definition.assignment == "stated"
            for name in definition.variants
        }
        unit = "user_key" if experiment.unit == "user" else "(user_key, session_start_at)"
        query = UNKNOWN_IN_EVENTS.format(
            name=quote_text(experiment.name), names=quote_list(sorted(stated_variants)), unit=unit
        )
    else:
        return []
    return [UnknownVariant(name, int(units)) for name, units in connection.execute(query).fetchall()]


UNKNOWN_IN_EXPOSURE_LOG = """
    select exposures.variant, count(distinct exposures.unit_id) as units
    from silver.stg_exposures as exposures
    inner join silver.int_experiments as experiments
        on
            exposures.experiment = experiments.experiment
            and exposures.exposed_at >= experiments.start_at
            and exposures.exposed_at < experiments.end_at
    where
        experiments.experiment = {name}
        and (exposures.variant is null or not list_contains({names}, exposures.variant))
    group by exposures.variant
    order by units desc, exposures.variant
"""

UNKNOWN_IN_EVENTS = """
    with

    unknown as (
        select context_key, experiment_group
        from silver.int_event_contexts
        where experiment_group is not null and not list_contains({names}, experiment_group)
    ),

    unknown_steps as (
        select unknown.experiment_group, steps.user_key, steps.session_start_at
        from silver.int_sessionized_events as steps
        inner join unknown on steps.context_key = unknown.context_key
        inner join silver.int_experiments as experiments
            on steps.event_at >= experiments.start_at and steps.event_at < experiments.end_at
        where experiments.experiment = {name}
    )

    select experiment_group, count(distinct {unit}) as units
    from unknown_steps
    anti join (select user_key, session_start_at from silver.int_sessions where is_bot) as bots
        on unknown_steps.user_key = bots.user_key and unknown_steps.session_start_at = bots.session_start_at
    group by experiment_group
    order by units desc, experiment_group
"""


def _is_treated_sql(experiment: ExperimentDefinition, stated_column: str) -> str:
    """Return SQL of whether a unit is treated; null where it takes no part."""
    has_rule = experiment.assignment in ("hash", "md5_parity")
    variant = variant_sql(experiment, "mine.unit_id", "null") if has_rule else stated_column
    return f"(({variant}) <> {quote_text(experiment.control)})"
