"""Whether the machinery itself can be trusted: on this shop's units, metrics and ids.

* **A/A**: the same units are dealt to two variants again and again, at random, so that there is no effect; a test that finds
  one more often than it may is not fit for this shop's data (a ratio that rests on a handful of units is enough).
* **Balance**: the hash deals this shop's ids evenly over its buckets.
* **Correlation**: the split of this experiment has nothing to do with the split of any other.
* **Sample ratio**: where the split is off, the dimension, and how far the units came, that explain it.

Source: R. Kohavi, D. Tang, Y. Xu, "Trustworthy Online Controlled Experiments" (2020), chapters 19 (A/A tests) and 21 (sample
ratio mismatch); A. Fabijan and others, "Diagnosing Sample Ratio Mismatch", KDD 2019.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopwright.core.sql import quote_name, quote_text
from shopwright.experiments.aggregates import CAPPED, DIMENSIONS, UNITS, summed, text_of
from shopwright.experiments.assignment import BUCKETS, salt_of, weights_of
from shopwright.experiments.assignment_sql import bucket_sql, variant_sql
from shopwright.experiments.readout import compare_metric
from shopwright.experiments.statistics import Moments, sample_ratio
from shopwright.metrics import METRICS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import duckdb
    from numpy.random import Generator
    from numpy.typing import NDArray

    from shopwright.experiments.statistics import SampleRatio
    from shopwright.metrics import Metric
    from shopwright.settings import ExperimentDefinition

MOST_UNITS = 200_000
"""Units that are dealt again; of more, this many are drawn."""
GROUPS = 100
"""Groups of neighbouring buckets whose sizes are tested; each holds a hundredth of the ids."""
STAGES = ("did nothing", "viewed", "put into the cart", "began a checkout", "bought")


@dataclass(frozen=True, slots=True)
class FalsePositives:
    """One metric over many A/A tests."""

    metric: str
    simulations: int
    units: int
    rate: float | None
    """Share of the tests that found something at the experiment's alpha; None where none could be made."""
    expected: float
    error: float
    """Standard error of the rate if the test is right."""

    @property
    def is_sound(self) -> bool:
        """Whether the rate is not above what chance allows."""
        return self.rate is not None and self.rate <= self.expected + 3 * self.error


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
    """Correlation of being treated in one and in the other, -1 to 1; None where no unit is in both."""

    @property
    def is_independent(self) -> bool:
        """Whether it is as small as chance makes it."""
        return self.phi is None or abs(self.phi) <= 4 / math.sqrt(max(self.ids, 1))


@dataclass(frozen=True, slots=True)
class Suspect:
    """A part of the units whose sample ratio is off."""

    dimension: str
    value: str
    ratio: SampleRatio
    rest: SampleRatio
    """The split of all other units."""

    @property
    def explains_all(self) -> bool:
        """Whether there are other units, and their split is right."""
        return self.ratio.is_mismatch and self.rest.pvalue is not None and not self.rest.is_mismatch


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found."""

    experiment: str
    false_positives: tuple[FalsePositives, ...]
    balance: Balance | None
    """None where no hash deals the units."""
    correlations: tuple[Correlation, ...]
    sample_ratio: SampleRatio
    suspects: tuple[Suspect, ...]
    """Parts of the units that explain a mismatch, the most telling first; empty where there is none."""


def audit(
    connection: duckdb.DuckDBPyConnection,
    experiment: ExperimentDefinition,
    others: Sequence[ExperimentDefinition],
    *,
    rng: Generator,
    simulations: int = 1_000,
    watch: Callable[[int], None] = lambda _: None,
    units: str = UNITS,
) -> Audit:
    """Look for what would make an experiment's read-out wrong.

    Args:
        connection: to a warehouse with ``fct_experiment_units``.
        experiment: the one.
        others: the shop's other experiments.
        rng: deals the units again.
        simulations: A/A tests per metric.
        watch: told how many of them are done.
        units: table of the units.
    """
    ratio, suspects = trace_sample_ratio(connection, experiment, units=units)
    hashed = [other for other in others if _is_dealt(other) and other.unit == experiment.unit]
    return Audit(
        experiment=experiment.name,
        false_positives=tuple(
            false_positives(
                connection, experiment, rng=rng, simulations=simulations, watch=watch, units=units
            )
        ),
        balance=balance(connection, experiment) if experiment.assignment == "hash" else None,
        correlations=tuple(correlate(connection, experiment, other, units=units) for other in hashed)
        if _is_dealt(experiment)
        else (),
        sample_ratio=ratio,
        suspects=suspects,
    )


def false_positives(
    connection: duckdb.DuckDBPyConnection,
    experiment: ExperimentDefinition,
    *,
    rng: Generator,
    simulations: int,
    watch: Callable[[int], None] = lambda _: None,
    units: str = UNITS,
) -> list[FalsePositives]:
    """How often each metric's test finds something where units are dealt at random."""
    metrics = [METRICS[name] for name in experiment.metrics if METRICS[name].kind is not Kind.QUANTILE]
    metrics = [summed(metric, experiment) for metric in metrics]
    columns = _columns(connection, experiment, metrics, units) if metrics else {}
    count = len(next(iter(columns.values()))) if columns else 0
    if count < 2:
        return []
    hits = {metric.name: [0, 0] for metric in metrics}
    for done, (control, treatment) in enumerate(_deals(columns, rng, simulations), start=1):
        watch(done)
        for metric in metrics:
            pvalue = compare_metric(metric, control, treatment, level=1 - experiment.alpha).pvalue
            if pvalue is not None:
                hits[metric.name][0] += pvalue < experiment.alpha
                hits[metric.name][1] += 1
    error = math.sqrt(experiment.alpha * (1 - experiment.alpha) / simulations)
    return [
        FalsePositives(name, simulations, count, found / tried if tried else None, experiment.alpha, error)
        for name, (found, tried) in hits.items()
    ]


def _columns(
    connection: duckdb.DuckDBPyConnection,
    experiment: ExperimentDefinition,
    metrics: Sequence[Metric],
    units: str,
) -> dict[str, NDArray[np.float64]]:
    """What the metrics are made of, one value a unit, cut as the read-out cuts it."""
    names = list(dict.fromkeys(name for metric in metrics for name in metric.measures))
    asked = ", ".join(f"cast({quote_name(name.removeprefix(CAPPED))} as double)" for name in names)
    found = connection.execute(
        f"select {asked} from {units} where experiment = {quote_text(experiment.name)} "
        f"and variant_count = 1 order by hash(unit_id) limit {MOST_UNITS}"
    ).fetchnumpy()
    columns = {
        name: np.asarray(values, dtype=np.float64) for name, values in zip(names, found.values(), strict=True)
    }
    if experiment.winsorize is None or not len(next(iter(columns.values()))):
        return columns
    return {
        name: np.minimum(values, np.quantile(values, experiment.winsorize))
        if name.startswith(CAPPED)
        else values
        for name, values in columns.items()
    }


def _deals(
    columns: dict[str, NDArray[np.float64]], rng: Generator, simulations: int
) -> Iterator[tuple[Moments, Moments]]:
    """Moments of two variants of equal weight, once for each simulation."""
    names = tuple(columns)
    values = np.array(list(columns.values()))
    pairs = [(left, right) for left in range(len(names)) for right in range(left, len(names))]
    stacked = np.vstack([values, *(values[left] * values[right] for left, right in pairs)])
    whole = Moments.from_arrays(columns)
    for _ in range(simulations):
        chosen = rng.integers(0, 2, values.shape[1]).astype(np.float64)
        treatment = _moments(names, pairs, int(chosen.sum()), stacked @ chosen)
        control = Moments(
            whole.count - treatment.count,
            names,
            whole.sums - treatment.sums,
            whole.products - treatment.products,
        )
        yield control, treatment


def _moments(
    names: tuple[str, ...], pairs: list[tuple[int, int]], count: int, sums: NDArray[np.float64]
) -> Moments:
    products = np.empty((len(names), len(names)))
    for (left, right), value in zip(pairs, sums[len(names) :], strict=True):
        products[left, right] = products[right, left] = value
    return Moments(count, names, sums[: len(names)], products)


def balance(connection: duckdb.DuckDBPyConnection, experiment: ExperimentDefinition) -> Balance:
    """How evenly the ids of all users (or sessions) that the shop knows fall into an experiment's buckets."""
    unit = "user_id" if experiment.unit == "user" else "session_key"
    group = f"{bucket_sql(salt_of(experiment), unit)} // {BUCKETS // GROUPS}"
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
    """The correlation of being treated in one experiment and in another, over the units that are in both."""
    mine, theirs = (variant_sql(each, "unit_id", "null") for each in (experiment, other))
    row = connection.execute(
        f"select count(*), corr(cast(mine <> {quote_text(experiment.control)} as double), "
        f"cast(theirs <> {quote_text(other.control)} as double)) "
        f"from (select {mine} as mine, {theirs} as theirs from {units} "
        f"where experiment = {quote_text(experiment.name)}) where mine is not null and theirs is not null"
    ).fetchone()
    ids, phi = row or (0, None)
    return Correlation(other.name, int(ids), None if phi is None or math.isnan(phi) else float(phi))


def trace_sample_ratio(
    connection: duckdb.DuckDBPyConnection, experiment: ExperimentDefinition, *, units: str = UNITS
) -> tuple[SampleRatio, tuple[Suspect, ...]]:
    """The sample ratio, and if it is off, the parts of the units where it is, the most telling first.

    A part explains the mismatch where the other units' split is right. Parts are the values of each dimension, and how
    far units came; since a real effect moves units from one stage to the next, stages are looked at only where the
    whole is off.
    """
    stage = (
        "case when has_purchase then 'bought' when has_checkout then 'began a checkout' "
        "when has_cart then 'put into the cart' when has_view then 'viewed' else 'did nothing' end"
    )
    parts = {**{name: text_of(name) for name in DIMENSIONS}, "stage": stage}
    columns = ", ".join(f"{sql} as {quote_name(name)}" for name, sql in parts.items())
    sets = ", ".join(["(variant)", *(f"(variant, {quote_name(name)})" for name in parts)])
    ids = ", ".join(f"grouping({quote_name(name)})" for name in parts)
    rows = connection.execute(
        f"select variant, [{ids}], {', '.join(map(quote_name, parts))}, count(*) from "
        f"(select variant, {columns} from {units} where experiment = {quote_text(experiment.name)} "
        f"and variant_count = 1) group by grouping sets ({sets})"
    ).fetchall()
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for variant, merged, *values, count in rows:
        place = next((n for n, is_merged in enumerate(merged) if not is_merged), None)
        key = ("", "") if place is None else (list(parts)[place], values[place])
        counts.setdefault(key, {})[variant] = int(count)
    whole = _ratio(experiment, counts.pop(("", ""), {}))
    if not whole.is_mismatch:
        return whole, ()
    suspects = [
        Suspect(
            dimension,
            value,
            _ratio(experiment, found),
            _ratio(experiment, _without(whole, found, experiment)),
        )
        for (dimension, value), found in counts.items()
    ]
    telling = [suspect for suspect in suspects if suspect.ratio.is_mismatch]
    telling.sort(key=lambda suspect: (not suspect.explains_all, -(suspect.ratio.statistic or 0)))
    return whole, tuple(telling)


def _ratio(experiment: ExperimentDefinition, counts: dict[str, int]) -> SampleRatio:
    return sample_ratio([counts.get(name, 0) for name in experiment.variants], weights=weights_of(experiment))


def _without(whole: SampleRatio, part: dict[str, int], experiment: ExperimentDefinition) -> dict[str, int]:
    return {
        name: seen - part.get(name, 0) for name, seen in zip(experiment.variants, whole.observed, strict=True)
    }


def _is_dealt(experiment: ExperimentDefinition) -> bool:
    """Whether a rule known here deals its units."""
    return experiment.assignment in ("hash", "md5_parity")
