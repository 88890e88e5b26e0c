"""Star tables against nested orders: bytes and time of each gold question, from Parquet files of one real shop.

``python -m benchmarks.storage [FOLDER]`` takes the nine Olist files through ``shopwright run``, writes its tables in both
layouts with the same compression, row groups and order of rows, once as they are and once ten times over, asks each
question of both, insists on equal answers, and writes ``benchmarks/storage.md``. The larger shop repeats the rows of
the tested tables with new ids of orders and customers in each copy; as no order knows of another, these are the rows that
so many copies of the raw files would give. Both sides of each ratio are measured in one run, in turn.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import duckdb

from benchmarks.measure import run
from benchmarks.storage.measurements import Answer, Scale, Side
from benchmarks.storage.questions import QUESTIONS, Question
from benchmarks.storage.reading import (
    Groups,
    Layout,
    bytes_of_leaves,
    bytes_read,
    needed_groups,
    needed_leaves,
    profile,
    read_table,
)
from benchmarks.storage.report import report
from shopwright.core.sql import quote_text

ROOT = Path(__file__).parents[2]
REAL_DATA = Path(os.environ.get("SHOPWRIGHT_REAL_DATA") or ROOT.parent / "shared" / "data")
SHOPWRIGHT = [sys.executable, "-m", "shopwright.cli.main"]
WARM_RUNS = 5

KEYS = ("order_key", "order_id", "customer_id")
"""Columns that get new values in each copy of the shop."""


@dataclass(frozen=True, slots=True)
class Export:
    """How one Parquet file is made from the warehouse."""

    name: str
    query: str
    keys: tuple[str, ...]
    """The columns among KEYS that it has."""
    order: str
    """Rows of each copy lie in this order: by time first, as they do where a day is added to the next."""


STAR = (
    Export("orders", "select * from gold.fct_orders", KEYS, "ordered_at, order_key"),
    Export("order_items", "select * from gold.fct_order_items", KEYS, "booked_at, order_key, line_number"),
    Export(
        "payments",
        """
        select payments.* exclude (properties, _batch_seq), orders.ordered_at
        from silver.stg_payments as payments
        left join gold.fct_orders as orders on payments.order_id = orders.order_id
        """,
        ("order_id",),
        "ordered_at, order_id, sequence",
    ),
)
NESTED = (Export("orders_nested", "select * from silver.int_orders_nested", KEYS, "ordered_at, order_key"),)


def main() -> None:
    """Prepare, measure, report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storage", description=__doc__)
    parser.add_argument(
        "folder", type=Path, nargs="?", default=REAL_DATA / "olist", help="the nine Olist files (%(default)s)"
    )
    parser.add_argument(
        "--times", type=int, default=10, help="size of the larger shop (default: %(default)s)"
    )
    parser.add_argument(
        "--row-group-rows",
        type=int,
        default=122_880,
        help="rows in a Parquet row group (default: %(default)s)",
    )
    parser.add_argument("--keep", action="store_true", help="use the shop built by an earlier run")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent.parent / "storage.md", help="report to write"
    )
    given = parser.parse_args()
    if not given.folder.is_dir():
        parser.error(f"{given.folder} is no folder; name the one that holds the nine Olist files")
    work = ROOT / ".bench" / "storage"
    warehouse = _build(given.folder, work, keep=given.keep)
    scales = [
        _measure(warehouse, work / str(times), times=times, row_group_rows=given.row_group_rows)
        for times in sorted({1, given.times})
    ]
    text = report(scales, warm_runs=WARM_RUNS)
    given.out.write_text(text, encoding="utf-8")
    print(text)


def _build(folder: Path, work: Path, *, keep: bool) -> Path:
    """A shop of this data, from raw files to tested gold; the path of its published warehouse."""
    shop = work / "shop"
    warehouse = shop / "published" / "warehouse.duckdb"
    if keep and warehouse.exists():
        return warehouse
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    start = [*SHOPWRIGHT, "init", str(shop), "--template", "olist", "--source-path", str(folder.resolve())]
    run("shopwright init", start, log=work / "log")
    run("shopwright run", [*SHOPWRIGHT, "run", "--project", str(shop)], log=work / "log")
    return warehouse


def _measure(warehouse: Path, work: Path, *, times: int, row_group_rows: int) -> Scale:
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    star, nested = (
        _export(warehouse, work, exports, times=times, row_group_rows=row_group_rows)
        for exports in (STAR, NESTED)
    )
    order_id = _rich_order(star)
    answers = []
    for question in QUESTIONS:
        print(f"  times {times}: {question.name}", file=sys.stderr)
        answers.append(_ask(question, star, nested, order_id, work / "profile.json"))
    (count,) = star.warm.execute("select count(*) from orders").fetchone() or (0,)
    name = "Olist" if times == 1 else f"{times} times Olist"
    return Scale(name, count, row_group_rows, star, nested, answers)


def _export(
    warehouse: Path, folder: Path, exports: tuple[Export, ...], *, times: int, row_group_rows: int
) -> Layout:
    tables = []
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute("set threads = 2")
        for export in exports:
            path = folder / f"{export.name}.parquet"
            connection.execute(
                f"copy ({_copies(export, times)}) to {quote_text(str(path))} "
                f"(format parquet, compression zstd, row_group_size {row_group_rows})"
            )
            tables.append(read_table(export.name, path))
    return Layout(tables)


def _copies(export: Export, times: int) -> str:
    """SQL of the table's rows so many times, with new keys of the same width in each copy but the first.

    One copy follows the other: twins side by side would compress to almost nothing and flatter every figure.
    """
    renamed = ", ".join(
        f"if(copy > 0, left(md5({key} || copy), length({key})), {key}) as {key}" for key in export.keys
    )
    return (
        f"select * exclude (copy) replace ({renamed}) "
        f"from ({export.query}) as facts cross join range({times}) as copies (copy) order by copy, {export.order}"
    )


def _rich_order(star: Layout) -> str:
    """The order with the most payments and lines, the least id among equals: worth a look in detail."""
    found = star.warm.execute(
        "select order_id from orders order by payment_count * line_count desc, order_id limit 1"
    ).fetchone()
    if found is None:
        raise SystemExit("the shop has no orders")
    return str(found[0])


def _ask(question: Question, star: Layout, nested: Layout, order_id: str, scratch: Path) -> Answer:
    """Ask both layouts.

    Raises:
        SystemExit: they disagree.
    """
    queries = [text.replace("$order_id", quote_text(order_id)) for text in (question.star, question.nested)]
    layouts = [star, nested]
    answers = [layout.warm.execute(query).fetchall() for layout, query in zip(layouts, queries, strict=True)]
    if answers[0] != answers[1] or not answers[0]:
        raise SystemExit(f"{question.name}: star tables and nested orders answer differently")
    seconds = _warm_seconds(layouts, queries)
    wanted = order_id if question.is_of_one_order else None
    sides = [
        _side(layout, query, wanted, seconds=median(taken), scratch=scratch)
        for layout, query, taken in zip(layouts, queries, seconds, strict=True)
    ]
    return Answer(question, *sides)


def _warm_seconds(layouts: list[Layout], queries: list[str]) -> list[list[float]]:
    """Seconds of each warm run of each layout's query, the layouts taking turns."""
    taken: list[list[float]] = [[] for _ in layouts]
    for _ in range(WARM_RUNS):
        for number, (layout, query) in enumerate(zip(layouts, queries, strict=True)):
            started = perf_counter()
            layout.warm.execute(query).fetchall()
            taken[number].append(perf_counter() - started)
    return taken


def _side(layout: Layout, query: str, order_id: str | None, *, seconds: float, scratch: Path) -> Side:
    needed = needed_leaves(layout.tables, query)
    whole_bytes = leaf_bytes = read_leaf_bytes = 0
    for table in layout.tables:
        leaves = needed[table.name]
        of_leaves: Groups = needed_groups(table, leaves, order_id=order_id)
        arrays = {other for leaf in leaves for other in table.whole(leaf)}
        whole_bytes += table.bytes_of(needed_groups(table, arrays, order_id=order_id))
        leaf_bytes += table.bytes_of(of_leaves)
        read_leaf_bytes += bytes_of_leaves(table, of_leaves)
    return Side(
        needed_bytes=whole_bytes,
        needed_leaf_bytes=leaf_bytes,
        read_bytes=bytes_read(layout, query),
        read_leaf_bytes=read_leaf_bytes,
        profile=profile(layout, query, scratch),
        seconds=seconds,
    )


if __name__ == "__main__":
    main()
