"""The report of the storage benchmark: every figure and every name in it comes from the measurement."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.storage.measurements import Answer, Scale, Side
    from benchmarks.storage.reading import Layout

CLAIMED_SAVING = 0.75
"""What is claimed of nested orders: this share of bytes less than from a star schema."""

SAME_WITHIN = 0.02
"""A smaller difference in bytes counts as none."""

KEYS = {("order_key",), ("order_id",)}
"""What a star schema joins by."""


def report(scales: list[Scale], *, warm_runs: int) -> str:
    """The whole report as Markdown; the last scale is the largest."""
    parts = [
        _head(scales, warm_runs),
        _verdict(scales),
        *(_tables(scale) for scale in scales),
        _agreement(scales),
        _limits(),
    ]
    return "\n\n".join(parts) + "\n"


def _head(scales: list[Scale], warm_runs: int) -> str:
    sizes = " and ".join(f"{scale.name} ({scale.order_count:,} orders)" for scale in scales)
    return "\n\n".join(
        [
            "# Benchmark: star tables against nested orders",
            (
                f"Written by `python -m benchmarks.storage` on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores, "
                f"{platform.machine()}, Python {platform.python_version()}, DuckDB {version('duckdb')} with two threads, "
                f"pyarrow {version('pyarrow')}. {sizes}; the data were taken from raw files to tested gold, and the "
                "larger shop repeats those rows with new ids of orders and customers. Parquet with zstd, "
                f"row groups of {scales[0].row_group_rows:,} rows, rows in the same order on both sides. Milliseconds are "
                f"medians of {warm_runs} warm runs, both sides in turn; megabytes are millions of bytes, footers included. "
                "Both sides gave equal answers to every question."
            ),
            (
                f"The claim: one row per order, with arrays of items, payments and sellers, reads {CLAIMED_SAVING:.0%} "
                "fewer bytes than a star schema."
            ),
        ]
    )


def _verdict(scales: list[Scale]) -> str:
    largest = scales[-1]
    star_joins = sum(answer.star.profile.joins for answer in largest.answers)
    nested_joins = sum(answer.nested.profile.joins for answer in largest.answers)
    lines = [
        "## Verdict",
        "",
        (
            f"- **Fewer joins: {'true' if nested_joins < star_joins else 'not true'}.** The plans of all questions "
            f"hold {star_joins} joins on the star tables and {nested_joins} on nested orders."
        ),
    ]
    for scale in scales:
        lines += _claims(scale)
    return "\n".join([*lines, *_reasons(largest), _advice(largest)])


def _claims(scale: Scale) -> list[str]:
    return [
        _claim(f"{scale.name}, as DuckDB reads", scale.answers, lambda side: side.read_bytes),
        _claim(
            f"{scale.name}, for an engine that reads single fields of an array",
            scale.answers,
            lambda side: side.needed_leaf_bytes,
        ),
    ]


def _claim(what: str, answers: list[Answer], bytes_of: Callable[[Side], int]) -> str:
    saved = {answer.question.name: 1 - bytes_of(answer.nested) / bytes_of(answer.star) for answer in answers}
    much = [name for name, share in saved.items() if share >= CLAIMED_SAVING]
    some = [name for name, share in saved.items() if SAME_WITHIN < share < CLAIMED_SAVING]
    more = [name for name, share in saved.items() if share < -SAME_WITHIN]
    same = [name for name, share in saved.items() if abs(share) <= SAME_WITHIN]
    total = _against(_sum(answers, "nested", bytes_of), _sum(answers, "star", bytes_of))
    return (
        f"- **{what}**: the claim holds for {len(much)} of {len(answers)} questions{_listed(much)}. "
        f"{len(some)} save less{_listed(some)}, {len(same)} read the same{_listed(same)}, "
        f"{len(more)} read more{_listed(more)}. All questions together: {total}."
    )


def _reasons(scale: Scale) -> list[str]:
    joined = [answer for answer in scale.answers if answer.star.profile.joins]
    star = sum(
        table.bytes_of({leaf: list(table.chunks[leaf]) for leaf in table.chunks})
        for table in scale.star.tables
    )
    keys = sum(
        sum(groups.values())
        for table in scale.star.tables
        for leaf, groups in table.chunks.items()
        if leaf in KEYS
    )
    whole = sum(answer.nested.needed_bytes for answer in scale.answers)
    leaves = sum(answer.nested.needed_leaf_bytes for answer in scale.answers)
    faster = [
        answer.question.name for answer in scale.answers if answer.nested.seconds < 0.9 * answer.star.seconds
    ]
    slower = [
        answer.question.name for answer in scale.answers if answer.nested.seconds > 1.1 * answer.star.seconds
    ]
    return [
        (
            f"- **Where nesting saves, it saves keys.** Ids that are random text hardly compress; the keys of orders are "
            f"{keys / star:.0%} of the star's bytes, and each of the {len(joined)} questions with a join reads them on "
            "both sides of it. A shop with short ascending ids would save less."
        ),
        (
            "- **Questions about whole orders read the same columns from either side**, so nothing can be saved; and "
            "what the star holds ready for the order (its number of lines) is read from an array when nested."
        ),
        (
            f"- **DuckDB reads an array whole**, all its fields, as soon as a query names one: {_mb(whole)} MB for all "
            f"questions instead of {_mb(leaves)} MB."
        ),
        (
            f"- **Time** (differences under a tenth left out): nested is faster in {len(faster)} questions"
            f"{_listed(faster)}, slower in {len(slower)}{_listed(slower)}."
        ),
    ]


def _advice(scale: Scale) -> str:
    star, nested = (sum(len(table.chunks) for table in side.tables) for side in (scale.star, scale.nested))
    return (
        f"- **Nested orders do not replace the star**: their {_mb(scale.nested.file_bytes)} MB hold {nested} of the "
        f"columns for which the star's {star} take {_mb(scale.star.file_bytes)} MB. They are a second copy, worth having "
        "for the questions named above as saving, and for readers that want an order in one piece."
    )


def _tables(scale: Scale) -> str:
    rows = [_row(answer.question.name, [answer]) for answer in scale.answers]
    return "\n".join(
        [
            f"## {scale.name}: {scale.order_count:,} orders",
            "",
            (
                "| question | joins, star | joins, nested | star MB | nested MB | against star | nested MB, needed fields "
                "only | against star | star ms | nested ms | against star |"
            ),
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
            *rows,
            _row("**all**", scale.answers),
            "",
            "| file | rows | columns | MB |",
            "| --- | ---: | ---: | ---: |",
            *_files("star", scale.star),
            *_files("nested", scale.nested),
        ]
    )


def _row(name: str, answers: list[Answer]) -> str:
    star, nested = (_sum(answers, side, lambda found: found.read_bytes) for side in ("star", "nested"))
    leaves = _sum(answers, "nested", lambda found: found.read_leaf_bytes)
    star_ms, nested_ms = (
        1000 * sum(getattr(answer, side).seconds for answer in answers) for side in ("star", "nested")
    )
    joins = (sum(getattr(answer, side).profile.joins for answer in answers) for side in ("star", "nested"))
    cells = [
        name,
        *map(str, joins),
        _mb(star),
        _mb(nested),
        _against(nested, star),
        _mb(leaves),
        _against(leaves, star),
        f"{star_ms:.0f}",
        f"{nested_ms:.0f}",
        _against(nested_ms, star_ms),
    ]
    return f"| {' | '.join(cells)} |"


def _files(side: str, layout: Layout) -> Iterable[str]:
    for table in layout.tables:
        (rows,) = layout.warm.execute(f"select count(*) from {table.name}").fetchone() or (0,)
        yield f"| {side}: `{table.name}` | {rows:,} | {len(table.chunks)} | {_mb(table.file_bytes)} |"
    if len(layout.tables) > 1:
        columns = sum(len(table.chunks) for table in layout.tables)
        yield f"| {side}, together | | {columns} | {_mb(layout.file_bytes)} |"


def _agreement(scales: list[Scale]) -> str:
    lines = [
        "## Two counts of the same bytes",
        "",
        (
            "*Counted* is what a query must read by the files' own accounts: the chunks (`total_compressed_size`) of the "
            "columns without which it does not bind, in the row groups it cannot skip, and the footers. For one order "
            "that is the column it is found by in every row group, and the other columns in the row groups that hold it. "
            "*Read* is what DuckDB's log of its file system shows for the query, with its cache of files off; and for "
            "single fields of arrays what pyarrow takes from a file that counts, since DuckDB reads arrays whole."
        ),
        "",
        "| scale | side | counted MB | read MB | read against counted | farthest apart |",
        "| --- | --- | ---: | ---: | ---: | --- |",
    ]
    for scale in scales:
        lines += [
            _agreed(scale, side, "DuckDB", lambda found: (found.needed_bytes, found.read_bytes))
            for side in ("star", "nested")
        ]
        lines.append(
            _agreed(
                scale, "nested", "pyarrow", lambda found: (found.needed_leaf_bytes, found.read_leaf_bytes)
            )
        )
    return "\n".join([*lines, "", _profiled(scales)])


def _agreed(scale: Scale, side: str, engine: str, counts: Callable[[Side], tuple[int, int]]) -> str:
    pairs = {answer.question.name: counts(getattr(answer, side)) for answer in scale.answers}
    counted, read = (sum(pair[number] for pair in pairs.values()) for number in (0, 1))
    name = max(pairs, key=lambda question: abs(pairs[question][1] / pairs[question][0] - 1))
    farthest = f"{name}: {_against(pairs[name][1], pairs[name][0])}"
    cells = [scale.name, f"{side}, {engine}", _mb(counted), _mb(read), _against(read, counted), farthest]
    return f"| {' | '.join(cells)} |"


def _profiled(scales: list[Scale]) -> str:
    sides = [side for scale in scales for answer in scale.answers for side in (answer.star, answer.nested)]
    share = sum(side.profile.bytes_read for side in sides) / sum(side.read_bytes for side in sides)
    return (
        f"The counter `total_bytes_read` of DuckDB's profile shows {share:.1%} of what its file system read from these "
        "local files, so the profile gives the number of joins here and the log gives the bytes."
    )


def _limits() -> str:
    return (
        "## What to keep in mind\n\n"
        "- The star is the one this project builds: its lines carry the order's date and category, its orders their "
        "review score and totals. A star with narrower tables would join more often and look worse.\n"
        "- Copies of the shop follow one another in the files, each in order of time, so that columns take as many times "
        "the bytes as there are copies; side by side, equal amounts and times would compress to almost nothing.\n"
        "- Ids are random, so no row group can be skipped by them; a file sorted by id finds one order in one row group "
        "on either side.\n"
        "- Bytes depend on the files and the engine only. Milliseconds depend on the machine; compare them side by side. Questions about whole orders "
        "run the same query on the same columns on both sides: how far their times lie apart is the noise of the measurement."
    )


def _sum(answers: list[Answer], side: str, bytes_of: Callable[[Side], int]) -> int:
    return sum(bytes_of(getattr(answer, side)) for answer in answers)


def _listed(names: list[str]) -> str:
    return f" ({'; '.join(names)})" if names else ""


def _mb(count: int) -> str:
    return f"{count / 1e6:,.2f}"


def _against(value: float, base: float) -> str:
    text = f"{value / base - 1:+.0%}"
    return "0%" if text in {"+0%", "-0%"} else text
