"""Sample ratio checks: overall, within groups of units, and over time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date  # noqa: TC003  # a field's type
from typing import TYPE_CHECKING

import numpy as np

from shopwright.assignment import expected_weights
from shopwright.core.sql import quote_name, quote_text
from shopwright.experiments.aggregates import COHORT, DIMENSIONS, UNITS, dimension_sql
from shopwright.experiments.statistics import chi_square_independence, sample_ratio
from shopwright.experiments.statistics.sample_ratio import THRESHOLD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shopwright.core.engine import Connection
    from shopwright.experiments.statistics import SampleRatio
    from shopwright.settings import ExperimentDefinition

STAGE = (
    "case when has_purchase then 'purchased' when has_checkout then 'began checkout' "
    "when has_cart then 'added to cart' when has_view then 'viewed a product' else 'did nothing' end"
)
MIN_EXPECTED = 5
"""Expected units of each variant in a period for the chi-square distribution to hold (Cochran 1954)."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """Group of units whose sample ratio is off."""

    dimension: str
    value: str
    ratio: SampleRatio
    """Its threshold is divided by the number of values of the dimension (Bonferroni)."""
    remainder: SampleRatio
    """Sample ratio of all other units."""

    @property
    def explains_all(self) -> bool:
        """Whether there are other units, and their split is as planned."""
        return self.ratio.is_mismatch and self.remainder.pvalue is not None and not self.remainder.is_mismatch


@dataclass(frozen=True, slots=True)
class SplitOverTime:
    """Test of whether the split is the same on all days, whatever the weights."""

    pvalue: float | None
    """Corrected for the number of tests; None without a test."""
    changed_from: date | None
    """Day from which the split differs; None where it does not, or where only single days stand out."""
    before: tuple[int, ...]
    """Units of each variant exposed before that day; all units without such a day."""
    after: tuple[int, ...]
    """Units of each variant exposed from that day on."""
    stands_out: date | None
    """First day of the period whose split is furthest from that of all days."""
    reason: str | None = None
    """Why there is no test."""

    @property
    def is_changed(self) -> bool:
        """Whether chance does not explain the difference between days; False where there is no test."""
        return self.pvalue is not None and self.pvalue < THRESHOLD


def trace_sample_ratio(
    connection: Connection, experiment: ExperimentDefinition, *, units: str = UNITS
) -> tuple[SampleRatio, tuple[Suspect, ...]]:
    """Test the sample ratio and, if it is off, find the groups of units that explain it.

    A group explains the mismatch where the split of all other units is as planned. Groups are the values of each dimension,
    the days of exposure, and the funnel stages that units reached; since a real effect moves units between stages, groups
    are tested only where the overall ratio is off. Where a variant has no units at all, no group can explain that.

    Returns:
        The overall sample ratio, and the groups that are off, the clearest first.
    """
    counts = _read_counts(connection, experiment, units)
    overall = _sample_ratio(experiment, counts.pop(("", ""), {}))
    if not overall.is_mismatch or not all(overall.observed):
        return overall, ()
    dimensions = [dimension for dimension, _ in counts]
    suspects = [
        Suspect(
            dimension,
            value,
            _sample_ratio(experiment, group, tests=dimensions.count(dimension)),
            _sample_ratio(experiment, _without(overall, group, experiment)),
        )
        for (dimension, value), group in counts.items()
    ]
    mismatches = [suspect for suspect in suspects if suspect.ratio.is_mismatch]
    mismatches.sort(key=lambda suspect: (not suspect.explains_all, -(suspect.ratio.statistic or 0)))
    return overall, tuple(mismatches)


def split_over_time(
    connection: Connection, experiment: ExperimentDefinition, *, units: str = UNITS
) -> SplitOverTime:
    """Test whether the split is the same on all days of exposure.

    More traffic adds units to all variants alike and changes no split. New weights do, and then each variant has its own
    mix of early and late units, so that a difference between those looks like an effect (Simpson's paradox).

    Two tests, both corrected by Bonferroni: whether any period differs (chi-square test of homogeneity, days merged until
    each variant may expect five units), and whether there is a day from which the split differs (the largest chi-square of
    the units before and after a day, over all days).

    Source: R. Kohavi, D. Tang, Y. Xu, "Trustworthy Online Controlled Experiments" (2020), chapter 3, on Simpson's paradox.
    """
    rows = connection.execute(
        f"select {COHORT}, variant, count(*) from {units} where experiment = {quote_text(experiment.name)} "
        f"and variant_count = 1 group by all order by {COHORT}"
    ).fetchall()
    days = list(dict.fromkeys(day for day, _, _ in rows))
    table = np.zeros((len(experiment.variants), len(days)))
    names = list(experiment.variants)
    for day, variant, count in rows:
        table[names.index(variant), days.index(day)] += count
    starts, periods = _merge_days(days, table)
    totals = tuple(int(count) for count in table.sum(axis=1))
    untested = SplitOverTime(None, None, totals, (0,) * len(names), None)
    if len(starts) < 2 or not all(totals):
        return replace(untested, reason="too few units on separate days, or a variant without units")
    return _test_periods(untested, starts, periods)


def _test_periods(untested: SplitOverTime, starts: list[date], table: NDArray[np.float64]) -> SplitOverTime:
    """Test a table of variants by periods, in which each variant has units."""
    homogeneity = chi_square_independence(table)
    expected = np.array(homogeneity.expected)
    furthest = int(((table - expected) ** 2 / expected).sum(axis=0).argmax())
    before_and_after = [
        np.column_stack([table[:, :index].sum(axis=1), table[:, index:].sum(axis=1)])
        for index in range(1, len(starts))
    ]
    tests = [chi_square_independence(sides) for sides in before_and_after]
    best = max(range(len(tests)), key=lambda index: tests[index].statistic or 0.0)
    change_pvalue = 2 * len(tests) * (tests[best].pvalue or 0.0)
    result = replace(
        untested,
        pvalue=min(1.0, change_pvalue, 2 * (homogeneity.pvalue or 0.0)),
        stands_out=starts[furthest],
    )
    if change_pvalue >= THRESHOLD:
        return result
    before, after = (tuple(int(count) for count in side) for side in before_and_after[best].T)
    return replace(result, changed_from=starts[best + 1], before=before, after=after)


def _merge_days(days: list[date], table: NDArray[np.float64]) -> tuple[list[date], NDArray[np.float64]]:
    """Merge days into periods in which each variant may expect enough units; return their first days and units."""
    total = table.sum()
    min_share = table.sum(axis=1).min() / total if total else 0.0
    starts: list[date] = []
    periods: list[NDArray[np.float64]] = []
    is_full = True
    for day, column in zip(days, table.T, strict=True):
        if is_full:
            starts.append(day)
            periods.append(column)
        else:
            periods[-1] = periods[-1] + column
        is_full = periods[-1].sum() * min_share >= MIN_EXPECTED
    if len(starts) > 1 and not is_full:
        starts.pop()
        last = periods.pop()
        periods[-1] = periods[-1] + last
    return starts, np.array(periods).T


def _read_counts(
    connection: Connection, experiment: ExperimentDefinition, units: str
) -> dict[tuple[str, str], dict[str, int]]:
    """Return the units of each variant by dimension and value, both empty for all units; in one scan."""
    dimensions = {**{name: dimension_sql(name) for name in (*DIMENSIONS, COHORT)}, "stage": STAGE}
    columns = ", ".join(f"{sql} as {quote_name(name)}" for name, sql in dimensions.items())
    sets = ", ".join(["(variant)", *(f"(variant, {quote_name(name)})" for name in dimensions)])
    ids = ", ".join(f"grouping({quote_name(name)})" for name in dimensions)
    rows = connection.execute(
        f"select variant, [{ids}], {', '.join(map(quote_name, dimensions))}, count(*) from "
        f"(select variant, {columns} from {units} where experiment = {quote_text(experiment.name)} "
        f"and variant_count = 1) group by grouping sets ({sets})"
    ).fetchall()
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for variant, merged, *values, count in rows:
        index = next((index for index, is_merged in enumerate(merged) if not is_merged), None)
        key = ("", "") if index is None else (list(dimensions)[index], values[index])
        counts.setdefault(key, {})[variant] = int(count)
    return counts


def _sample_ratio(experiment: ExperimentDefinition, counts: dict[str, int], *, tests: int = 1) -> SampleRatio:
    """Return the sample ratio of a group, with the threshold divided by the number of tests."""
    observed = [counts.get(name, 0) for name in experiment.variants]
    return sample_ratio(observed, weights=expected_weights(experiment), threshold=THRESHOLD / tests)


def _without(overall: SampleRatio, group: dict[str, int], experiment: ExperimentDefinition) -> dict[str, int]:
    return {
        name: observed - group.get(name, 0)
        for name, observed in zip(experiment.variants, overall.observed, strict=True)
    }
