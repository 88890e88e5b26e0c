"""Whether units are dealt as the settings say: evenly, apart from other experiments, and to variants that are known."""

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

    import duckdb

    from shopwright.experiments.statistics import SampleRatio
    from shopwright.settings import ExperimentDefinition

GROUPS = 100
"""Groups of neighbouring buckets whose sizes are tested; each holds a hundredth of the ids."""


@dataclass(frozen=True, slots=True)
class Balance:
    """How evenly ids fall into buckets."""

    ids: int
    test: SampleRatio


@dataclass(frozen=True, slots=True)
class Correlation:
    """What two experiments' splits have to do with each other."""

    other: str
    ids: int
    """Units that take part in both."""
    phi: float | None
    """Correlation of being treated in one and in the other, -1 to 1; None where it cannot be computed."""
    reason: str | None = None
    """Why it cannot."""

    @property
    def is_independent(self) -> bool | None:
        """Whether it is as small as chance makes it; None where it is not known."""
        return None if self.phi is None else abs(self.phi) <= 4 / math.sqrt(self.ids)


@dataclass(frozen=True, slots=True)
class UnknownVariant:
    """A name that units were seen with and the settings do not know."""

    variant: str | None
    """None where the shop's tool named none."""
    units: int


def balance(connection: duckdb.DuckDBPyConnection, experiment: ExperimentDefinition) -> Balance:
    """How evenly the ids of all users (or sessions) that the shop knows fall into an experiment's buckets."""
    unit = "user_id" if experiment.unit == "user" else "session_key"
    group = f"{bucket_sql(hash_salt(experiment), unit)} // {BUCKET_COUNT // GROUPS}"
    rows = connection.execute(
        f"select {group}, count(*) from (select distinct {unit} from gold.fct_sessions) group by all"
    ).fetchall()
    sizes = dict(rows)
    counts = [int(sizes.get(place, 0)) for place in range(GROUPS)]
    return Balance(sum(counts), sample_ratio(counts, weights=[1] * GROUPS))


def correlate(
    connection: duckdb.DuckDBPyConnection,
    experiment: ExperimentDefinition,
    other: ExperimentDefinition,
    *,
    units: str = UNITS,
) -> Correlation:
    """The correlation of being treated in one experiment and in another, over the units that are in both.

    Where a rule deals the other's units it says what they see, whether or not they were exposed there; of an experiment
    whose variants are stated, the units count that were seen in it.
    """
    if other.unit != experiment.unit:
        return Correlation(other.name, 0, None, f"its units are {other.unit}s, not {experiment.unit}s")
    mine, theirs = _split(experiment, "mine.variant"), _split(other, "theirs.variant")
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
    connection: duckdb.DuckDBPyConnection,
    experiment: ExperimentDefinition,
    others: Sequence[ExperimentDefinition] = (),
) -> list[UnknownVariant]:
    """Units seen, while it ran, with a variant that the settings do not name, most units first.

    Such units count nowhere: a misspelt name loses a whole variant. Events state one group for all experiments, so names
    that another one knows are not counted.

    Args:
        connection: to the published warehouse, silver included.
        experiment: one whose variants the events or the shop's own tool state; of others there is nothing to see.
        others: the shop's other experiments.
    """
    if experiment.assignment == "exposures":
        query = UNKNOWN_TO_TOOL.format(
            name=quote_text(experiment.name), names=quote_list([*experiment.variants])
        )
    elif experiment.assignment == "stated":
        known = {
            name for each in (experiment, *others) if each.assignment == "stated" for name in each.variants
        }
        unit = "user_key" if experiment.unit == "user" else "(user_key, session_start_at)"
        query = UNKNOWN_TO_EVENTS.format(
            name=quote_text(experiment.name), names=quote_list(sorted(known)), unit=unit
        )
    else:
        return []
    return [UnknownVariant(name, int(units)) for name, units in connection.execute(query).fetchall()]


UNKNOWN_TO_TOOL = """
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

UNKNOWN_TO_EVENTS = """
    with

    unknown as (
        select context_key, experiment_group
        from silver.int_event_contexts
        where experiment_group is not null and not list_contains({names}, experiment_group)
    ),

    seen as (
        select unknown.experiment_group, steps.user_key, steps.session_start_at
        from silver.int_sessionized_events as steps
        inner join unknown on steps.context_key = unknown.context_key
        inner join silver.int_experiments as experiments
            on steps.event_at >= experiments.start_at and steps.event_at < experiments.end_at
        where experiments.experiment = {name}
    )

    select experiment_group, count(distinct {unit}) as units
    from seen
    anti join (select user_key, session_start_at from silver.int_sessions where is_bot) as bots
        on seen.user_key = bots.user_key and seen.session_start_at = bots.session_start_at
    group by experiment_group
    order by units desc, experiment_group
"""


def _split(experiment: ExperimentDefinition, observed: str) -> str:
    """SQL of whether a unit is treated; null where it takes no part. ``observed`` is the variant it was seen in."""
    is_dealt = experiment.assignment in ("hash", "md5_parity")
    variant = variant_sql(experiment, "mine.unit_id", "null") if is_dealt else observed
    return f"(({variant}) <> {quote_text(experiment.control)})"
