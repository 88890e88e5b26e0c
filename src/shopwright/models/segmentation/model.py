"""A segmentation: segments, the rules that restate them, and a profile of each."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from shopwright.models.segmentation.clustering import Clustering
from shopwright.models.segmentation.config import SegmentationConfig
from shopwright.models.segmentation.customers import NAMES, split
from shopwright.models.segmentation.importance import Importance
from shopwright.models.segmentation.profiles import Contrast, SegmentProfile
from shopwright.models.segmentation.rfm import RfmScale
from shopwright.models.segmentation.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shopwright.models.segmentation.customers import Customers

RFM = ("recency_days", "frequency", "monetary")
"""Features with scores from 1 to 5."""

RENAMED_KEYS = {
    "portraits": "profiles",
    "centres": "centers",
    "centre": "center",
    "filling": "fill_value",
    "fillings": "fill_values",
    "figures": "candidates",
    "words": "label",
    "smallest_share": "min_segment_share",
    **{
        f"least_{name}": f"min_{name}"
        for name in ("segments", "stability", "share", "leaf_share", "agreement", "macro_f1")
    },
    **{f"most_{name}": f"max_{name}" for name in ("segments", "compared", "leaves")},
}
"""Keys of artifacts as earlier releases wrote them, and their names now."""


@dataclass(frozen=True, slots=True)
class Segmentation:
    """Segments of customers, restated as rules and described."""

    config: SegmentationConfig
    scale: RfmScale
    clustering: Clustering
    rules: Rules
    profiles: tuple[SegmentProfile, ...]
    """By number of the segment, of the customers that the segments were found in."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the segments, by number."""
        return tuple(profile.name for profile in self.profiles)

    @property
    def features(self) -> tuple[str, ...]:
        """Features that determine a customer's segment and scores."""
        return tuple(name for name in NAMES if name in {*self.clustering.features, *RFM})

    def measure(self, customers: Customers) -> Segmentation:
        """Return the same segments and rules with their metrics on other customers.

        Raises:
            DataError: there are too few customers.
        """
        clustering = self.clustering.measure(customers, self.config)
        _, measured_on = split(customers, held_out=self.config.held_out, seed=self.config.seed)
        rules = self.rules.measure(customers.take(measured_on), clustering)
        return replace(self, clustering=clustering, rules=rules)

    def to_dict(self) -> dict[str, Any]:
        """Return the segmentation as values that JSON can hold, without any loss."""
        return {
            "config": self.config.model_dump(mode="json"),
            "scale": self.scale.to_dict(),
            "clustering": self.clustering.to_dict(),
            "rules": self.rules.to_dict(),
            "profiles": [asdict(profile) for profile in self.profiles],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Segmentation:
        """Restore a segmentation from ``to_dict``, also from an artifact of an earlier release."""
        current = _rename_keys(dict(data))
        return cls(
            config=SegmentationConfig.model_validate(current["config"]),
            scale=RfmScale.from_dict(current["scale"]),
            clustering=Clustering.from_dict(current["clustering"]),
            rules=Rules.from_dict(current["rules"]),
            profiles=tuple(_load_profile(profile) for profile in current["profiles"]),
        )


def _load_profile(data: Mapping[str, Any]) -> SegmentProfile:
    importance = data["importance"]
    return SegmentProfile(
        **{
            **data,
            "scores": tuple(data["scores"]),
            "contrasts": tuple(Contrast(**contrast) for contrast in data["contrasts"]),
            "importance": None if importance is None else Importance(**importance),
        }
    )


def _rename_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {RENAMED_KEYS.get(key, key): _rename_keys(entry) for key, entry in value.items()}
    return [_rename_keys(entry) for entry in value] if isinstance(value, list) else value
