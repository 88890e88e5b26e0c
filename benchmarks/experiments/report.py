"""The report of the read-outs' benchmark: every figure in it comes from the measurement."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.experiments.sides import THREADS
from benchmarks.experiments.units import EXPERIMENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.experiments.measurements import Agreement, Run

BAR_SECONDS = 5.0
TITLES = {
    "whole": "ours: metrics, segments and the effect by day",
    "metrics": "ours: metrics",
    "tea": "tea-tasting alone, through Ibis",
    "pandas": "rows of users in pandas, tests by scipy",
}
BASE = "metrics"


def report(
    runs: Mapping[str, list[Run]],
    agreements: Mapping[str, Agreement],
    *,
    users: int,
    scans: Mapping[str, int],
    file_bytes: int,
) -> str:
    """The whole report as Markdown.

    Args:
        runs: of each side.
        agreements: of each side with ours.
        users: how many were read.
        scans: of our read-out, for additive metrics and for all.
        file_bytes: size of the database.
    """
    parts = [
        _head(runs, users, file_bytes),
        _times(runs),
        _bars(runs, scans),
        _figures(agreements),
        _limits(scans),
    ]
    return "\n\n".join(parts) + "\n"


def _head(runs: Mapping[str, list[Run]], users: int, file_bytes: int) -> str:
    names = ("pandas", "scipy", "tea-tasting", "ibis-framework")
    return (
        "# Benchmark: reading an experiment\n\n"
        f"Written by `python -m benchmarks.experiments` on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores, "
        f"{platform.machine()}, Python {platform.python_version()}, DuckDB {version('duckdb')} with {THREADS} threads, "
        f"{', '.join(f'{name} {version(name)}' for name in names)}. {users:,} users in {len(EXPERIMENT.variants)} variants, "
        f"{len(EXPERIMENT.metrics)} metrics, in one DuckDB file of {file_bytes / 1e6:,.0f} MB with the columns of "
        f"`fct_experiment_units`. Each run is a process of its own, {len(runs[BASE])} of each side, in turn; figures are "
        "medians, and the shortest and the longest in brackets. Work is connecting, reading and computing, without starting "
        "Python and importing. Ratios hold on any machine; seconds do not."
    )


def _times(runs: Mapping[str, list[Run]]) -> str:
    base = median(one.seconds for one in runs[BASE])
    lines = [
        "| side | work, seconds | against ours | whole process, seconds | CPU seconds | peak memory |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, title in TITLES.items():
        work = [one.seconds for one in runs[name]]
        whole = median(one.process.seconds for one in runs[name])
        cpu = median(one.process.cpu_seconds for one in runs[name])
        peak = median(one.process.peak_bytes for one in runs[name])
        lines.append(
            f"| {title} | {median(work):.2f} ({min(work):.2f} to {max(work):.2f}) | {median(work) / base:.2f} times "
            f"| {whole:.2f} | {cpu:.2f} | {peak / (1 << 30):.2f} GiB |"
        )
    return "\n".join(lines)


def _bars(runs: Mapping[str, list[Run]], scans: Mapping[str, int]) -> str:
    seconds = median(one.process.seconds for one in runs["whole"])
    claims = [
        (
            "the whole read-out, starting Python included",
            f"{seconds:.2f} s",
            f"under {BAR_SECONDS:g} s",
            seconds < BAR_SECONDS,
        ),
        (
            "scans of the units, all metrics but the quantile",
            str(scans["additive"]),
            "one",
            scans["additive"] == 1,
        ),
    ]
    lines = ["| what | measured | bar | met |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {what} | {value} | {bar} | {'yes' if met else '**no**'} |" for what, value, bar, met in claims
    ]
    return "\n".join(lines)


def _figures(agreements: Mapping[str, Agreement]) -> str:
    lines = [
        "## The same figures",
        "",
        (
            "Values of both sides, absolute change, its interval and p-value of each metric and variant, plain and adjusted "
            "by the weeks before (CUPED); a difference in the first six digits ends the benchmark without a report."
        ),
        "",
        "| side | figures compared with ours | farthest apart | by |",
        "| --- | ---: | --- | ---: |",
    ]
    for name in ("tea", "pandas"):
        found = agreements[name]
        lines.append(f"| {TITLES[name]} | {found.figures} | {found.farthest} | {found.difference:.0e} |")
    return "\n".join(lines)


def _limits(scans: Mapping[str, int]) -> str:
    return (
        "## What to keep in mind\n\n"
        f"- The median time to purchase is no sum. It takes {scans['all'] - scans['additive']} further scans, each of two or three "
        "columns and of the users who bought; tea-tasting has no closed form for it and leaves it out here, which saves it that.\n"
        "- tea-tasting computes plain and adjusted effects from one query of aggregates, as we do. It tests shares by Welch's "
        "test, and takes CUPED's slope from two variants instead of all; where methods differ, only what must be equal is "
        "compared. What we add (every look, chance to win, correction, segments, trend, verdict) it does not compute.\n"
        "- Rows in pandas come from the same file, needed columns only, as doubles, and the query is DuckDB's; their memory "
        "grows with the users, that of aggregates does not.\n"
        "- Segments and the effect by day group the same scan by five further columns; what they cost is the difference of "
        "the first two rows."
    )
