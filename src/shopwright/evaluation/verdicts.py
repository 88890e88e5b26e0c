"""Verdicts: whether there is something to predict, and whether a new model may replace the live one.

1. **Verdict.** A leak, or a difference from the best baseline whose interval contains 0: *not predictable with this
   data*, whatever the score. The best baseline is the one with the best score on the same rows; the constant should
   always be among them.
2. **Gate.** A challenger passes if it is predictable by 1, better than the champion on the same later window with the same
   certainty, and calibrated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shopwright.evaluation.leaks import Finding
    from shopwright.evaluation.scores import Difference, Score

PREDICTABLE = "predictable"
NOT_PREDICTABLE = "not predictable with this data"
CALIBRATION_TOLERANCE = 0.02
"""Tolerance for the distance of a calibration score from its ideal."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a model predicts anything with this data, and why."""

    label: str
    """``PREDICTABLE`` or ``NOT_PREDICTABLE``; models without an outcome have their own labels."""
    reason: str
    baseline: str | None = None
    """The best baseline; None if none could be scored."""
    difference: Difference | None = None
    """Difference of the model from that baseline."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a challenger may become champion, and the reasons."""

    passes: bool
    reasons: tuple[str, ...]
    """Reasons against it; if it passes, the reasons for it."""


def assess(baselines: Mapping[str, Difference], findings: Sequence[Finding] = ()) -> Verdict:
    """Assess whether a model beats every baseline and has no leaks.

    Args:
        baselines: name to the paired difference of the model (first) from it (second), all by one score.
        findings: of the leak audit; a single one is enough for not predictable.
    """
    name = _best(baselines)
    difference = baselines[name] if name is not None else None
    if findings:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        reason = f"do not trust the score: {findings[0].message}{more}"
        return Verdict(NOT_PREDICTABLE, reason, name, difference)
    if name is None or difference is None:
        return Verdict(NOT_PREDICTABLE, f"no baseline to compare with: {_why_none(baselines)}")
    if difference.conclusion == "better":
        reason = f"better than the best baseline, {name}: {_compared(difference)}"
        return Verdict(PREDICTABLE, reason, name, difference)
    return Verdict(NOT_PREDICTABLE, _not_better(difference, f"the best baseline, {name}"), name, difference)


def check_gate(
    challenger: Score,
    champion: Difference | None,
    baselines: Mapping[str, Difference],
    calibration: Score | None,
    findings: Sequence[Finding],
    *,
    tolerance: float = CALIBRATION_TOLERANCE,
) -> Gate:
    """Check whether a challenger may become champion.

    Args:
        challenger: its score on the later window.
        champion: paired difference of the challenger from the champion on that window; None if there is no champion.
        baselines: as for ``assess``.
        calibration: ``ece`` for probabilities, ``interval_coverage`` or ``bias`` for amounts; None for a model that
            promises neither. It may differ from its ideal by the tolerance; the ideal of ``ece`` is what chance alone gives.
        findings: of the leak audit.
        tolerance: in the unit of the calibration score, 0.02 is two percentage points.
    """
    verdict = assess(baselines, findings)
    failures: list[str] = []
    passes: list[str] = []
    if challenger.value is None:
        failures.append(f"{challenger.name} is undefined: {challenger.reason}")
    (passes if verdict.label == PREDICTABLE else failures).append(verdict.reason)
    if champion is None:
        passes.append("there is no champion to beat")
    elif champion.conclusion == "better":
        passes.append(f"better than the champion: {_compared(champion)}")
    else:
        failures.append(_not_better(champion, "the champion"))
    if calibration is not None:
        calibrated, message = _calibrated(calibration, tolerance)
        (passes if calibrated else failures).append(message)
    return Gate(not failures, tuple(failures or passes))


def _best(baselines: Mapping[str, Difference]) -> str | None:
    """Return the baseline that is hardest to beat; None if none has a score."""
    scored = {
        name: difference
        for name, difference in baselines.items()
        if difference.value is not None and difference.second is not None
    }
    if not scored:
        return None
    # All are by one score and on the same rows, so the smallest lead of the model is over the best baseline.
    return min(scored, key=lambda name: _lead(scored[name]))


def _lead(difference: Difference) -> float:
    value = difference.value or 0.0
    return value if difference.direction == "higher" else -value


def _why_none(baselines: Mapping[str, Difference]) -> str:
    reasons = [difference.reason for difference in baselines.values() if difference.reason]
    return reasons[0] if reasons else "there is none"


def _compared(difference: Difference) -> str:
    first, second = (
        f"{value:.3g}" if value is not None else "none" for value in (difference.first, difference.second)
    )
    return f"{difference.name} {first} against {second}, difference {difference.format()}"


def _not_better(difference: Difference, what: str) -> str:
    if difference.value is None:
        return f"cannot be compared with {what}: {difference.reason}"
    if difference.lower is None:
        return f"cannot be compared with {what}: {difference.note or 'the difference has no interval'}"
    if difference.conclusion == "worse":
        return f"worse than {what}: {_compared(difference)}"
    return f"not significantly better than {what}: {_compared(difference)} (the interval contains 0)"


def _calibrated(score: Score, tolerance: float) -> tuple[bool, str]:
    if score.value is None:
        return False, f"calibration is unknown: {score.reason}"
    ideal = score.ideal or 0.0
    if score.direction == "lower":
        is_within = score.value - ideal <= tolerance
        limit = f"limit {ideal + tolerance:.3g} (noise {ideal:.3g} + tolerance {tolerance:g})"
    else:
        is_within = abs(score.value - ideal) <= tolerance
        limit = f"limits {ideal - tolerance:.3g} to {ideal + tolerance:.3g}"
    label = "calibrated" if is_within else "not calibrated"
    return is_within, f"{label}: {score.name} {score.format()}, {limit}"
