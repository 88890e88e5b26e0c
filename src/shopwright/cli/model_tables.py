"""What commands about models print."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from shopwright.cli.output import table
from shopwright.cli.segment_tables import print_segments

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console
    from rich.table import Table

    from shopwright.evaluation.leaks import Finding
    from shopwright.evaluation.scores import Score
    from shopwright.models.churn.claim import Recipe
    from shopwright.models.pipeline import Trained
    from shopwright.models.protocol import Explanation, Room
    from shopwright.registry import Version

SHOWN_FEATURES = 10


def training_document(room: Room, trained: Trained) -> dict[str, Any]:
    """Everything about a training run, for machines."""
    training = trained.training
    return {
        "model": room.name,
        "version": trained.version,
        "is_champion": trained.is_champion,
        "kind": training.kind,
        "parameters": training.parameters,
        "verdict": asdict(training.judgement),
        "gate": asdict(training.gate),
        "findings": [asdict(finding) for finding in training.findings],
        "window": training.window,
        "data_fingerprint": training.fingerprint,
        "scores": {
            name: {each: asdict(score) for each, score in found.items()}
            for name, found in training.scores.items()
        },
        "baselines": list(training.baselines),
        **training.tables,
    }


def print_training(console: Console, room: Room, trained: Trained) -> None:
    """A training run for people: the verdict first, then what it rests on."""
    training = trained.training
    console.print()
    console.print(f"[bold]{room.name}[/bold]: {room.question} ({room.decision})")
    console.print(f"{training.judgement.verdict}: {training.judgement.reason}", markup=False)
    console.print()
    console.print(scores_table(f"On {training.judged_on}", training.scores, training.baselines))
    for note in training.notes:
        console.print(note, markup=False)
    console.print()
    _print_findings(console, training.findings)
    importance = training.tables.get("importance", [])[:SHOWN_FEATURES]
    if importance:
        rows = [(each["feature"], each["mean_absolute_contribution"]) for each in importance]
        console.print(_figures("What moves the score most", ("feature", "mean |contribution|"), rows))
        console.print()
    if "portraits" in training.tables:
        print_segments(console, training.tables)
    serves = "serves from now on" if trained.is_champion else "does not serve"
    console.print(f"Version {trained.version} ({training.kind}) {serves}:")
    for reason in training.gate.reasons:
        console.print(f"  {reason}", markup=False)


def scores_table(
    title: str, scores: Mapping[str, Mapping[str, Score]], baselines: Iterable[str] = ()
) -> Table:
    """Candidates and baselines by rows, measures by columns."""
    known = list(baselines)
    names = list(next(iter(scores.values())))
    rows = [
        [name + (" (baseline)" if name in known else ""), *(_short(found[each]) for each in names)]
        for name, found in scores.items()
    ]
    return table(title, ["", *names], rows)


def listing(rows: Iterable[dict[str, Any]]) -> Table:
    """The models, whether they can be trained, and what serves."""
    return table(
        "Models",
        ("model", "question", "champion", "newest", "verdict", "missing"),
        [
            (row["model"], row["question"], row["champion"], row["newest"], row["verdict"], row["missing"])
            for row in rows
        ],
    )


def print_versions(console: Console, model: str, versions: Iterable[Version]) -> None:
    """All versions of a model."""
    console.print(
        table(
            model,
            ("version", "made (UTC)", "alias", "verdict", "passes the gate"),
            [
                (
                    version.number,
                    f"{version.created_at:%Y-%m-%d %H:%M}",
                    ", ".join(version.aliases),
                    version.verdict,
                    version.gate.passes,
                )
                for version in versions
            ],
        )
    )


def print_version(console: Console, version: Version) -> None:
    """One version: its gate and its measures."""
    console.print(f"[bold]{version.model}[/bold] version {version.number}: {version.verdict}")
    for reason in version.gate.reasons:
        console.print(f"  {reason}", markup=False)
    rows = [
        (name, _number(found.value), _number(found.lower), _number(found.upper), found.reason)
        for name, found in version.metrics.items()
    ]
    console.print(table("", ("measure", "value", "from", "to", "why not"), rows))
    console.print(f"data {version.data_fingerprint[:16]}, sealed {version.manifest_sha256[:16]}")


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


def _print_findings(console: Console, findings: Iterable[Finding]) -> None:
    listed = list(findings)
    if not listed:
        console.print("Leak audit: nothing found.")
    for finding in listed:
        console.print(f"Leak audit: {finding.words}", markup=False)
    console.print()


def print_findings(console: Console, room: Room, findings: Iterable[Finding], compared: int) -> None:
    """What the leak audit of a room found, in words."""
    console.print(
        f"[bold]{room.name}[/bold]: {compared:,} decisions compared after their future was rewritten"
    )
    _print_findings(console, findings)


def print_claim(console: Console, recipes: Iterable[Recipe]) -> None:
    """The usual recipe for churn, with its leak, without, and guessing."""
    rows = [
        (
            each.name,
            f"{each.churned_share:.3f}",
            f"{each.f1:.3f}",
            f"{each.pr_auc:.3f}",
            f"{each.roc_auc:.3f}",
        )
        for each in recipes
    ]
    console.print(
        table(
            "Churned: no order in the last 180 days of the data; scored on customers drawn at random",
            ("", "churned", "F1", "PR-AUC", "ROC-AUC"),
            rows,
        )
    )
    console.print(
        "Of a customer who ordered once, whatever tells the date of the first order tells the label. 'shopwright train "
        "churn' asks about the future instead, and scores the rare class: who comes back."
    )


def _figures(title: str, columns: tuple[str, str], rows: Iterable[tuple[str, float]]) -> Table:
    return table(title, columns, [(name, f"{value:.3f}") for name, value in rows])


def _short(score: Score) -> str | None:
    return None if score.value is None else f"{score.value:.3f}"


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.4g}"


def _signed(value: float) -> str:
    return f"{value:+.3f}"


def _shown(value: Any) -> str | None:
    return f"{value:.6g}" if isinstance(value, float) else value
