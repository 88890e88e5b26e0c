"""The shop that the commands about experiments are tried on, and how answers are looked at."""

from __future__ import annotations

import duckdb

CHECKOUT = """
[[experiments]]
name = "checkout"
hypothesis = "A shorter checkout sells more."
start = 2025-02-01
end = 2025-03-31
secondary_metrics = ["revenue_per_user", "time_to_purchase", "average_order_value"]
[[experiments.guardrails]]
metric = "return_rate"
"""
BANNER = """
[[experiments]]
name = "old-banner"
hypothesis = "A <b>banner</b> [red]helps[/red]."
start = 2025-02-01
assignment = "md5_parity"
primary_metric = "time_to_purchase"
"""
EXPRESS = """
[[experiments]]
name = "express"
hypothesis = "Paying in one step loses fewer."
unit = "session"
start = 2025-03-01
exposure = "begin_checkout"
[experiments.variants]
control = 2
b = 1
c = 1
"""
NEXT_YEAR = """
[[experiments]]
name = "next-year"
hypothesis = "It will sell more."
start = 2026-02-01
"""
READERS = ("results", "daily", "audit")


def is_one_line(text):
    return text.startswith("error: ") and text.count("\n") == 1 and "Traceback" not in text


def flat(document, path=()):
    """Every value of a document under its path."""
    inner = document.items() if isinstance(document, dict) else enumerate(document)
    found = {}
    for key, value in inner:
        below = (*path, key)
        found |= flat(value, below) if isinstance(value, dict | list) else {below: value}
    return found


def columns_of(database, query):
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.execute(query)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
