"""Output of ``shopwright explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shopwright.cli.output import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console

    from shopwright.models.protocol import Explanation, Sample
    from shopwright.registry import Version


def print_explanation(console: Console, explanation: Explanation, version: Version) -> None:
    """Print a score and what each feature adds to it, most important first; or sentences if there are no contributions."""
    console.print(
        f"{explanation.entity}: {explanation.score_text or f'{explanation.score:.1%}'} as of "
        f"{explanation.decided_at[:16]} by version {version.number} of {version.model}",
        markup=False,
    )
    for reason in explanation.reasons:
        console.print(f"  {reason}", markup=False)
    if not explanation.contributions:
        values = [(name, _format_value(value)) for name, value in explanation.values.items()]
        console.print(table("", ("feature", "value"), values))
        return
    contributions = sorted(explanation.contributions.items(), key=lambda item: -abs(item[1]))
    rows = [
        (name, _format_value(explanation.values[name]), _signed(contribution))
        for name, contribution in contributions
    ]
    total = explanation.base + sum(explanation.contributions.values())
    rows += [("(base value)", "", _signed(explanation.base)), ("(total)", "", _signed(total))]
    console.print(table("", ("feature", "value", explanation.scale), rows))


def print_summary(
    console: Console, sample: Sample, rows: Iterable[Mapping[str, Any]], version: Version
) -> None:
    """Print what each feature adds over a sample, most important first."""
    console.print(_describe_sample(sample, version), markup=False)
    cells = [
        (
            row["feature"],
            f"{row['mean_absolute_contribution']:.3f}",
            *(None if row[name] is None else _signed(row[name]) for name in ("from", "to", "direction")),
        )
        for row in rows
    ]
    columns = ("feature", "mean |contribution|", "5th percentile", "95th percentile", "direction")
    console.print(table(f"What features add to the {sample.scale}", columns, cells))
    console.print(
        "direction: rank correlation of value and contribution; +1 means that higher values give higher scores",
        markup=False,
    )


def print_dependence(
    console: Console, sample: Sample, feature: str, rows: Iterable[Mapping[str, Any]], version: Version
) -> None:
    """Print what a feature adds at each value."""
    console.print(_describe_sample(sample, version), markup=False)
    cells = [
        (
            _range(row),
            row["rows"],
            *(_signed(row[name]) for name in ("mean_contribution", "contribution_from", "contribution_to")),
        )
        for row in rows
    ]
    columns = (feature, "rows", "mean", "5th percentile", "95th percentile")
    console.print(table(f"What {feature} adds to the {sample.scale}", columns, cells))


def _describe_sample(sample: Sample, version: Version) -> str:
    return (
        f"{version.model}, version {version.number}: {len(sample.contributions):,} {sample.population}, sampled at random; "
        f"every score starts from {sample.base:+.3f}"
    )


def _range(row: Mapping[str, Any]) -> str:
    """Format the range of values that a row of a dependence covers."""
    if "from" not in row:
        return "unknown" if row["value"] is None else str(row["value"])
    low, high = _format_value(row["from"]), _format_value(row["to"])
    return str(low) if low == high else f"{low} to {high}"


def _signed(value: float) -> str:
    return f"{value:+.3f}"


def _format_value(value: Any) -> str | None:
    return f"{value:.6g}" if isinstance(value, float) else value
