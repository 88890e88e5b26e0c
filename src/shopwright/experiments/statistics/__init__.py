"""Statistics of experiments: pure functions from values to values.

Here belong estimates with intervals, tests and checks, each from counts, sums and products that add up (``Moments``,
``Proportion``), from three order statistics (``QuantileSummary``), or from another estimate. Which metrics and variants
there are, reading them from the warehouse, the verdict and all texts belong one package up, in ``experiments``.

Every estimator of a metric returns an ``Estimate``, whatever the metric's kind, and everything derived from one
(``always_valid``, ``posterior``, ``guardrail``, ``progress``, ``dilution``) takes one. An undefined value is None, with its
reason beside it; it is never 0 and never nan.
"""

from shopwright.experiments.statistics.bayesian import NormalPrior, Posterior, posterior
from shopwright.experiments.statistics.cuped import cuped
from shopwright.experiments.statistics.dilution import Dilution, dilution
from shopwright.experiments.statistics.estimate import LEVEL, Adjustment, Effect, Estimate, Interval
from shopwright.experiments.statistics.guardrails import Guardrail, GuardrailVerdict, guardrail
from shopwright.experiments.statistics.means import ratio_of_means, welch
from shopwright.experiments.statistics.moments import Moments, Quantity, total
from shopwright.experiments.statistics.multiplicity import Correction, adjust, benjamini_hochberg, holm
from shopwright.experiments.statistics.novelty import Novelty, novelty
from shopwright.experiments.statistics.power import (
    Baseline,
    Progress,
    SampleSize,
    Target,
    detectable_effect,
    progress,
    required_units,
)
from shopwright.experiments.statistics.proportions import (
    ChiSquare,
    Proportion,
    chi_square_independence,
    two_proportions,
)
from shopwright.experiments.statistics.quantiles import (
    Positions,
    QuantileSummary,
    compare_quantiles,
    quantile_positions,
)
from shopwright.experiments.statistics.sample_ratio import SampleRatio, sample_ratio
from shopwright.experiments.statistics.sequential import always_valid, running_minimum

__all__ = [
    "LEVEL",
    "Adjustment",
    "Baseline",
    "ChiSquare",
    "Correction",
    "Dilution",
    "Effect",
    "Estimate",
    "Guardrail",
    "GuardrailVerdict",
    "Interval",
    "Moments",
    "NormalPrior",
    "Novelty",
    "Positions",
    "Posterior",
    "Progress",
    "Proportion",
    "QuantileSummary",
    "Quantity",
    "SampleRatio",
    "SampleSize",
    "Target",
    "adjust",
    "always_valid",
    "benjamini_hochberg",
    "chi_square_independence",
    "compare_quantiles",
    "cuped",
    "detectable_effect",
    "dilution",
    "guardrail",
    "holm",
    "novelty",
    "posterior",
    "progress",
    "quantile_positions",
    "ratio_of_means",
    "required_units",
    "running_minimum",
    "sample_ratio",
    "total",
    "two_proportions",
    "welch",
]
