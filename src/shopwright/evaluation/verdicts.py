"""Whether there is something to predict, and whether a new model may replace the one in use.

1. **Verdict.** A leak, or no difference from the best baseline that the interval is sure of: *not predictable with this
   data*, whatever the score. The best baseline is the one with the best own score on the same rows; the constant should
   always be among them.
2. **Gate.** A challenger passes when it is predictable by 1, better than the champion on the same later window with the same
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
TOLERANCE = 0.02
"""How far a calibration score may be from its ideal."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the data bears what is asked of it, and why."""

    label: str
    """``PREDICTABLE`` or ``NOT_PREDICTABLE``; a model that predicts nothing has words of its own."""
    reason: str
    baseline: str | None = None
    """The best baseline; None where none could be scored."""
    difference: Difference | None = None
    """Of the model from that baseline."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a challenger may become champion, and what was looked at."""

    passes: bool
    reasons: tuple[str, ...]
    """Why not; where it passes, what speaks for it."""


def assess(baselines: Mapping[str, Difference], findings: Sequence[Finding] = ()) -> Verdict:
    """Whether a model beats every baseline, honestly.

    Args:
        baselines: name to the paired difference of the model (first) from it (second), all by one score.
        findings: of the search for leaks; any one of them takes the verdict away.
    """
    name = _best(baselines)
    difference = baselines[name] if name is not None else None
    if findings:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        reason = f"the score cannot be believed: {findings[0].words}{more}"
        return Verdict(NOT_PREDICTABLE, reason, name, difference)
    if name is None or difference is None:
        return Verdict(NOT_PREDICTABLE, f"no baseline to compare with: {_why_none(baselines)}")
    if difference.shows == "better":
        reason = f"better than the best baseline, {name}: {_compared(difference)}"
        return Verdict(PREDICTABLE, reason, name, difference)
    return Verdict(NOT_PREDICTABLE, _not_better(difference, f"the best baseline, {name}"), name, difference)


def gate(
    challenger: Score,
    champion: Difference | None,
    baselines: Mapping[str, Difference],
    calibration: Score | None,
    findings: Sequence[Finding],
    *,
    tolerance: float = TOLERANCE,
) -> Gate:
    """Whether a challenger may become champion.

    Args:
        challenger: its score on the later window.
        champion: paired difference of the challenger from the champion on that window; None where there is no champion.
        baselines: as for ``assess``.
        calibration: ``ece`` for probabilities, ``interval_coverage`` or ``bias`` for amounts; None for a model that
            promises neither. It may be off its ideal by the tolerance; the ideal of ``ece`` is what chance alone shows.
        findings: of the search for leaks.
        tolerance: in the unit of the calibration score, 0.02 is two percentage points.
    """
    judgement = assess(baselines, findings)
    against: list[str] = []
    good: list[str] = []
    if challenger.value is None:
        against.append(f"{challenger.name} is undefined: {challenger.reason}")
    (good if judgement.label == PREDICTABLE else against).append(judgement.reason)
    if champion is None:
        good.append("there is no champion to beat")
    elif champion.shows == "better":
        good.append(f"better than the champion: {_compared(champion)}")
    else:
        against.append(_not_better(champion, "the champion"))
    if calibration is not None:
        calibrated, words = _calibrated(calibration, tolerance)
        (good if calibrated else against).append(words)
    return Gate(not against, tuple(against or good))


def _best(baselines: Mapping[str, Difference]) -> str | None:
    """The baseline that is hardest to beat; None where none has a score."""
    scored = {
        name: each for name, each in baselines.items() if each.value is not None and each.second is not None
    }
    if not scored:
        return None
    # All are by one score and on the same rows, so the smallest lead of the model is over the best baseline.
    return min(scored, key=lambda name: _lead(scored[name]))


def _lead(difference: Difference) -> float:
    value = difference.value or 0.0
    return value if difference.better == "higher" else -value


def _why_none(baselines: Mapping[str, Difference]) -> str:
    reasons = [each.reason for each in baselines.values() if each.reason]
    return reasons[0] if reasons else "there is none"


def _compared(difference: Difference) -> str:
    one, two = (
        f"{each:.3g}" if each is not None else "none" for each in (difference.first, difference.second)
    )
    return f"{difference.name} {one} against {two}, difference {difference.told()}"


def _not_better(difference: Difference, what: str) -> str:
    if difference.value is None:
        return f"cannot be compared with {what}: {difference.reason}"
    if difference.lower is None:
        return f"cannot be compared with {what}: {difference.note or 'the difference has no interval'}"
    if difference.shows == "worse":
        return f"worse than {what}: {_compared(difference)}"
    return f"not surely better than {what}: {_compared(difference)}, an interval that holds 0"


def _calibrated(score: Score, tolerance: float) -> tuple[bool, str]:
    if score.value is None:
        return False, f"calibration is unknown: {score.reason}"
    ideal = score.ideal or 0.0
    off = score.value - ideal if score.better == "lower" else abs(score.value - ideal)
    words = (
        f"{score.name} {score.told()}, where {ideal:.3g} would be perfect and {tolerance:g} off is allowed"
    )
    return off <= tolerance, f"{'calibrated' if off <= tolerance else 'not calibrated'}: {words}"
