"""Output of the commands about models."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from shopwright.charts import FeatureImportance
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


def training_document(spec: ModelSpec, trained: TrainedVersion) -> dict[str, Any]:
    """Return a training run as a JSON document."""
    training = trained.training
    return {
        "model": spec.name,
        "version": trained.version,
        "is_champion": trained.is_champion,
        "parameters": training.parameters,
        "warnings": list(trained.warnings),
        **_evaluation_fields(training),
    }


def evaluation_document(spec: ModelSpec, evaluated: EvaluatedVersion) -> dict[str, Any]:
    """Return the re-evaluation of a version as a JSON document."""
    return {
        "model": spec.name,
        "version": evaluated.version.number,
        "is_champion": evaluated.version.is_champion,
        "champion": evaluated.champion.number if evaluated.champion else None,
        "evaluated_on": evaluated.evaluation.evaluated_on,
        **_evaluation_fields(evaluated.evaluation),
    }


def _evaluation_fields(evaluation: EvaluationResult) -> dict[str, Any]:
    return {
        "kind": evaluation.kind,
        "verdict": asdict(evaluation.verdict),
        "gate": asdict(evaluation.gate),
        "findings": [asdict(finding) for finding in evaluation.findings],
        "window": evaluation.window,
        "data_fingerprint": evaluation.fingerprint,
        "scores": {
            name: {metric: asdict(score) for metric, score in scores.items()}
            for name, scores in evaluation.scores.items()
        },
        "baselines": list(evaluation.baselines),
        **evaluation.tables,
    }


def print_training(console: Console, spec: ModelSpec, trained: TrainedVersion) -> None:
    """Print a training run: the verdict first, then the evidence."""
    training = trained.training
    _print_result(console, spec, training)
    for warning in trained.warnings:
        console.print(f"Warning: {warning}", markup=False)
    state = "is live" if trained.is_champion else "is not live"
    console.print(f"Version {trained.version} ({training.kind}) {state}:")
    _print_reasons(console, training.gate.reasons)


def print_evaluation(console: Console, spec: ModelSpec, evaluated: EvaluatedVersion) -> None:
    """Print the re-evaluation of a version; nothing was promoted."""
    version, evaluation = evaluated.version, evaluated.evaluation
    _print_result(console, spec, evaluation)
    subject = f"Version {version.number} ({evaluation.kind})"
    if version.is_champion:
        console.print(f"{subject} is the champion.")
        return
    reference = f"version {evaluated.champion.number}" if evaluated.champion else "no champion"
    outcome = "passes" if evaluation.gate.passes else "does not pass"
    console.print(f"{subject} {outcome} the gate against {reference}. Nothing was promoted.")
    _print_reasons(console, evaluation.gate.reasons)


def _print_result(console: Console, spec: ModelSpec, evaluation: EvaluationResult) -> None:
    console.print()
    console.print(f"[bold]{spec.name}[/bold]: {spec.question} ({spec.decision})")
    console.print(f"{evaluation.verdict.label}: {evaluation.verdict.reason}", markup=False)
    console.print()
    console.print(
        scores_table(f"Scores on {evaluation.evaluated_on}", evaluation.scores, evaluation.baselines)
    )
    for note in evaluation.notes:
        console.print(note, markup=False)
    console.print()
    _print_leaks(console, evaluation.findings)
    _print_tables(console, evaluation.tables)
    if spec.naive_recipe is not None and evaluation.tables.get("naive_recipe"):
        print_naive_recipe(console, spec.naive_recipe, evaluation.tables["naive_recipe"])
        console.print()


def _print_tables(console: Console, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    if importance := tables.get("importance"):
        chart = FeatureImportance.from_rows(importance)
        rows = [(bar.feature, f"{bar.importance:.3f}") for bar in chart.bars]
        console.print(table(chart.title, ("feature", chart.x_label), rows))
        console.print()
    if "profiles" in tables:
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
    """Return a table of candidates and baselines (rows) by metrics (columns)."""
    baseline_names = set(baselines)
    metrics = list(next(iter(scores.values())))
    rows = [
        [
            name + (" (baseline)" if name in baseline_names else ""),
            *(_format_score(by_metric[metric], interval=intervals) for metric in metrics),
        ]
        for name, by_metric in scores.items()
    ]
    return table(title, ["", *metrics], rows)


def models_table(rows: Iterable[dict[str, Any]]) -> Table:
    """Return a table of the models: whether they can be trained, and which version is live."""
    keys = ("model", "question", "champion", "newest", "verdict", "missing_requirement")
    headings = ("model", "question", "champion", "newest", "verdict", "missing data")
    return table("Models", headings, [tuple(row[key] for key in keys) for row in rows])


def print_versions(console: Console, model: str, versions: Iterable[Version]) -> None:
    """Print all versions of a model."""
    console.print(
        table(
            model,
            ("version", "created (UTC)", "alias", "verdict", "passes the gate"),
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
    """Print one version: the result of its gate, its metrics, and the scores of everything it was compared with."""
    console.print(f"[bold]{version.model}[/bold] version {version.number}: {version.verdict}")
    _print_reasons(console, version.gate.reasons)
    rows = [
        (
            name,
            _format_number(measure.value),
            _format_number(measure.lower),
            _format_number(measure.upper),
            measure.reason,
        )
        for name, measure in version.metrics.items()
    ]
    console.print(table("", ("metric", "value", "from", "to", "why undefined"), rows))
    if evaluation is not None:
        console.print()
        title = f"Scores on {evaluation.evaluated_on}"
        console.print(scores_table(title, evaluation.scores, evaluation.baselines, intervals=True))
        console.print()
        _print_tables(console, evaluation.tables)
        if reliability := evaluation.tables.get("reliability"):
            console.print(_reliability(reliability))
            console.print()
        contents = ", ".join(f"{name} ({len(rows):,} rows)" for name, rows in evaluation.tables.items())
        console.print(f"Stored tables (see them with --json): {contents}", markup=False)
    console.print(f"data {version.data_fingerprint[:16]}, manifest {version.manifest_sha256[:16]}")


def _reliability(rows: Iterable[Mapping[str, Any]]) -> Table:
    return table(
        "Reliability by deciles of the decisions",
        ("decisions", "predicted", "observed", "from", "to"),
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


def print_findings(console: Console, spec: ModelSpec, findings: Iterable[Finding], compared: int) -> None:
    """Print the findings of a model's leak audit.

    Args:
        console: where to print.
        spec: the model.
        findings: of the audit.
        compared: number of decisions compared after their future was rewritten.
    """
    console.print(
        f"[bold]{spec.name}[/bold]: {compared:,} decisions compared after their future was rewritten"
    )
    _print_leaks(console, findings)


def _print_leaks(console: Console, findings: Iterable[Finding]) -> None:
    messages = [finding.message for finding in findings] or ["no leaks found."]
    for message in messages:
        console.print(f"Leak audit: {message}", markup=False)
    console.print()


def print_naive_recipe(
    console: Console, naive_recipe: NaiveRecipe, results: Iterable[Mapping[str, Any]]
) -> None:
    """Print the results of a naive recipe, from its usual form to an honest one."""
    rows = [
        (
            result["name"],
            result["rows"],
            *(f"{result[metric]:.3f}" for metric in ("rate", "f1", "pr_auc", "roc_auc")),
        )
        for result in results
    ]
    columns = ("naive recipe", "rows", "rate", "F1", "PR-AUC", "ROC-AUC")
    console.print(table(naive_recipe.title, columns, rows))
    console.print(naive_recipe.lesson, markup=False)


def _format_score(score: Score | Measure, *, interval: bool) -> str | None:
    if score.value is None:
        return None
    if not interval or score.lower is None or score.upper is None:
        return f"{score.value:.3f}"
    return f"{score.value:.3f} ({score.lower:.3f} to {score.upper:.3f})"


def _format_number(value: float | None) -> str | None:
    return None if value is None else f"{value:.4g}"
