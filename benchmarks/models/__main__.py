"""Features and training on a large shop, beside pandas and scikit-learn doing the same, in one run.

``python -m benchmarks.models --project SHOP`` takes a shop of clicks that ``shopwright run`` has built (``make bench`` keeps the
input of one with 20 million events in ``.bench``), runs every side as a process of its own, insists that features are equal, and
writes ``benchmarks/models.md``. The shop itself is only read.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from benchmarks.measure import Measured, run
from benchmarks.models.sides import MAX_ROWS, TRIALS, published_database

ROOT = Path(__file__).parents[2]
BAR_BYTES = 6 << 30
KEY = ("user_key", "session_start_at", "step_number")
WITHIN = 1e-9
"""Greatest difference, relative to the value or to 1, that counts as none."""
_STEPS = """
    select user_key, session_start_at, step_number, event_at, funnel_rank, event_product_key, price::double as price,
        coalesce(quantity, 1) as unit_count, seconds_since_previous
    from silver.int_sessionized_events order by user_key, session_start_at, step_number"""
_SESSIONS = """
    select user_key, session_start_at, session_end_at, add_to_cart_count, purchase_count, product_view_count,
        gross_amount::double as gross_amount
    from silver.int_sessions order by user_key, session_start_at"""


def main() -> None:
    """Prepare, measure, compare, report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.models", description=__doc__)
    parser.add_argument("--project", type=Path, required=True, help="a built shop with clicks")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "models.md", help="report to write")
    arguments = parser.parse_args()
    shop = arguments.project.resolve()
    with TemporaryDirectory(prefix="shopwright-bench-", dir=arguments.project.parent) as temporary:
        folder = Path(temporary)
        events = _prepare(shop, folder)
        measured = {name: _measure(name, shop, folder) for name in ("view", "pandas")}
        compared = _compare(shop, folder)
        measured["train"] = _train(shop, folder)
        measured["sklearn"] = _measure("sklearn", shop, folder)
        scored = json.loads((folder / "sklearn.json").read_text(encoding="utf-8"))
        report = _report(events, measured, compared, _trained(folder), scored)
    arguments.out.write_text(report, encoding="utf-8")
    print(report)


def _prepare(shop: Path, folder: Path) -> int:
    """Write the input of pandas, which is not timed, and return the number of events."""
    with duckdb.connect(str(published_database(shop)), read_only=True) as connection:
        for name, query in (("steps", _STEPS), ("sessions", _SESSIONS)):
            connection.execute(f"copy ({query}) to '{folder / name}.parquet' (format parquet)")
        row = connection.execute("select count(*) from silver.int_sessionized_events").fetchone()
    return int(row[0]) if row else 0


def _measure(name: str, shop: Path, folder: Path) -> Measured:
    command = [sys.executable, "-m", "benchmarks.models.sides", name, str(shop), str(folder)]
    return run(name, command, log=folder / "log")


def _train(shop: Path, folder: Path) -> Measured:
    """Train in a project of its own over the same published database."""
    project = folder / "shop"
    project.mkdir()
    shutil.copy(shop / "shopwright.toml", project)
    (project / "published").symlink_to(shop / "published")
    shopwright = [sys.executable, "-m", "shopwright.cli.main"]
    return run(
        "train",
        [*shopwright, "train", "abandonment", "--project", str(project), "--json"],
        log=folder / "train",
    )


def _trained(folder: Path) -> dict[str, Any]:
    """Return the JSON document that training printed."""
    text = (folder / "train").read_text(encoding="utf-8")
    document = json.loads(text[text.index("{") :])
    return dict(document["models"][0]) if "models" in document else dict(document)


def _compare(shop: Path, folder: Path) -> dict[str, Any]:
    """Require that pandas and the view have the same decisions and the same values.

    Raises:
        SystemExit: they do not.
    """
    with duckdb.connect() as connection:
        connection.execute(f"attach '{published_database(shop)}' as shop (read_only)")
        names = [
            name
            for (name, *_) in connection.execute(f"describe from '{folder / 'pandas.parquet'}'").fetchall()
            if name not in {*KEY, "has_purchase"}
        ]
        differences = ", ".join(
            f"count(*) filter (where (ours.{name} is null) <> (theirs.{name} is null) or "
            f"abs(ours.{name}::double - theirs.{name}::double) > {WITHIN} * greatest(1, abs(theirs.{name}::double)))"
            f" as {name}"
            for name in names
        )
        comparison = connection.execute(f"""
            with ours as (
                select view.*, visitors.user_key, sessions.session_start_at
                from '{folder / "view.parquet"}' as view
                join shop.silver.int_user_keys as visitors using (user_id)
                asof join (from shop.silver.int_sessions order by all) as sessions
                    on sessions.user_key = visitors.user_key and view.decided_at >= sessions.session_start_at
            )
            select count(*) as decisions, count(theirs.step_number) as both,
                (select count(*) from '{folder / "pandas.parquet"}') as theirs, {differences}
            from ours left join '{folder / "pandas.parquet"}' as theirs using (user_key, session_start_at, step_number)
        """)
        columns = [column[0] for column in comparison.description or ()]
        row = dict(zip(columns, comparison.fetchone() or (), strict=True))
    unequal = {name: row[name] for name in names if row[name]}
    if unequal or not row["decisions"] == row["both"] == row["theirs"]:
        raise SystemExit(f"pandas and the view differ: {row}")
    return {"decisions": row["decisions"], "features": len(names)}


def _report(
    events: int,
    measured: dict[str, Measured],
    compared: dict[str, Any],
    trained: dict[str, Any],
    scored: dict[str, Any],
) -> str:
    view, pandas, train, sklearn = (measured[name] for name in ("view", "pandas", "train", "sklearn"))
    peak = max(view.peak_bytes, train.peak_bytes)
    rows = [
        ("features of abandonment by the warehouse's view", view, compared["decisions"]),
        ("the same in pandas, from sorted Parquet", pandas, compared["decisions"]),
        ("`shopwright train abandonment`", train, scored["rows"]),
        ("scikit-learn: one kind of model on the same frame", sklearn, scored["rows"]),
    ]
    auc = trained["scores"][trained["kind"]]["roc_auc"]["value"]
    return "\n".join(
        [
            "# Benchmark: features and training",
            "",
            (
                f"Written by `python -m benchmarks.models` on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores, "
                f"{platform.machine()}, Python {platform.python_version()}, DuckDB {version('duckdb')}, XGBoost "
                f"{version('xgboost-cpu')}, LightGBM {version('lightgbm')}, scikit-learn {version('scikit-learn')}, pandas "
                f"{version('pandas')}. A shop of {events:,} events with {compared['decisions']:,} decisions. Each row is a "
                "process of its own, starting Python included. Ratios hold on any machine; seconds do not."
            ),
            "",
            "| step | rows | seconds | CPU seconds | peak memory |",
            "| --- | ---: | ---: | ---: | ---: |",
            *(
                f"| {name} | {count:,} | {usage.seconds:.1f} | {usage.cpu_seconds:.1f} | {usage.peak_bytes / 2**30:.2f} GiB |"
                for name, usage, count in rows
            ),
            "",
            (
                f"- {compared['features']} features that pandas computes too are equal, in every decision, to {WITHIN:g}. It takes "
                f"{pandas.seconds / view.seconds:.1f} times as long and {pandas.peak_bytes / view.peak_bytes:.1f} times the memory."
            ),
            (
                f"- Training reads the view, draws whole users down to {MAX_ROWS:,} rows, tries {TRIALS} settings each of logistic "
                f"regression, XGBoost and LightGBM, judges with bootstrap intervals beside four baselines and audits for leaks; "
                f"scikit-learn tries {TRIALS} settings of histogram gradient boosting on the same windows and does nothing else. "
                f"ROC-AUC on the test window: {auc:.4f} ({trained['kind']}) and {scored['roc_auc']:.4f}; time "
                f"{train.seconds / sklearn.seconds:.2f} times that of scikit-learn."
            ),
            f"- Peak memory of ours: {peak / 2**30:.2f} GiB; bar: under 6 GiB, {'met' if peak < BAR_BYTES else '**not met**'}.",
            "",
        ]
    )


if __name__ == "__main__":
    main()
