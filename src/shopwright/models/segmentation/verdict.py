"""Whether segments may be relied on, and whether they may serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.evaluation.scores import Score
from shopwright.evaluation.verdicts import Gate, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shopwright.evaluation.leaks import Finding
    from shopwright.models.segmentation.train import Segmentation

STABLE = "stable"
NOT_STABLE = "not stable with this data"

NOTES = (
    "Stability is the mean adjusted Rand index between groupings of resampled customers (1: always the same, 0: luck).",
    "Agreement and macro F1 say how well the rules, which tell who is in a segment, restate it for held-out customers.",
    "No score has an interval: each is measured once.",
    "There is no baseline: nothing is foretold, and one segment for all has no score to beat.",
)


def scores_of(segmentation: Segmentation) -> dict[str, Score]:
    """How stable and apart the segments are, and how well the rules restate them."""
    chosen, rules = segmentation.clustering.choice.chosen, segmentation.rules
    resamples = (
        f"no interval: measured once, as the mean over all pairs of {segmentation.config.resamples} resamples"
    )
    held_out = f"no interval: measured once, on {rules.held_out:,} held-out customers"
    return {
        "stability": _score("stability", chosen.stability, resamples),
        "silhouette": _score(
            "silhouette", chosen.silhouette, "no interval: measured once, on a sample of the customers"
        ),
        "agreement": _score("agreement", rules.agreement, held_out),
        "macro_f1": _score("macro_f1", rules.macro_f1, held_out),
    }


def _score(name: str, value: float | None, note: str) -> Score:
    reason = "all customers are in one group" if value is None else None
    return Score(name=name, value=value, lower=None, upper=None, direction="higher", reason=reason, note=note)


def judge_segments(segmentation: Segmentation, findings: Sequence[Finding]) -> Verdict:
    """Whether the data bears segments.

    Args:
        segmentation: as it was found.
        findings: of the search for leaks; any one of them takes the verdict away.
    """
    choice = segmentation.clustering.choice
    if findings:
        return Verdict(NOT_STABLE, f"the segments cannot be believed: {findings[0].message}")
    return Verdict(STABLE if choice.is_stable else NOT_STABLE, f"{choice.segments} segments: {choice.reason}")


def gate_segments(segmentation: Segmentation, findings: Sequence[Finding], likeness: float | None) -> Gate:
    """Whether segments may serve: they are stable, and their rules tell them.

    A champion need not be beaten: it groups other customers, those of its day, and no score says which grouping is the
    better one. How alike both are is told.

    Args:
        segmentation: as it was found.
        findings: of the search for leaks.
        likeness: adjusted Rand index between its labels and the champion's; None where there is no champion.
    """
    config, rules = segmentation.config, segmentation.rules
    judgement = judge_segments(segmentation, findings)
    checks = [
        (judgement.label == STABLE, judgement.reason),
        _reaches("agreement of the rules with the segments", rules.agreement, config.least_agreement),
        _reaches("macro F1 of the rules", rules.macro_f1, config.least_macro_f1),
    ]
    champion = (
        "there is no champion"
        if likeness is None
        else f"groups the customers of today as the champion does by an adjusted Rand index of {likeness:.2f}"
    )
    against = [words for holds, words in checks if not holds]
    return Gate(not against, tuple(against or [*(words for _, words in checks), champion]))


def _reaches(what: str, value: float, least: float) -> tuple[bool, str]:
    words = f"{what} on held-out customers is {value:.3f}, and at least {least:g} is asked for"
    return value >= least, words
