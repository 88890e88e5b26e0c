"""A segmentation as rows: portraits, what tells segments apart, how many there are, rules, and who moved."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.models.segmentation.moves import count_moves

if TYPE_CHECKING:
    from datetime import date

    from shopwright.models.segmentation.data import Customers
    from shopwright.models.segmentation.train import Segmentation

    Rows = list[dict[str, Any]]

MOST_CONTRASTS = 3


def portrait_rows(segmentation: Segmentation, customers: Customers) -> Rows:
    """One row a segment: size, worth, middle customer, name, campaign and what sets it apart."""
    told = np.bincount(segmentation.rules.label(customers), minlength=len(segmentation.portraits))
    return [
        {
            **_named(segmentation, each.segment),
            "campaign": each.campaign,
            "customers": each.customers,
            "customers_by_rules": int(told[each.segment]),
            "share": each.share,
            "revenue_share": each.revenue_share,
            **dict(zip(("recency_score", "frequency_score", "monetary_score"), each.scores, strict=True)),
            "medians": each.medians,
            "set_apart_by": [contrast.words for contrast in each.contrasts[:MOST_CONTRASTS]],
        }
        for each in segmentation.portraits
    ]


def importance_rows(segmentation: Segmentation) -> Rows:
    """One row a segment and feature: how much worse the segment is told when the feature is shuffled."""
    return [
        {
            **_named(segmentation, portrait.segment),
            "roc_auc": portrait.importance.roc_auc,
            "feature": feature,
            "loss": loss,
        }
        for portrait in segmentation.portraits
        if portrait.importance is not None
        for feature, loss in portrait.importance.loss.items()
    ]


def choice_rows(segmentation: Segmentation) -> Rows:
    """One row a number of segments that was looked at, with what speaks for it."""
    choice = segmentation.clustering.choice
    return [{**asdict(each), "is_chosen": each.segments == choice.segments} for each in choice.figures]


def rule_rows(segmentation: Segmentation) -> Rows:
    """One row a rule, in the order of the SQL expression."""
    return [
        {
            **_named(segmentation, rule.segment),
            "rule": rule.words,
            "customers": rule.customers,
            "purity": rule.purity,
        }
        for rule in segmentation.rules.rules
    ]


def move_rows(
    segmentation: Segmentation, before: tuple[date, Customers] | None, after: tuple[date, Customers]
) -> Rows:
    """One row a segment of the earlier date and one of the later: who moved, by the rules. None without an earlier date."""
    if before is None:
        return []
    labelled = [(customers.ids, segmentation.rules.label(customers)) for _, customers in (before, after)]
    found = count_moves(*labelled, names=segmentation.names)
    return [
        {
            "from_date": str(before[0]),
            "to_date": str(after[0]),
            "from": start,
            "to": end,
            "customers": found.counts[row][column],
            "share": found.shares[row][column],
        }
        for row, start in enumerate(found.rows)
        for column, end in enumerate(found.columns)
    ]


def _named(segmentation: Segmentation, segment: int) -> dict[str, Any]:
    return {"segment": segment, "name": segmentation.names[segment]}
