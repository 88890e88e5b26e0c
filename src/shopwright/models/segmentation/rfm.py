"""RFM: scores from 1 to 5 for recency, frequency and monetary value, and the classes that they define."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shopwright.models.segmentation.customers import Customers, Floats, Labels

LEVELS = 5


@dataclass(frozen=True, slots=True)
class RfmClass:
    """A class of customers by their scores, with a suggested campaign."""

    name: str
    campaign: str


CHAMPIONS = RfmClass("Champions", "Reward them: early access and a say in what comes next; no discounts.")
LOYAL = RfmClass(
    "Loyal customers", "Offer more of what they like and premium versions of it; ask for reviews."
)
POTENTIAL = RfmClass(
    "Potential loyalists",
    "Invite them to the loyalty program; recommend products that go with their purchases.",
)
NEW = RfmClass(
    "New customers", "Welcome them and encourage a second order: help with the first one, then a small gift."
)
PROMISING = RfmClass(
    "Promising", "Stay in touch: show what similar customers bought next, offer free shipping once."
)
ATTENTION = RfmClass(
    "Need attention", "Make a time-limited offer on the categories they bought, before they lose interest."
)
SLEEPY = RfmClass("About to sleep", "Remind them of popular products and of what was left in the cart.")
AT_RISK = RfmClass(
    "At risk", "Write a personal message, ask what went wrong, and offer a reason to come back."
)
PRECIOUS = RfmClass(
    "Cannot lose them", "Contact each of them personally; win them back before a competitor does."
)
HIBERNATING = RfmClass("Hibernating", "Write rarely, only with the best offer of the season.")
LOST = RfmClass("Lost", "Send one last message, then leave them out of campaigns.")

# Rows: recency score from 1 (long ago) to 5. Columns: mean score of frequency and monetary value, from 1 to 5.
GRID = (
    (LOST, LOST, AT_RISK, PRECIOUS, PRECIOUS),
    (HIBERNATING, HIBERNATING, AT_RISK, AT_RISK, PRECIOUS),
    (SLEEPY, SLEEPY, ATTENTION, LOYAL, LOYAL),
    (PROMISING, POTENTIAL, POTENTIAL, LOYAL, CHAMPIONS),
    (NEW, POTENTIAL, POTENTIAL, LOYAL, CHAMPIONS),
)


def classify_rfm(recency: float, frequency: float, monetary: float) -> RfmClass:
    """Return the class of three scores, each from 1 to 5; they may be medians.

    Recency counts by itself, frequency and monetary value by their mean, halves rounded up.

    Example:
        >>> classify_rfm(5, 5, 4).name
        'Champions'
        >>> classify_rfm(5, 1, 1).name
        'New customers'
    """
    return GRID[_rounded(recency) - 1][_rounded((frequency + monetary) / 2) - 1]


def _rounded(score: float) -> int:
    return int(np.floor(score + 0.5))


@dataclass(frozen=True, slots=True)
class RfmScale:
    """Thresholds of the scores 2, 3, 4 and 5, learned from customers.

    A value scores one point, plus one for every fifth of the customers that it beats: 1 if it beats less than a fifth,
    5 if it beats four fifths or more. Equal values always score the same, whatever the order of rows; where a fifth or
    more of the customers share one value, nobody may have some score.
    """

    recency: tuple[float, ...]
    """Days, negated: the more recent the order, the better."""
    frequency: tuple[float, ...]
    monetary: tuple[float, ...]

    def scores(self, customers: Customers) -> Labels:
        """Return scores of customers, (n, 3): recency, frequency and monetary value, each from 1 to 5."""
        thresholds = (self.recency, self.frequency, self.monetary)
        measures = _measures(customers)
        scores = [
            np.searchsorted(threshold, measure, side="right")
            for threshold, measure in zip(thresholds, measures, strict=True)
        ]
        return np.stack(scores, axis=1).astype(np.int64) + 1

    def to_dict(self) -> dict[str, Any]:
        """Return values that JSON can hold; null is the threshold of a score that nobody has."""
        return {
            name: [value if np.isfinite(value) else None for value in getattr(self, name)]
            for name in ("recency", "frequency", "monetary")
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RfmScale:
        """Restore a scale from ``to_dict``."""
        return cls(
            **{
                name: tuple(np.inf if value is None else float(value) for value in data[name])
                for name in ("recency", "frequency", "monetary")
            }
        )


def fit_rfm_scale(customers: Customers) -> RfmScale:
    """Learn thresholds that spread these customers over the scores.

    Raises:
        DataError: there are no customers, or one find_missing_requirement a value.
    """
    measures = _measures(customers)
    if not len(customers) or any(np.isnan(measure).any() for measure in measures):
        raise DataError("RFM scores need customers with recency_days, frequency and monetary")
    recency, frequency, monetary = (_score_thresholds(measure) for measure in measures)
    return RfmScale(recency=recency, frequency=frequency, monetary=monetary)


def rfm_class_names(scores: Labels) -> list[str]:
    """Return the name of each customer's class, by scores (n, 3)."""
    return [classify_rfm(*row).name for row in scores.tolist()]


def _measures(customers: Customers) -> tuple[Floats, Floats, Floats]:
    return -customers.column("recency_days"), customers.column("frequency"), customers.column("monetary")


def _score_thresholds(measure: Floats) -> tuple[float, ...]:
    values, counts = np.unique(measure, return_counts=True)
    beaten = np.cumsum(counts) - counts
    firsts = [np.searchsorted(beaten * LEVELS, level * len(measure)) for level in range(1, LEVELS)]
    return tuple(float(values[first]) if first < len(values) else np.inf for first in firsts)
