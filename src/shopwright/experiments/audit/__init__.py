"""Whether the machinery itself can be trusted: on this shop's units, metrics and ids.

* ``false_positives``, **A/A**: the same units are dealt to the variants again and again, at random, so that there is no effect;
  a test that finds one more often than it may is not fit for this shop's data (a ratio that rests on a handful of units
  is enough).
* ``dealing``, **balance**: the hash deals this shop's ids evenly over its buckets; **correlation**: the split of this experiment
  has nothing to do with the split of any other; **unknown variants**: what is stated of units is what the settings name.
* ``ratios``, **sample ratio**: where the split is off, the dimension, day or stage that explains it; **over time**: whether
  the split is the same from the first day to the last.

Source: R. Kohavi, D. Tang, Y. Xu, "Trustworthy Online Controlled Experiments" (2020), chapters 19 (A/A tests) and 21 (sample
ratio mismatch); A. Fabijan and others, "Diagnosing Sample Ratio Mismatch", KDD 2019.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from shopwright.experiments.aggregates import UNITS
from shopwright.experiments.audit.dealing import (
    Balance,
    Correlation,
    UnknownVariant,
    balance,
    correlate,
    unknown_variants,
)
from shopwright.experiments.audit.false_positives import FalsePositives, false_positives
from shopwright.experiments.audit.ratios import (
    SplitOverTime,
    Suspect,
    split_over_time,
    trace_sample_ratio,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import duckdb
    from numpy.random import Generator

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
    """What was found."""

    experiment: str
    false_positives: tuple[FalsePositives, ...]
    balance: Balance | None
    """None where no hash deals the units."""
    correlations: tuple[Correlation, ...]
    """With every other experiment of the shop."""
    unknown_variants: tuple[UnknownVariant, ...]
    """Of units whose variant is stated: names that the settings do not know; such units count nowhere."""
    sample_ratio: SampleRatio
    suspects: tuple[Suspect, ...]
    """Parts of the units that explain a mismatch, the most telling first; empty where there is none."""
    split_over_time: SplitOverTime

    def document(self) -> dict[str, Any]:
        """Everything as plain values, with what follows from the figures, so that machines need not repeat the rules."""
        return {
            **asdict(self),
            "false_positives": [{**asdict(each), "is_sound": each.is_sound} for each in self.false_positives],
            "correlations": [
                {**asdict(each), "is_independent": each.is_independent} for each in self.correlations
            ],
            "sample_ratio": {**asdict(self.sample_ratio), "is_mismatch": self.sample_ratio.is_mismatch},
            "suspects": [{**asdict(each), "explains_all": each.explains_all} for each in self.suspects],
            "split_over_time": {
                **asdict(self.split_over_time),
                "is_changed": self.split_over_time.is_changed,
            },
        }


def audit(
    connection: duckdb.DuckDBPyConnection,
    experiment: ExperimentDefinition,
    others: Sequence[ExperimentDefinition],
    *,
    rng: Generator,
    simulations: int = 1_000,
    watch: Callable[[int], None] = lambda _: None,
    units: str = UNITS,
) -> Audit:
    """Look for what would make an experiment's read-out wrong.

    Args:
        connection: to a warehouse with ``fct_experiment_units``; and, where variants are stated, with what states them.
        experiment: the one.
        others: the shop's other experiments.
        rng: deals the units again.
        simulations: A/A tests per metric.
        watch: told how many of them are done.
        units: table of the units.
    """
    ratio, suspects = trace_sample_ratio(connection, experiment, units=units)
    return Audit(
        experiment=experiment.name,
        false_positives=tuple(
            false_positives(
                connection, experiment, rng=rng, simulations=simulations, watch=watch, units=units
            )
        ),
        balance=balance(connection, experiment) if experiment.assignment == "hash" else None,
        correlations=tuple(correlate(connection, experiment, other, units=units) for other in others),
        unknown_variants=tuple(unknown_variants(connection, experiment, others)),
        sample_ratio=ratio,
        suspects=suspects,
        split_over_time=split_over_time(connection, experiment, units=units),
    )
