"""Whether the variants got the units that their weights promise: as a whole, in each part, and from the first day to the last."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date  # noqa: TC003  # a field's type
from typing import TYPE_CHECKING

import numpy as np

from shopwright.assignment import expected_weights
from shopwright.core.sql import quote_name, quote_text
from shopwright.experiments.aggregates import COHORT, DIMENSIONS, UNITS, text_of
from shopwright.experiments.statistics import chi_square_independence, sample_ratio
from shopwright.experiments.statistics.sample_ratio import THRESHOLD

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

    from shopwright.experiments.statistics import SampleRatio
    from shopwright.settings import ExperimentDefinition

STAGE = (
    "case when has_purchase then 'bought' when has_checkout then 'began a checkout' "
    "when has_cart then 'put into the cart' when has_view then 'viewed' else 'did nothing' end"
)
SMALLEST_EXPECTED = 5
"""Units that each variant should have in a stretch of days for the chi-square distribution to hold (Cochran 1954)."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A part of the units whose sample ratio is off."""

    dimension: str
    value: str
    ratio: SampleRatio
    """Its threshold is divided by the number of values that the dimension has."""
    rest: SampleRatio
    """The split of all other units."""

    @property
    def explains_all(self) -> bool:
        """Whether there are other units, and their split is right."""
        return self.ratio.is_mismatch and self.rest.pvalue is not None and not self.rest.is_mismatch


@dataclass(frozen=True, slots=True)
class SplitOverTime:
    """Whether units of all days were split in the same way; whatever the weights."""

    pvalue: float | None
    """Corrected for all that was tried; None where there is no test."""
    changed_from: date | None
    """Day from which the split is another; None where it is not, or where single days stand out and no stretch."""
    before: tuple[int, ...]
    """Units of each variant that came in before that day; all where there is none."""
    after: tuple[int, ...]
    """Units that came in from that day on."""
    stands_out: date | None
    """First day of the stretch whose split is furthest from that of all days."""
    reason: str | None = None
    """Why there is no test."""

    @property
    def is_changed(self) -> bool:
        """Whether chance does not explain the difference between days; False where there is no test."""
        return self.pvalue is not None and self.pvalue < THRESHOLD


def trace_sample_ratio(
    connection: duckdb.DuckDBPyConnection, experiment: ExperimentDefinition, *, units: str = UNITS
) -> tuple[SampleRatio, tuple[Suspect, ...]]:
    """The sample ratio, and if it is off, the parts of the units where it is, the most telling first.

    A part explains the mismatch where the other units' split is right. Parts are the values of each dimension, the days
    on which units came in, and how far units came; since a real effect moves units from one stage to the next, parts are
    looked at only where the whole is off. Where a variant has no units at all, no part can tell why.
    """
    counts = _counts(connection, experiment, units)
    whole = _ratio(experiment, counts.pop(("", ""), {}))
    if not whole.is_mismatch or not all(whole.observed):
        return whole, ()
    values = [dimension for dimension, _ in counts]
    suspects = [
        Suspect(
            dimension,
            value,
            _ratio(experiment, found, many=values.count(dimension)),
            _ratio(experiment, _without(whole, found, experiment)),
        )
        for (dimension, value), found in counts.items()
    ]
    telling = [suspect for suspect in suspects if suspect.ratio.is_mismatch]
    telling.sort(key=lambda suspect: (not suspect.explains_all, -(suspect.ratio.statistic or 0)))
    return whole, tuple(telling)


def split_over_time(
    connection: duckdb.DuckDBPyConnection, experiment: ExperimentDefinition, *, units: str = UNITS
) -> SplitOverTime:
    """Test whether the split is the same on all days on which units came in.

    More traffic adds units to all variants alike and changes no split. Other weights do, and then each variant has its own
    mix of early and late units, so that a difference between the two passes for an effect (Simpson's paradox).

    Two tests, both corrected by Bonferroni: whether any stretch of days differs (chi-square of homogeneity, days joined
    until each variant may expect five units), and whether there is a day from which the split is another (the largest
    chi-square of the units before and after a day, over all days).

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
    begins, joined = _join_days(days, table)
    whole = tuple(int(count) for count in table.sum(axis=1))
    nothing = SplitOverTime(None, None, whole, (0,) * len(names), None)
    if len(begins) < 2 or not all(whole):
        return replace(nothing, reason="too few units on separate days, or a variant without units")
    return _tested(nothing, begins, joined)


def _tested(nothing: SplitOverTime, begins: list[date], table: NDArray[np.float64]) -> SplitOverTime:
    """The verdict on a table of variants by stretches of days, each variant having units."""
    everything = chi_square_independence(table)
    expected = np.array(everything.expected)
    furthest = int(((table - expected) ** 2 / expected).sum(axis=0).argmax())
    sides = [
        np.column_stack([table[:, :place].sum(axis=1), table[:, place:].sum(axis=1)])
        for place in range(1, len(begins))
    ]
    tests = [chi_square_independence(side) for side in sides]
    best = max(range(len(tests)), key=lambda place: tests[place].statistic or 0.0)
    turning = 2 * len(tests) * (tests[best].pvalue or 0.0)
    found = replace(
        nothing,
        pvalue=min(1.0, turning, 2 * (everything.pvalue or 0.0)),
        stands_out=begins[furthest],
    )
    if turning >= THRESHOLD:
        return found
    before, after = (tuple(int(count) for count in side) for side in sides[best].T)
    return replace(found, changed_from=begins[best + 1], before=before, after=after)


def _join_days(days: list[date], table: NDArray[np.float64]) -> tuple[list[date], NDArray[np.float64]]:
    """Stretches of days, by the first of each, in which each variant may expect units enough; and their units."""
    whole = table.sum()
    smallest = table.sum(axis=1).min() / whole if whole else 0.0
    begins: list[date] = []
    stretches: list[NDArray[np.float64]] = []
    is_full = True
    for day, column in zip(days, table.T, strict=True):
        if is_full:
            begins.append(day)
            stretches.append(column)
        else:
            stretches[-1] = stretches[-1] + column
        is_full = stretches[-1].sum() * smallest >= SMALLEST_EXPECTED
    if len(begins) > 1 and not is_full:
        begins.pop()
        last = stretches.pop()
        stretches[-1] = stretches[-1] + last
    return begins, np.array(stretches).T


def _counts(
    connection: duckdb.DuckDBPyConnection, experiment: ExperimentDefinition, units: str
) -> dict[tuple[str, str], dict[str, int]]:
    """Units of each variant by dimension and value; both empty for all units. One scan."""
    parts = {**{name: text_of(name) for name in (*DIMENSIONS, COHORT)}, "stage": STAGE}
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
    return counts


def _ratio(experiment: ExperimentDefinition, counts: dict[str, int], *, many: int = 1) -> SampleRatio:
    """The sample ratio of one of so many parts."""
    seen = [counts.get(name, 0) for name in experiment.variants]
    return sample_ratio(seen, weights=expected_weights(experiment), threshold=THRESHOLD / many)


def _without(whole: SampleRatio, part: dict[str, int], experiment: ExperimentDefinition) -> dict[str, int]:
    return {
        name: seen - part.get(name, 0) for name, seen in zip(experiment.variants, whole.observed, strict=True)
    }
