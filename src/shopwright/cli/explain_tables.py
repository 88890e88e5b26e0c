"""What ``shopwright explain`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shopwright.cli.output import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console

    from shopwright.models.protocol import Explanation, Sample
    from shopwright.registry import Version


def print_explanation(console: Console, explanation: Explanation, version: Version) -> None:
    """A score and what each feature adds to it, the strongest first; or the sentences that say it."""
    console.print(
        f"{explanation.entity}: {explanation.answer or f'{explanation.score:.1%}'} as of "
        f"{explanation.decided_at[:16]} by version {version.number} of {version.model}",
        markup=False,
    )
    for reason in explanation.reasons:
        console.print(f"  {reason}", markup=False)
    if not explanation.contributions:
        values = [(name, _shown(value)) for name, value in explanation.values.items()]
        console.print(table("", ("feature", "value"), values))
        return
    parts = sorted(explanation.contributions.items(), key=lambda item: -abs(item[1]))
    rows = [(name, _shown(explanation.values[name]), _signed(part)) for name, part in parts]
    total = explanation.base + sum(explanation.contributions.values())
    rows += [("(everybody)", "", _signed(explanation.base)), ("(sum)", "", _signed(total))]
    console.print(table("", ("feature", "value", explanation.scale), rows))


def print_summary(
    console: Console, sample: Sample, rows: Iterable[Mapping[str, Any]], version: Version
) -> None:
    """What each feature adds over a sample, the strongest first."""
    console.print(_sampled(sample, version), markup=False)
    shown = [
        (
            row["feature"],
            f"{row['mean_absolute_contribution']:.3f}",
            *(None if row[name] is None else _signed(row[name]) for name in ("from", "to", "direction")),
        )
        for row in rows
    ]
    columns = ("feature", "mean |contribution|", "5 % below", "5 % above", "direction")
    console.print(table(f"What features add to the {sample.scale}", columns, shown))
    console.print(
        "direction: rank correlation of value and contribution; +1: the greater the value, the greater the score",
        markup=False,
    )


def print_dependence(
    console: Console, sample: Sample, feature: str, rows: Iterable[Mapping[str, Any]], version: Version
) -> None:
    """What a feature adds at which value."""
    console.print(_sampled(sample, version), markup=False)
    shown = [
        (
            _range(row),
            row["rows"],
            *(_signed(row[name]) for name in ("mean_contribution", "contribution_from", "contribution_to")),
        )
        for row in rows
    ]
    columns = (feature, "rows", "mean", "5 % below", "5 % above")
    console.print(table(f"What {feature} adds to the {sample.scale}", columns, shown))


def _sampled(sample: Sample, version: Version) -> str:
    return (
        f"{version.model}, version {version.number}: {len(sample.contributions):,} {sample.population}, drawn at random; "
        f"everybody starts from {sample.base:+.3f}"
    )


def _range(row: Mapping[str, Any]) -> str:
    """The values that a row of a dependence is about."""
    if "from" not in row:
        return "not known" if row["value"] is None else str(row["value"])
    low, high = _shown(row["from"]), _shown(row["to"])
    return str(low) if low == high else f"{low} to {high}"


def _signed(value: float) -> str:
    return f"{value:+.3f}"


def _shown(value: Any) -> str | None:
    return f"{value:.6g}" if isinstance(value, float) else value
