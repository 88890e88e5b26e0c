"""Audit of an experiment: whether its data and its assignment can be trusted on this shop's units, metrics and ids.

* ``false_positives``, **A/A tests**: the same units are split into the variants again and again, at random, so there is no
  effect; a test that finds one more often than it may does not fit this shop's data (a ratio that rests on a handful of
  units is enough).
* ``assignment_checks``, **balance**: the hash spreads this shop's ids evenly over its buckets; **correlation**: this
  experiment's split is independent of every other; **unknown variants**: the variants stated for units are in the settings.
* ``sample_ratio_checks``, **sample ratio**: where the split is off, the dimension, day or stage that explains it; **over
  time**: whether the split is the same from the first day to the last.

Source: R. Kohavi, D. Tang, Y. Xu, "Trustworthy Online Controlled Experiments" (2020), chapters 19 (A/A tests) and 21 (sample
ratio mismatch); A. Fabijan and others, "Diagnosing Sample Ratio Mismatch", KDD 2019.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from shopwright.experiments.aggregates import UNITS
from shopwright.experiments.audit.assignment_checks import (
    Balance,
    Correlation,
    UnknownVariant,
    balance,
    correlate,
    unknown_variants,
)
from shopwright.experiments.audit.false_positives import FalsePositives, false_positives
from shopwright.experiments.audit.sample_ratio_checks import (
    SplitOverTime,
    Suspect,
    split_over_time,
    trace_sample_ratio,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.random import Generator

    from shopwright.core.engine import Connection
    from shopwright.experiments.statistics import SampleRatio
    from shopwright.settings import ExperimentDefinition

__all__ = [
    "Audit",
    "Balance",
    "Correlation",
    "FalsePositives",
    "SplitOverTime",
    "Suspect",
    "UnknownVariant",
    "audit",
    "balance",
    "correlate",
    "false_positives",
    "split_over_time",
    "trace_sample_ratio",
    "unknown_variants",
]


@dataclass(frozen=True, slots=True)
class Audit:
    """Results of all checks of an experiment."""

    experiment: str
    false_positives: tuple[FalsePositives, ...]
    balance: Balance | None
    """None where units are not assigned by hash."""
    correlations: tuple[Correlation, ...]
    """With every other experiment of the shop."""
    unknown_variants: tuple[UnknownVariant, ...]
    """Variants stated for units that the settings do not name; such units count nowhere."""
    sample_ratio: SampleRatio
    suspects: tuple[Suspect, ...]
    """Groups of units that explain a mismatch, the clearest first; empty without a mismatch."""
    split_over_time: SplitOverTime

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON, with the conclusions, so that readers need not repeat the rules."""
        return {
            **asdict(self),
            "false_positives": [{**asdict(test), "is_sound": test.is_sound} for test in self.false_positives],
            "correlations": [
                {**asdict(correlation), "is_independent": correlation.is_independent}
                for correlation in self.correlations
            ],
            "sample_ratio": {**asdict(self.sample_ratio), "is_mismatch": self.sample_ratio.is_mismatch},
            "suspects": [
                {**asdict(suspect), "explains_all": suspect.explains_all} for suspect in self.suspects
            ],
            "split_over_time": {
                **asdict(self.split_over_time),
                "is_changed": self.split_over_time.is_changed,
            },
        }


def audit(
    connection: Connection,
    experiment: ExperimentDefinition,
    other_experiments: Sequence[ExperimentDefinition],
    *,
    rng: Generator,
    simulations: int = 1_000,
    on_progress: Callable[[int], None] = lambda _: None,
    units: str = UNITS,
) -> Audit:
    """Check an experiment for everything that would make its results wrong.

    Args:
        connection: to a warehouse with ``fct_experiment_units``, and, where events or an exposure log state the variants,
            with their silver tables.
        experiment: the experiment.
        other_experiments: the shop's other experiments.
        rng: source of the random splits.
        simulations: number of A/A tests per metric.
        on_progress: called with the number of completed A/A tests.
        units: table of the units.
    """
    ratio, suspects = trace_sample_ratio(connection, experiment, units=units)
    return Audit(
        experiment=experiment.name,
        false_positives=tuple(
            false_positives(
                connection, experiment, rng=rng, simulations=simulations, on_progress=on_progress, units=units
            )
        ),
        balance=balance(connection, experiment) if experiment.assignment == "hash" else None,
        correlations=tuple(
            correlate(connection, experiment, other, units=units) for other in other_experiments
        ),
        unknown_variants=tuple(unknown_variants(connection, experiment, other_experiments)),
        sample_ratio=ratio,
        suspects=suspects,
        split_over_time=split_over_time(connection, experiment, units=units),
    )
