"""How often each metric's test finds something where there is nothing to find."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.assignment import expected_weights
from shopwright.core.sql import quote_name, quote_text
from shopwright.experiments.aggregates import CAPPED, UNITS, columns_of, pairs_of, read_caps, summed
from shopwright.experiments.comparison import adjust_metric, compare_metric
from shopwright.experiments.statistics import Moments
from shopwright.metrics import METRICS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import duckdb
    from numpy.random import Generator
    from numpy.typing import NDArray

    from shopwright.experiments.statistics import Estimate
    from shopwright.metrics import Metric
    from shopwright.settings import ExperimentDefinition

MOST_UNITS = 200_000
"""Units that are dealt again; of more, this many are drawn."""
AT_ONCE = 8
"""Deals that are summed in one go: the units' values are then read once for all of them."""

Deal = dict[str, Moments]
"""Control and tested treatments, and the units of all other variants together under the empty name."""


@dataclass(frozen=True, slots=True)
class FalsePositives:
    """One metric over many A/A tests of one treatment against the control."""

    metric: str
    variants: tuple[str, ...]
    """The treatments that it speaks for: those of one weight, since only the weight tells variants apart here."""
    control_share: float
    """Share of the units that was dealt to the control."""
    treatment_share: float
    """Share that was dealt to the treatment."""
    method: str | None
    """Estimator that was tested; ``cuped`` where that one decides in the read-out. None where none could be made."""
    simulations: int
    units: int
    rate: float | None
    """Share of the tests that found something at the experiment's alpha, not corrected; None where none could be made."""
    expected: float
    error: float | None
    """Standard error of the rate if the test is right."""

    @property
    def is_sound(self) -> bool | None:
        """Whether the rate is not above what chance allows; None without a rate."""
        if self.rate is None or self.error is None:
            return None
        return self.rate <= self.expected + 3 * self.error


def false_positives(
    connection: duckdb.DuckDBPyConnection,
    experiment: ExperimentDefinition,
    *,
    rng: Generator,
    simulations: int,
    watch: Callable[[int], None] = lambda _: None,
    units: str = UNITS,
) -> list[FalsePositives]:
    """Deal the units to the variants at random, by the experiment's own weights, and test as the read-out does.

    Treatments of the same weight are the same here, so one of each weight is tested.
    """
    metrics = [METRICS[name] for name in experiment.metrics if METRICS[name].kind is not Kind.QUANTILE]
    metrics = [summed(metric, experiment) for metric in metrics]
    columns = _columns(connection, experiment, columns_of(metrics, experiment), units) if metrics else {}
    count = len(next(iter(columns.values()))) if columns else 0
    if count < 2:
        return []
    alike = _treatments_by_weight(experiment)
    found = {(metric.name, name): _Tally() for metric in metrics for name in alike}
    deals = _deals(columns, pairs_of(metrics, list(columns)), _places(experiment, alike), rng, simulations)
    for done, deal in enumerate(deals, start=1):
        watch(done)
        for metric in metrics:
            for name in alike:
                found[metric.name, name].add(_estimate(metric, experiment, deal, name), experiment.alpha)
    shares = _shares(experiment)
    return [
        FalsePositives(
            metric=metric,
            variants=alike[name],
            control_share=shares[experiment.control],
            treatment_share=shares[name],
            simulations=simulations,
            units=count,
            **tally.told(experiment.alpha),
        )
        for (metric, name), tally in found.items()
    ]


class _Tally:
    """Tests of one metric and treatment so far."""

    def __init__(self) -> None:
        self.hits = 0
        self.methods: Counter[str] = Counter()

    def add(self, estimate: Estimate, alpha: float) -> None:
        if estimate.pvalue is not None:
            self.hits += estimate.pvalue < alpha
            self.methods[estimate.method] += 1

    def told(self, alpha: float) -> dict[str, Any]:
        tried = self.methods.total()
        return {
            "method": self.methods.most_common(1)[0][0] if tried else None,
            "rate": self.hits / tried if tried else None,
            "expected": alpha,
            "error": math.sqrt(alpha * (1 - alpha) / tried) if tried else None,
        }


def _estimate(metric: Metric, experiment: ExperimentDefinition, deal: Deal, variant: str) -> Estimate:
    """The estimate that decides in the read-out: adjusted by CUPED where it can be, else the plain one."""
    control, treatment = deal[experiment.control], deal[variant]
    others = [part for name, part in deal.items() if name not in (experiment.control, variant)]
    level = 1 - experiment.alpha
    return adjust_metric(metric, control, treatment, others=others, level=level) or compare_metric(
        metric, control, treatment, level=level
    )


def _shares(experiment: ExperimentDefinition) -> dict[str, float]:
    weights = expected_weights(experiment)
    return {name: weight / sum(weights) for name, weight in zip(experiment.variants, weights, strict=True)}


def _treatments_by_weight(experiment: ExperimentDefinition) -> dict[str, tuple[str, ...]]:
    """One treatment of each weight, to all that have it."""
    alike: dict[float, list[str]] = {}
    weights = zip(experiment.variants, expected_weights(experiment), strict=True)
    for name, weight in list(weights)[1:]:
        alike.setdefault(weight, []).append(name)
    return {names[0]: tuple(names) for names in alike.values()}


def _places(experiment: ExperimentDefinition, treatments: Iterable[str]) -> dict[str, tuple[float, float]]:
    """Where between 0 and 1 a random number means the control, and each treatment."""
    shares, asked = _shares(experiment), {experiment.control, *treatments}
    places, reached = {}, 0.0
    for name, share in shares.items():
        if name in asked:
            places[name] = (reached, reached + share)
        reached += share
    return places


def _columns(
    connection: duckdb.DuckDBPyConnection,
    experiment: ExperimentDefinition,
    names: Sequence[str],
    units: str,
) -> dict[str, NDArray[np.float64]]:
    """What the metrics are made of, one value a unit, cut as the read-out cuts it."""
    asked = ", ".join(
        f"coalesce(cast({quote_name(name.removeprefix(CAPPED))} as double), 0) as {quote_name(name)}"
        for name in names
    )
    found = connection.execute(
        f"select {asked} from {units} where experiment = {quote_text(experiment.name)} "
        f"and variant_count = 1 order by hash(unit_id) limit {MOST_UNITS}"
    ).fetchnumpy()
    caps = read_caps(connection, experiment, names, units)
    return {name: np.minimum(found[name], caps.get(name, math.inf)) for name in names}


def _deals(
    columns: dict[str, NDArray[np.float64]],
    pairs: Sequence[tuple[str, str]],
    places: dict[str, tuple[float, float]],
    rng: Generator,
    simulations: int,
) -> Iterator[Deal]:
    """Moments of each variant asked for, once for each simulation."""
    names = tuple(columns)
    stacked = np.vstack([*columns.values(), *(columns[left] * columns[right] for left, right in pairs)])
    whole = stacked.sum(axis=1)
    count = stacked.shape[1]
    for start in range(0, simulations, AT_ONCE):
        drawn = rng.random((count, min(AT_ONCE, simulations - start)))
        chosen = [((low <= drawn) & (drawn < high)).astype(np.float64) for low, high in places.values()]
        sizes = [part.sum(axis=0) for part in chosen]
        sums = [stacked @ part for part in chosen]
        for place in range(drawn.shape[1]):
            deal = {
                name: _moments(names, pairs, int(size[place]), part[:, place])
                for name, size, part in zip(places, sizes, sums, strict=True)
            }
            rest = count - sum(part.count for part in deal.values())
            if rest:
                left = whole - sum(part[:, place] for part in sums)
                deal[""] = _moments(names, pairs, rest, left)
            yield deal


def _moments(
    names: tuple[str, ...], pairs: Sequence[tuple[str, str]], count: int, sums: NDArray[np.float64]
) -> Moments:
    return Moments.from_sums(
        count,
        dict(zip(names, sums.tolist(), strict=False)),
        dict(zip(pairs, sums[len(names) :].tolist(), strict=True)),
    )
