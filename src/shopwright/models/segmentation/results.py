"""A segmentation as rows of result tables: profiles, importances, candidates for the number of segments, rules, changes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.models.segmentation.changes import count_changes

if TYPE_CHECKING:
    from datetime import date

    from shopwright.models.segmentation.customers import Customers
    from shopwright.models.segmentation.model import Segmentation

    Rows = list[dict[str, Any]]

MAX_CONTRASTS = 3


def profile_rows(segmentation: Segmentation, customers: Customers) -> Rows:
    """Return one row per segment: size, value, medians, name, campaign and distinguishing features."""
    counts_by_rule = np.bincount(segmentation.rules.label(customers), minlength=len(segmentation.profiles))
    return [
        {
            **_named(segmentation, profile.segment),
            "campaign": profile.campaign,
            "customers": profile.customers,
            "customers_by_rules": int(counts_by_rule[profile.segment]),
            "share": profile.share,
            "revenue_share": profile.revenue_share,
            **dict(zip(("recency_score", "frequency_score", "monetary_score"), profile.scores, strict=True)),
            "medians": profile.medians,
            "differs_in": [contrast.label for contrast in profile.contrasts[:MAX_CONTRASTS]],
        }
        for profile in segmentation.profiles
    ]


def importance_rows(segmentation: Segmentation) -> Rows:
    """Return one row per segment and feature: the drop of roc_auc when the feature is shuffled."""
    return [
        {
            **_named(segmentation, profile.segment),
            "roc_auc": profile.importance.roc_auc,
            "feature": feature,
            "loss": loss,
        }
        for profile in segmentation.profiles
        if profile.importance is not None
        for feature, loss in profile.importance.loss.items()
    ]


def choice_rows(segmentation: Segmentation) -> Rows:
    """Return one row per candidate for the number of segments, with its metrics."""
    choice = segmentation.clustering.choice
    return [
        {**asdict(candidate), "is_chosen": candidate.segments == choice.segments}
        for candidate in choice.candidates
    ]


def rule_rows(segmentation: Segmentation) -> Rows:
    """Return one row per rule, in the order of the SQL expression."""
    return [
        {
            **_named(segmentation, rule.segment),
            "rule": rule.text,
            "customers": rule.customers,
            "purity": rule.purity,
        }
        for rule in segmentation.rules.rules
    ]


def change_rows(
    segmentation: Segmentation, before: tuple[date, Customers] | None, after: tuple[date, Customers]
) -> Rows:
    """Return one row per pair of an earlier and a later segment, by the rules; no rows without an earlier date."""
    if before is None:
        return []
    labelled = [(customers.ids, segmentation.rules.label(customers)) for _, customers in (before, after)]
    changes = count_changes(*labelled, names=segmentation.names)
    return [
        {
            "from_date": str(before[0]),
            "to_date": str(after[0]),
            "from": start,
            "to": end,
            "customers": changes.counts[row][column],
            "share": changes.shares[row][column],
        }
        for row, start in enumerate(changes.rows)
        for column, end in enumerate(changes.columns)
    ]


def _named(segmentation: Segmentation, segment: int) -> dict[str, Any]:
    return {"segment": segment, "name": segmentation.names[segment]}
