"""What commands about models print."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from shopwright.cli.output import table
from shopwright.cli.segment_tables import print_segments

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console
    from rich.table import Table

    from shopwright.evaluation.leaks import Finding
    from shopwright.evaluation.scores import Score
    from shopwright.models.lifecycle import EvaluatedVersion, TrainedVersion
    from shopwright.models.naive_recipe import NaiveRecipe
    from shopwright.models.protocol import EvaluationResult, ModelSpec
    from shopwright.registry import EvaluationRecord, Measure, Version

SHOWN_FEATURES = 10


def training_document(room: ModelSpec, trained: TrainedVersion) -> dict[str, Any]:
    """Everything about a training run, for machines."""
    training = trained.training
    return {
        "model": room.name,
        "version": trained.version,
        "is_champion": trained.is_champion,
        "parameters": training.parameters,
        "warnings": list(trained.warnings),
        **_judged_document(training),
    }


def evaluation_document(room: ModelSpec, evaluated: EvaluatedVersion) -> dict[str, Any]:
    """Everything about a version that was judged anew, for machines."""
    return {
        "model": room.name,
        "version": evaluated.version.number,
        "is_champion": evaluated.version.is_champion,
        "champion": evaluated.champion.number if evaluated.champion else None,
        "evaluated_on": evaluated.evaluation.evaluated_on,
        **_judged_document(evaluated.evaluation),
    }


def _judged_document(judged: EvaluationResult) -> dict[str, Any]:
    return {
        "kind": judged.kind,
        "verdict": asdict(judged.verdict),
        "gate": asdict(judged.gate),
        "findings": [asdict(finding) for finding in judged.findings],
        "window": judged.window,
        "data_fingerprint": judged.fingerprint,
        "scores": {
            name: {each: asdict(score) for each, score in found.items()}
            for name, found in judged.scores.items()
        },
        "baselines": list(judged.baselines),
        **judged.tables,
    }


def print_training(console: Console, room: ModelSpec, trained: TrainedVersion) -> None:
    """A training run for people: the verdict first, then what it rests on."""
    training = trained.training
    _print_judged(console, room, training)
    serves = "serves from now on" if trained.is_champion else "does not serve"
    console.print(f"Version {trained.version} ({training.kind}) {serves}:")
    _print_reasons(console, training.gate.reasons)


def print_evaluation(console: Console, room: ModelSpec, evaluated: EvaluatedVersion) -> None:
    """A version that was judged anew, for people; nothing was promoted."""
    version, judged = evaluated.version, evaluated.evaluation
    _print_judged(console, room, judged)
    about = f"Version {version.number} ({judged.kind})"
    if version.is_champion:
        console.print(f"{about} is the champion.")
        return
    against = f"version {evaluated.champion.number}" if evaluated.champion else "no champion"
    says = "passes" if judged.gate.passes else "does not pass"
    console.print(f"{about} {says} the gate against {against}; nothing was promoted:")
    _print_reasons(console, judged.gate.reasons)


def _print_judged(console: Console, room: ModelSpec, judged: EvaluationResult) -> None:
    console.print()
    console.print(f"[bold]{room.name}[/bold]: {room.question} ({room.decision})")
    console.print(f"{judged.verdict.label}: {judged.verdict.reason}", markup=False)
    console.print()
    console.print(scores_table(f"On {judged.evaluated_on}", judged.scores, judged.baselines))
    for note in judged.notes:
        console.print(note, markup=False)
    console.print()
    _print_findings(console, judged.findings)
    _print_tables(console, judged.tables)
    if room.naive_recipe is not None and judged.tables.get("naive_recipe"):
        print_naive_recipe(console, room.naive_recipe, judged.tables["naive_recipe"])
        console.print()


def _print_tables(console: Console, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    importance = tables.get("importance", [])[:SHOWN_FEATURES]
    if importance:
        rows = [(each["feature"], each["mean_absolute_contribution"]) for each in importance]
        console.print(_figures("What moves the score most", ("feature", "mean |contribution|"), rows))
        console.print()
    if "portraits" in tables:
        print_segments(console, tables)


def _print_reasons(console: Console, reasons: Iterable[str]) -> None:
    for reason in reasons:
        console.print(f"  {reason}", markup=False)


def scores_table(
    title: str,
    scores: Mapping[str, Mapping[str, Score | Measure]],
    baselines: Iterable[str] = (),
    *,
    intervals: bool = False,
) -> Table:
    """Candidates and baselines by rows, measures by columns."""
    known = list(baselines)
    names = list(next(iter(scores.values())))
    rows = [
        [
            name + (" (baseline)" if name in known else ""),
            *(_short(found[each], interval=intervals) for each in names),
        ]
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


def print_version(console: Console, version: Version, evaluation: EvaluationRecord | None) -> None:
    """One version: its gate, its measures, and how all that it was compared with did."""
    console.print(f"[bold]{version.model}[/bold] version {version.number}: {version.verdict}")
    _print_reasons(console, version.gate.reasons)
    rows = [
        (name, _number(found.value), _number(found.lower), _number(found.upper), found.reason)
        for name, found in version.metrics.items()
    ]
    console.print(table("", ("measure", "value", "from", "to", "why not"), rows))
    if evaluation is not None:
        console.print()
        console.print(
            scores_table(
                f"On {evaluation.evaluated_on}", evaluation.scores, evaluation.baselines, intervals=True
            )
        )
        console.print()
        _print_tables(console, evaluation.tables)
        if reliability := evaluation.tables.get("reliability"):
            console.print(_reliability(reliability))
            console.print()
        kept = ", ".join(f"{name} ({len(rows):,})" for name, rows in evaluation.tables.items())
        console.print(f"Kept with it, rows in brackets (--json shows them): {kept}", markup=False)
    console.print(f"data {version.data_fingerprint[:16]}, sealed {version.manifest_sha256[:16]}")


def _reliability(rows: Iterable[Mapping[str, Any]]) -> Table:
    return table(
        "Reliability, by tenths of the decisions",
        ("decisions", "predicted", "came", "from", "to"),
        [
            (
                row["count"],
                *(
                    f"{row[name]:.3f}"
                    for name in ("predicted", "observed", "observed_lower", "observed_upper")
                ),
            )
            for row in rows
        ],
    )


def _print_findings(console: Console, findings: Iterable[Finding]) -> None:
    listed = list(findings)
    if not listed:
        console.print("Leak audit: nothing found.")
    for finding in listed:
        console.print(f"Leak audit: {finding.words}", markup=False)
    console.print()


def print_findings(console: Console, room: ModelSpec, findings: Iterable[Finding], compared: int) -> None:
    """What the leak audit of a room found, in words."""
    console.print(
        f"[bold]{room.name}[/bold]: {compared:,} decisions compared after their future was rewritten"
    )
    _print_findings(console, findings)


def print_naive_recipe(
    console: Console, naive_recipe: NaiveRecipe, recipes: Iterable[Mapping[str, Any]]
) -> None:
    """A usual recipe, and what is left of it."""
    rows = [
        (
            each["name"],
            each["rows"],
            *(f"{each[name]:.3f}" for name in ("rate", "f1", "pr_auc", "roc_auc")),
        )
        for each in recipes
    ]
    console.print(
        table(naive_recipe.title, ("the usual recipe", "rows", "rate", "F1", "PR-AUC", "ROC-AUC"), rows)
    )
    console.print(naive_recipe.lesson, markup=False)


def _figures(title: str, columns: tuple[str, str], rows: Iterable[tuple[str, float]]) -> Table:
    return table(title, columns, [(name, f"{value:.3f}") for name, value in rows])


def _short(score: Score | Measure, *, interval: bool) -> str | None:
    if score.value is None:
        return None
    if not interval or score.lower is None or score.upper is None:
        return f"{score.value:.3f}"
    return f"{score.value:.3f} ({score.lower:.3f} to {score.upper:.3f})"


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.4g}"
