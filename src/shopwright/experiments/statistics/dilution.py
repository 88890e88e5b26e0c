"""Dilution: units that were assigned but never exposed, and the effect among those exposed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from shopwright.experiments.statistics.proportions import Proportion, two_proportions

if TYPE_CHECKING:
    from shopwright.experiments.statistics.estimate import Effect, Estimate

Population = Literal["assigned", "exposed"]

UNEVEN = 0.01
"""p-value below which exposure counts as different between variants."""


@dataclass(frozen=True, slots=True)
class Dilution:
    """Share of exposed units, and the effect on the other population."""

    unexposed_share: float | None
    """Of all assigned units, 0 to 1."""
    exposure_pvalue: float | None
    """Against equal shares in both variants."""
    is_uneven: bool
    """Whether the shares differ: then the treatment changes who is exposed, and exposed units are not comparable."""
    measured_on: Population
    scaled: Effect | None
    """Absolute effect on the other population: on exposed units if measured on assigned ones, and vice versa."""
    reason: str | None = None
    """Why there is no scaled effect."""


def dilution(
    estimate: Estimate, *, control: Proportion, treatment: Proportion, measured_on: Population
) -> Dilution:
    """Scale an effect per unit between all assigned and only the exposed units.

    Units that are never exposed cannot be affected, so with e the exposed share of assigned units
    ``effect on assigned = e * effect on exposed``. Value and interval scale alike; e is taken as known, which
    is harmless as long as its own relative error is small beside the effect's. For means and proportions per
    unit, not for ratios or quantiles.

    Args:
        estimate: its absolute difference is scaled.
        control: exposed of assigned units.
        treatment: the same.
        measured_on: the units the estimate was computed on.

    Source: H. S. Bloom, "Accounting for No-Shows in Experimental Evaluation Designs", Evaluation Review 8,
    1984 (from assigned to exposed); A. Deng, V. Hu, "Diluted Treatment Effect Estimation for Trigger Analysis
    in Online Controlled Experiments", WSDM 2015 (from exposed to assigned).
    """
    shares = two_proportions(control, treatment)
    assigned, exposed = control.count + treatment.count, control.successes + treatment.successes
    unexposed = 1 - exposed / assigned if assigned else None
    is_uneven = shares.pvalue is not None and shares.pvalue < UNEVEN
    scaled, reason = None, _reason(estimate, exposed, is_uneven=is_uneven)
    if estimate.absolute and not reason:
        share = exposed / assigned
        scaled = estimate.absolute.scaled(share if measured_on == "exposed" else 1 / share)
    return Dilution(unexposed, shares.pvalue, is_uneven, measured_on, scaled, reason)


def _reason(estimate: Estimate, exposed: int, *, is_uneven: bool) -> str | None:
    if not exposed:
        return "no unit was exposed"
    if is_uneven:
        return "exposure differs between the variants"
    return estimate.reason if estimate.absolute is None else None
