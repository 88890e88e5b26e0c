"""Scoring: put today's customers into segments by the rules, and explain it for one customer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.errors import ConfigurationError, DataError
from shopwright.models.protocol import Explanation
from shopwright.models.segmentation.customers import TABLE, read_customers, snapshot_dates
from shopwright.models.segmentation.model import Segmentation
from shopwright.models.segmentation.rfm import rfm_class_names

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from numpy.typing import NDArray

    from shopwright.core.engine import Connection
    from shopwright.models.protocol import Sample
    from shopwright.models.segmentation.customers import Customers

FILE = "segmentation.json"


@dataclass(frozen=True, slots=True)
class LoadedSegmentation:
    """A segmentation read from its artifact."""

    segmentation: Segmentation

    @classmethod
    def load(cls, folder: Path) -> LoadedSegmentation:
        """Read the artifact that training wrote."""
        return cls(Segmentation.from_dict(json.loads((folder / FILE).read_text(encoding="utf-8"))))

    def score(self, connection: Connection) -> dict[str, NDArray[Any]]:
        """Return segment, name, campaign, scores and previous segment of today's customers.

        Raises:
            DataError: there are no customers.
        """
        segmentation = self.segmentation
        today, earlier = snapshot_dates(connection)
        customers = read_customers(connection, snapshot_date=today)
        labels = segmentation.rules.label(customers)
        scores = segmentation.scale.scores(customers)
        decided_at = np.full(len(customers), np.datetime64(today, "us"))
        campaigns = np.array([profile.campaign for profile in segmentation.profiles], dtype=object)
        return {
            "customer_id": customers.ids.astype(object),
            "snapshot_date": decided_at,
            "decided_at": decided_at,
            "segment": labels.astype(np.int32),
            "segment_name": np.array(segmentation.names, dtype=object)[labels],
            "campaign": campaigns[labels],
            "rfm_class": np.array(rfm_class_names(scores), dtype=object),
            "recency_score": scores[:, 0].astype(np.int32),
            "frequency_score": scores[:, 1].astype(np.int32),
            "monetary_score": scores[:, 2].astype(np.int32),
            "moved_from": self._segments_at(connection, earlier, customers.ids),
        }

    def sample(self, connection: Connection, *, rows: int, seed: int) -> Sample:  # noqa: ARG002
        """Refuse: a rule puts a customer into a segment, so there are no contributions to draw.

        Raises:
            ConfigurationError: always.
        """
        raise ConfigurationError(
            "Rules put customers into segments, so features have no contributions to a score. See the rules with "
            "`shopwright models show segmentation champion`"
        )

    def explain(self, connection: Connection, entity: str) -> Explanation:
        """Return the rule that puts one of today's customers into their segment.

        Raises:
            DataError: the shop has no such customer today.
        """
        segmentation = self.segmentation
        today, earlier = snapshot_dates(connection)
        customer = read_customers(connection, snapshot_date=today, customer=entity)
        if not len(customer):
            raise DataError(f"{TABLE} has no customer_id '{entity}' today")
        previous = None
        if earlier is not None:
            customer_before = read_customers(connection, snapshot_date=earlier, customer=entity)
            previous = (earlier, segmentation.rules.label(customer_before).tolist())
        values = {name: float(customer.column(name)[0]) for name in segmentation.features}
        segment = int(segmentation.rules.label(customer)[0])
        return Explanation(
            entity=entity,
            decided_at=str(np.datetime64(today, "us")),
            score=float(segment),
            base=0.0,
            scale="",
            contributions={},
            values={name: None if np.isnan(value) else value for name, value in values.items()},
            score_text=segmentation.names[segment],
            reasons=_reasons(segmentation, customer, previous),
        )

    def _segments_at(
        self, connection: Connection, snapshot: date | None, ids: NDArray[np.str_]
    ) -> NDArray[np.object_]:
        """Return segments by the rules at a snapshot, (n,); None for customers who had not ordered by then."""
        if snapshot is None:
            return np.full(len(ids), None, dtype=object)
        customers = read_customers(connection, snapshot_date=snapshot)
        labels = dict(
            zip(customers.ids.tolist(), self.segmentation.rules.label(customers).tolist(), strict=True)
        )
        return np.array([labels.get(customer) for customer in ids.tolist()], dtype=object)


def _reasons(
    segmentation: Segmentation, customer: Customers, previous: tuple[date, list[int]] | None
) -> tuple[str, ...]:
    """Return sentences on the rule, its precision, the scores, the campaign and the previous segment.

    Args:
        segmentation: gives segments and rules.
        customer: a single customer.
        previous: the earlier date and the segment at it (empty if they had not ordered by then); None without such a date.
    """
    names = segmentation.names
    rule = segmentation.rules.rules[int(segmentation.rules.matching_rule(customer)[0])]
    nearest = int(segmentation.clustering.label(customer)[0])
    recency, frequency, monetary = segmentation.scale.scores(customer)[0].tolist()
    reasons = [
        f"Rule: {rule.text}.",
        f"{rule.purity:.0%} of the {rule.customers:,} customers it was learned from belong to {names[rule.segment]}.",
        f"Scores from 1 to 5: recency {recency}, frequency {frequency}, monetary {monetary}.",
        f"Campaign: {segmentation.profiles[rule.segment].campaign}",
    ]
    if nearest != rule.segment:
        reasons.insert(
            2, f"The nearest cluster center is that of {names[nearest]}, so the rules misplace this customer."
        )
    if previous is not None:
        day, segments = previous
        state = f"in {names[segments[0]]}" if segments else "not a customer yet"
        reasons.append(f"On {day}, by the same rules: {state}.")
    return tuple(reasons)
