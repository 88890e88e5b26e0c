"""Who sees which variant.

A unit's bucket is the first 15 hexadecimal digits of the MD5 of ``salt:unit``, as a number, modulo 10,000. The salt is the
experiment's own, so that the splits of two experiments have nothing to do with each other; the same unit gets the same
variant for ever, on any machine, and the dbt macro ``bucket_of`` says the same in SQL. MD5 is no secret here, only a
good mixer that every engine knows; 60 bits modulo 10,000 favour no bucket by more than one in 10^14.

Sources: Kohavi, Tang, Xu, "Trustworthy Online Controlled Experiments" (2020), chapter 18; layers are those of Tang et
al., "Overlapping Experiment Infrastructure" (KDD 2010).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shopwright.settings import ExperimentDefinition

BUCKETS = 10_000
_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Slice:
    """Buckets from ``start`` to before ``end``."""

    start: int
    end: int

    def __contains__(self, bucket: int) -> bool:
        """Whether a bucket is one of them."""
        return self.start <= bucket < self.end


@dataclass(frozen=True, slots=True)
class Assignment:
    """Why a unit sees what it sees."""

    experiment: str
    unit_id: str
    variant: str | None
    """None where the unit takes no part."""
    bucket: int | None
    """None where a scheme has no buckets."""
    reason: str


def bucket_of(salt: str, unit_id: str) -> int:
    """A unit's bucket under a salt, from 0 to 9,999.

    >>> bucket_of("checkout", "541320447")
    7547
    """
    digest = hashlib.md5(f"{salt}:{unit_id}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:_DIGITS], 16) % BUCKETS


def slices_of(experiment: ExperimentDefinition) -> dict[str, Slice]:
    """Variant to its buckets. What ``traffic`` leaves out lies between them.

    Each variant keeps a place as wide as its share of all buckets and fills it from below, so that more traffic adds
    units and moves none.
    """
    places: dict[str, Slice] = {}
    reached, start = 0.0, 0
    for name, share in experiment.shares.items():
        reached += share
        end = round(reached * BUCKETS)
        places[name] = Slice(start, start + round((end - start) * experiment.traffic))
        start = end
    return places


def layer_of(experiment: ExperimentDefinition) -> Slice:
    """The buckets of its layer that belong to an experiment."""
    low, high = experiment.layer_range
    return Slice(round(low * BUCKETS), round(high * BUCKETS))


def layer_salt_of(experiment: ExperimentDefinition) -> str:
    """What a layer hashes together with the units; never the salt of an experiment, however the two are named."""
    return f"layer:{experiment.layer}" if experiment.layer else ""


def weights_of(experiment: ExperimentDefinition) -> list[float]:
    """What the variants' numbers of units are to each other, as dealt: buckets of a hash, else the weights."""
    if experiment.assignment == "hash":
        return [float(places.end - places.start) for places in slices_of(experiment).values()]
    return list(experiment.variants.values())


def salt_of(experiment: ExperimentDefinition) -> str:
    """What is hashed together with the units."""
    return experiment.salt or experiment.name


def assign(experiment: ExperimentDefinition, unit_id: str) -> Assignment:
    """The variant that a unit sees, by the experiment's own scheme.

    What events or another tool state is not known here: of such experiments the variant is None.
    """

    def answer(variant: str | None, reason: str, bucket: int | None = None) -> Assignment:
        return Assignment(experiment.name, unit_id, variant, bucket, reason)

    if experiment.assignment in ("stated", "exposures"):
        return answer(None, f"assigned elsewhere ({experiment.assignment})")
    if experiment.layer and bucket_of(layer_salt_of(experiment), unit_id) not in layer_of(experiment):
        return answer(None, f"another part of layer '{experiment.layer}'")
    if experiment.assignment == "md5_parity":
        return answer(_by_parity(experiment, unit_id), "parity of the MD5")
    bucket = bucket_of(salt_of(experiment), unit_id)
    for variant, places in slices_of(experiment).items():
        if bucket in places:
            return answer(variant, f"bucket {bucket} of {BUCKETS}", bucket)
    return answer(None, f"bucket {bucket} takes no part (traffic {experiment.traffic:.0%})", bucket)


def _by_parity(experiment: ExperimentDefinition, unit_id: str) -> str:
    even, odd = experiment.variants
    digest = hashlib.md5(unit_id.encode(), usedforsecurity=False).hexdigest()
    return odd if int(digest, 16) % 2 else even
