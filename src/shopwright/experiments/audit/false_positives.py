"""A/A tests: how often each metric's test finds an effect where there is none."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.assignment import expected_weights
from shopwright.core.sql import quote_name, quote_text
from shopwright.experiments.aggregates import (
    CAPPED,
    UNITS,
    capped_metric,
    read_caps,
    summed_columns,
    summed_products,
)
from shopwright.experiments.comparison import adjust_metric, compare_metric
from shopwright.experiments.statistics import Moments
from shopwright.metrics import METRICS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from shopwright.core.engine import Connection
    from shopwright.experiments.statistics import Estimate
    from shopwright.metrics import Metric
    from shopwright.settings import ExperimentDefinition

MAX_UNITS = 200_000
"""Units in each A/A test; of more, a sample of this size is used."""
BATCH_SIZE = 8
"""Random splits that are summed together: the units' values are then read once for all of them."""

Split = dict[str, Moments]
"""Sums of the control and the tested treatments, and of all other variants together under the empty name."""


@dataclass(frozen=True, slots=True)
class FalsePositives:
    """Result of many A/A tests of one metric, treatment against control."""

    metric: str
    variants: tuple[str, ...]
    """Treatments that the result holds for: those of one weight, since only the weight distinguishes variants here."""
    control_share: float
    """Share of the units in the control."""
    treatment_share: float
    """Share of the units in the treatment."""
    method: str | None
    """Tested estimator; ``cuped`` where that one decides in the results. None without any test."""
    simulations: int
    units: int
    rate: float | None
    """Share of the tests with a p-value below the experiment's alpha, not corrected; None without any test."""
    expected: float
    error: float | None
    """Standard error of the rate of a valid test."""

    @property
    def is_sound(self) -> bool | None:
        """Whether the rate is no higher than chance allows; None without a rate."""
        if self.rate is None or self.error is None:
            return None
        return self.rate <= self.expected + 3 * self.error


def false_positives(
    connection: Connection,
    experiment: ExperimentDefinition,
    *,
    rng: Generator,
    simulations: int,
    on_progress: Callable[[int], None] = lambda _: None,
    units: str = UNITS,
) -> list[FalsePositives]:
    """Split the units into variants at random, by the experiment's own weights, and test as the analysis does.

    Treatments of the same weight are equivalent here, so one of each weight is tested.

    Args:
        connection: to a warehouse with the units.
        experiment: the experiment.
        rng: source of the random splits.
        simulations: number of A/A tests per metric.
        on_progress: called with the number of completed A/A tests.
        units: table of the units.

    Returns:
        One result per metric and weight; empty with fewer than two units.
    """
    metrics = [METRICS[name] for name in experiment.metrics if METRICS[name].kind is not Kind.QUANTILE]
    metrics = [capped_metric(metric, experiment) for metric in metrics]
    columns = _columns(connection, experiment, summed_columns(metrics, experiment), units) if metrics else {}
    count = len(next(iter(columns.values()))) if columns else 0
    if count < 2:
        return []
    treatments = _treatments_by_weight(experiment)
    tallies = {(metric.name, name): _Tally() for metric in metrics for name in treatments}
    ranges = _draw_ranges(experiment, treatments)
    splits = _random_splits(columns, summed_products(metrics, list(columns)), ranges, rng, simulations)
    for completed, split in enumerate(splits, start=1):
        on_progress(completed)
        for metric in metrics:
            for name in treatments:
                estimate = _estimate(metric, experiment, split, name)
                tallies[metric.name, name].add(estimate, experiment.alpha)
    shares = _shares(experiment)
    return [
        FalsePositives(
            metric=metric,
            variants=treatments[name],
            control_share=shares[experiment.control],
            treatment_share=shares[name],
            simulations=simulations,
            units=count,
            **tally.to_dict(experiment.alpha),
        )
        for (metric, name), tally in tallies.items()
    ]


class _Tally:
    """Running count of the tests of one metric and treatment."""

    def __init__(self) -> None:
        self.hits = 0
        self.methods: Counter[str] = Counter()

    def add(self, estimate: Estimate, alpha: float) -> None:
        if estimate.pvalue is not None:
            self.hits += estimate.pvalue < alpha
            self.methods[estimate.method] += 1

    def to_dict(self, alpha: float) -> dict[str, Any]:
        tests = self.methods.total()
        return {
            "method": self.methods.most_common(1)[0][0] if tests else None,
            "rate": self.hits / tests if tests else None,
            "expected": alpha,
            "error": math.sqrt(alpha * (1 - alpha) / tests) if tests else None,
        }


def _estimate(metric: Metric, experiment: ExperimentDefinition, split: Split, variant: str) -> Estimate:
    """Return the estimate that decides in the results: adjusted by CUPED where it can be, else the plain one."""
    control, treatment = split[experiment.control], split[variant]
    other_variants = [sums for name, sums in split.items() if name not in (experiment.control, variant)]
    level = 1 - experiment.alpha
    adjusted = adjust_metric(metric, control, treatment, other_variants=other_variants, level=level)
    return adjusted or compare_metric(metric, control, treatment, level=level)


def _shares(experiment: ExperimentDefinition) -> dict[str, float]:
    weights = expected_weights(experiment)
    return {name: weight / sum(weights) for name, weight in zip(experiment.variants, weights, strict=True)}


def _treatments_by_weight(experiment: ExperimentDefinition) -> dict[str, tuple[str, ...]]:
    """Return one treatment of each weight, with all treatments of that weight."""
    by_weight: dict[float, list[str]] = {}
    weights = zip(experiment.variants, expected_weights(experiment), strict=True)
    for name, weight in list(weights)[1:]:
        by_weight.setdefault(weight, []).append(name)
    return {names[0]: tuple(names) for names in by_weight.values()}


def _draw_ranges(
    experiment: ExperimentDefinition, treatments: Iterable[str]
) -> dict[str, tuple[float, float]]:
    """Return the range between 0 and 1 in which a random number means the control, and each treatment."""
    tested = {experiment.control, *treatments}
    ranges, cumulative_share = {}, 0.0
    for name, share in _shares(experiment).items():
        if name in tested:
            ranges[name] = (cumulative_share, cumulative_share + share)
        cumulative_share += share
    return ranges


def _columns(
    connection: Connection,
    experiment: ExperimentDefinition,
    names: Sequence[str],
    units: str,
) -> dict[str, NDArray[np.float64]]:
    """Return the metrics' columns with one value per unit, capped as in the analysis."""
    expressions = ", ".join(
        f"coalesce(cast({quote_name(name.removeprefix(CAPPED))} as double), 0) as {quote_name(name)}"
        for name in names
    )
    # ordered by a hash, so that the sample is random and yet the same on every run
    values = connection.execute(
        f"select {expressions} from {units} where experiment = {quote_text(experiment.name)} "
        f"and variant_count = 1 order by hash(unit_id) limit {MAX_UNITS}"
    ).fetchnumpy()
    caps = read_caps(connection, experiment, names, units)
    return {name: np.minimum(values[name], caps.get(name, math.inf)) for name in names}


def _random_splits(
    columns: dict[str, NDArray[np.float64]],
    pairs: Sequence[tuple[str, str]],
    ranges: dict[str, tuple[float, float]],
    rng: Generator,
    simulations: int,
) -> Iterator[Split]:
    """Yield the sums of each tested variant, once per simulation."""
    names = tuple(columns)
    stacked = np.vstack([*columns.values(), *(columns[left] * columns[right] for left, right in pairs)])
    totals = stacked.sum(axis=1)
    count = stacked.shape[1]
    for start in range(0, simulations, BATCH_SIZE):
        draws = rng.random((count, min(BATCH_SIZE, simulations - start)))
        members = [((low <= draws) & (draws < high)).astype(np.float64) for low, high in ranges.values()]
        sizes = [variant.sum(axis=0) for variant in members]
        sums = [stacked @ variant for variant in members]
        for index in range(draws.shape[1]):
            split = {
                name: _split_moments(names, pairs, int(size[index]), variant[:, index])
                for name, size, variant in zip(ranges, sizes, sums, strict=True)
            }
            remaining = count - sum(variant.count for variant in split.values())
            if remaining:
                remaining_sums = totals - sum(variant[:, index] for variant in sums)
                split[""] = _split_moments(names, pairs, remaining, remaining_sums)
            yield split


def _split_moments(
    names: tuple[str, ...], pairs: Sequence[tuple[str, str]], count: int, sums: NDArray[np.float64]
) -> Moments:
    return Moments.from_sums(
        count,
        dict(zip(names, sums.tolist(), strict=False)),
        dict(zip(pairs, sums[len(names) :].tolist(), strict=True)),
    )
