"""EvaluationResult: metrics of a segmentation on today's customers, the verdict on it, and whether it may go live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import adjusted_rand_score

from shopwright.core.engine import connect
from shopwright.core.errors import DataError
from shopwright.evaluation.scores import Score
from shopwright.evaluation.verdicts import Gate, Verdict
from shopwright.models.audit import find_look_ahead
from shopwright.models.protocol import EvaluationResult
from shopwright.models.segmentation import results
from shopwright.models.segmentation.customers import NAMES, TABLE, draw, read_customers, snapshot_dates
from shopwright.models.segmentation.features import FEATURE_VIEW, rewrites
from shopwright.models.segmentation.score import LoadedSegmentation
from shopwright.registry.fingerprint import fingerprint
from shopwright.registry.manifest import read_window

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from shopwright.evaluation.leaks import Finding
    from shopwright.models.protocol import TrainingContext, VersionRef
    from shopwright.models.segmentation.config import SegmentationConfig
    from shopwright.models.segmentation.customers import Customers
    from shopwright.models.segmentation.model import Segmentation

NAME = "segmentation"
KIND = "k-means"
STABLE = "stable"
NOT_STABLE = "not stable with this data"

NOTES = (
    "Stability is the mean adjusted Rand index between clusterings of resampled customers (1: identical, 0: random).",
    "Agreement and macro F1 measure how well the rules that assign customers to segments match the clusters (held out).",
    "Scores have no intervals: each is measured once.",
    "There is no baseline: segmentation predicts nothing, so there is no score to beat.",
)


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Today's customers, and those of a snapshot at least a month before."""

    today: date
    customers: Customers
    previous: tuple[date, Customers] | None
    """None where the shop is younger."""


def evaluate_segmentation(context: TrainingContext, version: VersionRef) -> EvaluationResult:
    """Measure a version's segments and rules on today's customers.

    Args:
        context: the shop and its settings.
        version: the version.

    Raises:
        DataError: there are too few customers, or none later than those the segments were found in.
    """
    context.on_progress("reading customers", 0, 0)
    segmentation = LoadedSegmentation.load(version.folder).segmentation
    snapshots = read_snapshots(context, segmentation.config)
    _check_later(snapshots.today, version)
    context.on_progress("measuring", 0, 0)
    return build_evaluation(context, version.name, segmentation.measure(snapshots.customers), snapshots)


def read_snapshots(context: TrainingContext, config: SegmentationConfig) -> Snapshots:
    """Read today's customers and those of a month before.

    Customers beyond ``max_rows`` are left out at random, of both snapshots.
    """
    with connect(context.published, read_only=True) as connection:
        today, earlier = snapshot_dates(connection)
        customers = read_customers(connection, snapshot_date=today)
        previous = None if earlier is None else read_customers(connection, snapshot_date=earlier)
    sample = draw(customers, context.settings.max_rows, seed=config.seed)
    if earlier is None or previous is None:
        return Snapshots(today, sample, None)
    left_out = np.setdiff1d(customers.ids, sample.ids)
    return Snapshots(today, sample, (earlier, previous.take(~np.isin(previous.ids, left_out))))


def build_evaluation(
    context: TrainingContext, name: str, segmentation: Segmentation, snapshots: Snapshots
) -> EvaluationResult:
    """Put everything together that is known about a measured segmentation.

    Args:
        context: the shop, and the live model to compare with.
        name: name of the segmentation in tables of scores.
        segmentation: measured on the customers of the snapshots.
        snapshots: today's customers and the previous ones.
    """
    context.on_progress("auditing for leaks", 0, 0)
    findings, _ = audit_segmentation(context)
    customers = snapshots.customers
    return EvaluationResult(
        model=NAME,
        kind=KIND,
        scores={name: segment_scores(segmentation)},
        baselines=(),
        verdict=assess_segments(segmentation, findings),
        gate=gate_segments(segmentation, findings, _champion_similarity(context, segmentation, customers)),
        findings=findings,
        window=_window(segmentation, snapshots),
        fingerprint=fingerprint(
            {"customer_id": customers.ids, **{feature: customers.column(feature) for feature in NAMES}}
        ),
        tables={
            "profiles": results.profile_rows(segmentation, customers),
            "segment_importance": results.importance_rows(segmentation),
            "choice": results.choice_rows(segmentation),
            "rules": results.rule_rows(segmentation),
            "segment_changes": results.change_rows(
                segmentation, snapshots.previous, (snapshots.today, customers)
            ),
        },
        evaluated_on=f"the {len(customers):,} customers of {snapshots.today}",
        notes=NOTES,
    )


def audit_segmentation(context: TrainingContext) -> tuple[tuple[Finding, ...], int]:
    """Return features that use the future, and how many were compared after the future was rewritten.

    Segmentation predicts no outcome, so no feature can give one away, and no split can mix times.
    """
    findings, compared = find_look_ahead(
        context.published, FEATURE_VIEW, rewrites, seed=context.settings.seed
    )
    return tuple(findings), compared


def segment_scores(segmentation: Segmentation) -> dict[str, Score]:
    """Return stability and separation of the segments, and how well the rules match them."""
    metrics, rules = segmentation.clustering.choice.selected, segmentation.rules
    resamples = (
        f"no interval: measured once, as the mean over all pairs of {segmentation.config.resamples} resamples"
    )
    held_out = f"no interval: measured once, on {rules.held_out:,} held-out customers"
    return {
        "stability": _score("stability", metrics.stability, resamples),
        "silhouette": _score(
            "silhouette", metrics.silhouette, "no interval: measured once, on a sample of the customers"
        ),
        "agreement": _score("agreement", rules.agreement, held_out),
        "macro_f1": _score("macro_f1", rules.macro_f1, held_out),
    }


def _score(name: str, value: float | None, note: str) -> Score:
    reason = "all customers are in one segment" if value is None else None
    return Score(name=name, value=value, lower=None, upper=None, direction="higher", reason=reason, note=note)


def assess_segments(segmentation: Segmentation, findings: Sequence[Finding]) -> Verdict:
    """Decide whether the data supports segments.

    Args:
        segmentation: with its metrics.
        findings: findings of the leak audit; any one of them makes the verdict negative.
    """
    choice = segmentation.clustering.choice
    if findings:
        return Verdict(NOT_STABLE, f"the segments are unreliable: {findings[0].message}")
    return Verdict(STABLE if choice.is_stable else NOT_STABLE, f"{choice.segments} segments: {choice.reason}")


def gate_segments(segmentation: Segmentation, findings: Sequence[Finding], similarity: float | None) -> Gate:
    """Decide whether a segmentation may go live: it is stable, and its rules match the clusters.

    It need not beat the champion, which segments the customers of its own day: no score says which of the two is
    better. The similarity of both is reported.

    Args:
        segmentation: with its metrics.
        findings: findings of the leak audit.
        similarity: adjusted Rand index between its labels and the champion's; None where there is no champion.
    """
    config, rules = segmentation.config, segmentation.rules
    verdict = assess_segments(segmentation, findings)
    checks = [
        (verdict.label == STABLE, verdict.reason),
        _reaches("agreement of the rules with the clusters", rules.agreement, config.min_agreement),
        _reaches("macro F1 of the rules", rules.macro_f1, config.min_macro_f1),
    ]
    champion = (
        "there is no champion"
        if similarity is None
        else f"adjusted Rand index with the champion's segments of today's customers: {similarity:.2f}"
    )
    failures = [reason for passes, reason in checks if not passes]
    return Gate(not failures, tuple(failures or [*(reason for _, reason in checks), champion]))


def _reaches(name: str, value: float, minimum: float) -> tuple[bool, str]:
    return value >= minimum, f"{name} on held-out customers is {value:.3f} (minimum {minimum:g})"


def _check_later(today: date, version: VersionRef) -> None:
    """Check that today's customers are not those of an earlier day than the segments were found on."""
    found_on = str(read_window(version.folder)["snapshot_date"])
    if str(today) < found_on or (version.window == "new" and str(today) == found_on):
        raise DataError(
            f"{TABLE}: no later customers to evaluate {version.name} on. Its segments were found on {found_on}, and the shop's "
            f"last snapshot is {today}"
        )


def _champion_similarity(
    context: TrainingContext, segmentation: Segmentation, customers: Customers
) -> float | None:
    """Return the adjusted Rand index with the champion's labels; None where there is no champion."""
    if context.champion is None:
        return None
    champion = LoadedSegmentation.load(context.champion).segmentation
    return float(adjusted_rand_score(champion.rules.label(customers), segmentation.rules.label(customers)))


def _window(segmentation: Segmentation, snapshots: Snapshots) -> dict[str, Any]:
    held_out = segmentation.rules.held_out
    return {
        "snapshot_date": str(snapshots.today),
        "training": {"rows": len(snapshots.customers) - held_out},
        "test": {"rows": held_out},
    }
