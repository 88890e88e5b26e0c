"""What training prints of segments: portraits, why so many, the rules and who moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shopwright.cli.output import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console
    from rich.table import Table

    Rows = Sequence[Mapping[str, Any]]

SHOWN_FEATURES = 2
"""Features named as what tells a segment, the most important ones."""
SHOWN_RULES = 2
"""Rules of a segment, those of most customers."""


def print_segments(console: Console, tables: Mapping[str, Rows]) -> None:
    """Segments for people: who they are, what to do for them, the rules, why so many, and who moved."""
    for each in (
        _portraits(tables["portraits"]),
        _campaigns(tables["portraits"], tables["segment_importance"]),
        _rules(tables["rules"]),
        _choice(tables["choice"]),
    ):
        console.print(each)
        console.print()
    console.print(
        _moves(tables["moves"]) if tables["moves"] else "Moves: the shop has no snapshot a month before."
    )
    console.print()


def _portraits(rows: Rows) -> Table:
    return table(
        "Segments (medians; RFM: scores of recency, frequency and money)",
        (
            "",
            "segment",
            "customers",
            "by rules",
            "share",
            "of money",
            "RFM",
            "days since",
            "orders",
            "money",
            "monthly",
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
        "What sets them apart, and what to do for them",
        ("segment", "set apart by", "told best by", "campaign (a suggestion)"),
        [
            (
                row["name"],
                ", ".join(row["set_apart_by"]),
                _told_by(row["segment"], importance),
                row["campaign"],
            )
            for row in rows
        ],
    )


def _told_by(segment: int, importance: Rows) -> str | None:
    features = [row["feature"] for row in importance if row["segment"] == segment and row["loss"] > 0]
    return ", ".join(features[:SHOWN_FEATURES]) or None


def _rules(rows: Rows) -> Table:
    shown: list[Mapping[str, Any]] = []
    for segment in sorted({row["segment"] for row in rows}):
        own = [row for row in rows if row["segment"] == segment]
        shown += sorted(own, key=lambda row: -row["customers"])[:SHOWN_RULES]
    return table(
        f"The widest of {len(rows)} rules (all of them in the artifact's rules.txt, and as SQL in rules.sql)",
        ("segment", "customers are in it with", "learned from", "rightly"),
        [(row["name"], row["rule"], row["customers"], _percent(row["purity"])) for row in shown],
    )


def _choice(rows: Rows) -> Table:
    return table(
        "Why so many",
        ("segments", "stability", "silhouette", "elbow", "smallest", "chosen"),
        [
            (
                row["segments"],
                *(_figure(row[name]) for name in ("stability", "silhouette", "elbow")),
                _percent(row["smallest_share"]),
                "yes" if row["is_chosen"] else "",
            )
            for row in rows
        ],
    )


def _moves(rows: Rows) -> Table:
    starts, ends = _distinct(rows, "from"), _distinct(rows, "to")
    counts = {(row["from"], row["to"]): row["customers"] for row in rows}
    return table(
        f"Who moved, by the rules: from {rows[0]['from_date']} (rows) to {rows[0]['to_date']} (columns)",
        ("", *ends),
        [(start, *(counts[start, end] for end in ends)) for start in starts],
    )


def _distinct(rows: Rows, name: str) -> Iterable[str]:
    return tuple(dict.fromkeys(str(row[name]) for row in rows))


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.0%}"


def _figure(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"


def _round(value: float | None) -> str | None:
    return None if value is None else f"{value:,.0f}"
