"""The assignment rule: from an experiment's settings and a unit's id to a variant.

The salt is the experiment's own, so the splits of two experiments are independent; the same unit always gets the same
variant, on any machine. Experiments of one layer share its buckets, so a unit takes part in at most one of them.

Sources: Kohavi, Tang, Xu, "Trustworthy Online Controlled Experiments" (2020), chapter 4; layers are those of Tang et
al., "Overlapping Experiment Infrastructure" (KDD 2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopwright.assignment.hashing import BUCKET_COUNT, assign_bucket, has_odd_md5

if TYPE_CHECKING:
    from shopwright.settings import ExperimentDefinition


@dataclass(frozen=True, slots=True)
class BucketRange:
    """Buckets from ``start`` up to, but not including, ``end``."""

    start: int
    end: int

    def __contains__(self, bucket: int) -> bool:
        """Return whether a bucket is in the range."""
        return self.start <= bucket < self.end


@dataclass(frozen=True, slots=True)
class Assignment:
    """A unit's variant and why it sees that variant."""

    experiment: str
    unit_id: str
    variant: str | None
    """None where the unit takes no part."""
    bucket: int | None
    """None where the assignment uses no buckets."""
    reason: str


def variant_buckets(experiment: ExperimentDefinition) -> dict[str, BucketRange]:
    """Return the buckets of each variant.

    Each variant reserves a range as wide as its share of all buckets and fills it from below. So raising ``traffic``
    adds units and never moves a unit to another variant; the buckets between two ranges take no part.
    """
    ranges: dict[str, BucketRange] = {}
    cumulative_share, start = 0.0, 0
    for name, share in experiment.shares.items():
        cumulative_share += share
        end = round(cumulative_share * BUCKET_COUNT)
        ranges[name] = BucketRange(start, start + round((end - start) * experiment.traffic))
        start = end
    return ranges


def layer_buckets(experiment: ExperimentDefinition) -> BucketRange:
    """Return the buckets of its layer that belong to an experiment."""
    low, high = experiment.layer_range
    return BucketRange(round(low * BUCKET_COUNT), round(high * BUCKET_COUNT))


def layer_salt(experiment: ExperimentDefinition) -> str:
    """Return the salt of an experiment's layer; empty without a layer.

    The prefix keeps it different from the salt of every experiment, however the two are named.
    """
    return f"layer:{experiment.layer}" if experiment.layer else ""


def hash_salt(experiment: ExperimentDefinition) -> str:
    """Return the salt of an experiment's own split: its name, unless the settings state another."""
    return experiment.salt or experiment.name


def expected_weights(experiment: ExperimentDefinition) -> list[float]:
    """Return how many units the variants should have relative to one another, in the variants' order.

    Of a hash these are the widths of the bucket ranges, which rounding and ``traffic`` move a little away from the
    weights in the settings; a test of the sample ratio has to use them.
    """
    if experiment.assignment == "hash":
        return [float(buckets.end - buckets.start) for buckets in variant_buckets(experiment).values()]
    return list(experiment.variants.values())


def assign(experiment: ExperimentDefinition, unit_id: str) -> Assignment:
    """Assign a unit to a variant by the experiment's settings.

    Args:
        experiment: the experiment.
        unit_id: id of the user, or the session key where the experiment's unit is the session.

    Returns:
        The variant is None where the unit takes no part, and where events or another tool decide: what those say is
        not known here.
    """

    def explain(variant: str | None, reason: str, bucket: int | None = None) -> Assignment:
        return Assignment(experiment.name, unit_id, variant, bucket, reason)

    if experiment.assignment in ("stated", "exposures"):
        return explain(None, f"assigned elsewhere ({experiment.assignment})")
    if experiment.layer and assign_bucket(layer_salt(experiment), unit_id) not in layer_buckets(experiment):
        return explain(None, f"in another part of layer '{experiment.layer}'")
    if experiment.assignment == "md5_parity":
        even, odd = experiment.variants
        return explain(odd if has_odd_md5(unit_id) else even, "parity of the MD5")
    bucket = assign_bucket(hash_salt(experiment), unit_id)
    for variant, buckets in variant_buckets(experiment).items():
        if bucket in buckets:
            return explain(variant, f"bucket {bucket} of {BUCKET_COUNT}", bucket)
    return explain(None, f"bucket {bucket} takes no part (traffic {experiment.traffic:.0%})", bucket)
