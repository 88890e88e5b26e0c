"""From customers to a segmentation, with everything that is told of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from shopwright.models.segmentation.clustering import Clustering, cluster
from shopwright.models.segmentation.config import SegmentationConfig
from shopwright.models.segmentation.data import split
from shopwright.models.segmentation.importance import Importance, importances
from shopwright.models.segmentation.profiles import Contrast, Portrait, portray
from shopwright.models.segmentation.rfm import RfmScale, rfm_scale
from shopwright.models.segmentation.rules import Rules, restate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shopwright.models.segmentation.data import Customers


@dataclass(frozen=True, slots=True)
class Segmentation:
    """Segments of customers as they were found, restated and described."""

    config: SegmentationConfig
    scale: RfmScale
    clustering: Clustering
    rules: Rules
    portraits: tuple[Portrait, ...]
    """By number of the segment, of the customers that it was found with."""

    def measured(self, customers: Customers) -> Segmentation:
        """The same segments and rules, measured on customers as those of a training are.

        Raises:
            DataError: there are too few of them.
        """
        clustering = self.clustering.measured(customers, self.config)
        _, measured_on = split(customers, held_out=self.config.held_out, seed=self.config.seed)
        rules = self.rules.measured(customers.only(measured_on), clustering)
        return replace(self, clustering=clustering, rules=rules)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the segments, by number."""
        return tuple(portrait.name for portrait in self.portraits)

    def to_dict(self) -> dict[str, Any]:
        """As JSON; nothing is lost."""
        return {
            "config": self.config.model_dump(mode="json"),
            "scale": self.scale.to_dict(),
            "clustering": self.clustering.to_dict(),
            "rules": self.rules.to_dict(),
            "portraits": [asdict(portrait) for portrait in self.portraits],
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Segmentation:
        """What :meth:`to_dict` gave, also after a way through JSON."""
        return cls(
            config=SegmentationConfig.model_validate(kept["config"]),
            scale=RfmScale.from_dict(kept["scale"]),
            clustering=Clustering.from_dict(kept["clustering"]),
            rules=Rules.from_dict(kept["rules"]),
            portraits=tuple(_portrait(each) for each in kept["portraits"]),
        )


def train(customers: Customers, config: SegmentationConfig | None = None) -> Segmentation:
    """Find segments, restate them as rules and describe them.

    The same customers and configuration give the same segmentation, whatever the order of their rows.

    Raises:
        DataError: there are too few customers, or one lacks recency, frequency or monetary.
        ConfigurationError: a feature to group by does not exist.
    """
    config = config or SegmentationConfig()
    scale, clustering = rfm_scale(customers), cluster(customers, config)
    labels = clustering.label(customers)
    learned_on, measured_on = split(customers, held_out=config.held_out, seed=config.seed)
    rules = restate(customers, clustering, learned_on=learned_on, measured_on=measured_on, config=config)
    found = importances(customers, labels, learned_on=learned_on, measured_on=measured_on, config=config)
    portraits = portray(customers, labels, segments=clustering.segments, scale=scale, importances=found)
    return Segmentation(config=config, scale=scale, clustering=clustering, rules=rules, portraits=portraits)


def _portrait(kept: Mapping[str, Any]) -> Portrait:
    importance = kept["importance"]
    return Portrait(
        **{
            **kept,
            "scores": tuple(kept["scores"]),
            "contrasts": tuple(Contrast(**each) for each in kept["contrasts"]),
            "importance": None if importance is None else Importance(**importance),
        }
    )
