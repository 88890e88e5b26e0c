"""Tables of segments that training prints: profiles, campaigns, rules, the number of segments, and segment changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shopwright.cli.output import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console
    from rich.table import Table

    Rows = Sequence[Mapping[str, Any]]

SHOWN_FEATURES = 2
"""Most important features shown per segment."""
SHOWN_RULES = 2
"""Rules shown per segment, those of most customers."""


def print_segments(console: Console, tables: Mapping[str, Rows]) -> None:
    """Print profiles, campaigns, rules, the choice of the number of segments, and segment changes."""
    for renderable in (
        _profiles(tables["profiles"]),
        _campaigns(tables["profiles"], tables["segment_importance"]),
        _rules(tables["rules"]),
        _choice(tables["choice"]),
    ):
        console.print(renderable)
        console.print()
    console.print(
        _changes(tables["segment_changes"])
        if tables["segment_changes"]
        else "Segment changes: no snapshot from a month before."
    )
    console.print()


def _profiles(rows: Rows) -> Table:
    return table(
        "Segments (medians; RFM: scores of recency, frequency and monetary value)",
        (
            "",
            "segment",
            "customers",
            "by rules",
            "share",
            "of value",
            "RFM",
            "recency days",
            "orders",
            "net value",
            "per month",
        ),
        [
            (
                row["segment"],
                row["name"],
                row["customers"],
                row["customers_by_rules"],
                _percent(row["share"]),
                _percent(row["revenue_share"]),
                " ".join(
                    f"{row[score]:g}" for score in ("recency_score", "frequency_score", "monetary_score")
                ),
                *(
                    _round(row["medians"][name])
                    for name in ("recency_days", "frequency", "monetary", "spend_per_month")
                ),
            )
            for row in rows
        ],
    )


def _campaigns(rows: Rows, importance: Rows) -> Table:
    return table(
        "What distinguishes the segments, and suggested campaigns",
        ("segment", "differs in", "best predictors", "suggested campaign"),
        [
            (
                row["name"],
                ", ".join(row["differs_in"]),
                _distinguishing_features(row["segment"], importance),
                row["campaign"],
            )
            for row in rows
        ],
    )


def _distinguishing_features(segment: int, importance: Rows) -> str | None:
    features = [row["feature"] for row in importance if row["segment"] == segment and row["loss"] > 0]
    return ", ".join(features[:SHOWN_FEATURES]) or None


def _rules(rows: Rows) -> Table:
    displayed: list[Mapping[str, Any]] = []
    for segment in sorted({row["segment"] for row in rows}):
        segment_rules = [row for row in rows if row["segment"] == segment]
        displayed += sorted(segment_rules, key=lambda row: -row["customers"])[:SHOWN_RULES]
    return table(
        f"Largest of {len(rows)} rules (see rules.txt of the artifact for all, rules.sql for SQL)",
        ("segment", "rule", "customers", "correct"),
        [(row["name"], row["rule"], row["customers"], _percent(row["purity"])) for row in displayed],
    )


def _choice(rows: Rows) -> Table:
    return table(
        "Choice of the number of segments",
        ("segments", "stability", "silhouette", "elbow", "smallest", "chosen"),
        [
            (
                row["segments"],
                *(_format_number(row[name]) for name in ("stability", "silhouette", "elbow")),
                _percent(row["min_segment_share"]),
                "yes" if row["is_chosen"] else "",
            )
            for row in rows
        ],
    )


def _changes(rows: Rows) -> Table:
    starts, ends = _distinct(rows, "from"), _distinct(rows, "to")
    counts = {(row["from"], row["to"]): row["customers"] for row in rows}
    return table(
        f"Segment changes, by the rules: from {rows[0]['from_date']} (rows) to {rows[0]['to_date']} (columns)",
        ("", *ends),
        [(start, *(counts[start, end] for end in ends)) for start in starts],
    )


def _distinct(rows: Rows, name: str) -> Iterable[str]:
    return tuple(dict.fromkeys(str(row[name]) for row in rows))


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.0%}"


def _format_number(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"


def _round(value: float | None) -> str | None:
    return None if value is None else f"{value:,.0f}"
