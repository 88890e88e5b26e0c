"""Scores from 1 to 5 for recency, frequency and money, and the classes they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shopwright.models.segmentation.data import Customers, Floats, Labels

LEVELS = 5


@dataclass(frozen=True, slots=True)
class RfmClass:
    """A class of customers by their scores, and what is usually done for it."""

    name: str
    campaign: str


CHAMPIONS = RfmClass("Champions", "Reward them: early access and a say in what comes next; no discounts.")
LOYAL = RfmClass("Loyal customers", "Offer more of what they like and dearer kinds of it; ask for reviews.")
POTENTIAL = RfmClass(
    "Potential loyalists", "Invite them to the loyalty programme; show what goes with what they bought."
)
NEW = RfmClass(
    "New customers", "Welcome them and bring about the second order: help with the first, then a small gift."
)
PROMISING = RfmClass(
    "Promising", "Keep the shop in mind: what others like them bought next, free shipping once."
)
ATTENTION = RfmClass(
    "Need attention", "A limited offer on the categories they know, before they forget the shop."
)
SLEEPY = RfmClass("About to sleep", "Remind them of popular products and of what was left in the cart.")
AT_RISK = RfmClass("At risk", "Write personally, ask what was wrong, and offer a reason to come back.")
PRECIOUS = RfmClass(
    "Cannot lose them", "Call or write them one by one; win them back before a competitor keeps them."
)
HIBERNATING = RfmClass("Hibernating", "Write seldom, with the strongest offer of the season only.")
LOST = RfmClass("Lost", "Spend nothing but one last message; then leave them out of campaigns.")

# Rows: recency score from 1 (long ago) to 5. Columns: frequency and money, from 1 to 5.
GRID = (
    (LOST, LOST, AT_RISK, PRECIOUS, PRECIOUS),
    (HIBERNATING, HIBERNATING, AT_RISK, AT_RISK, PRECIOUS),
    (SLEEPY, SLEEPY, ATTENTION, LOYAL, LOYAL),
    (PROMISING, POTENTIAL, POTENTIAL, LOYAL, CHAMPIONS),
    (NEW, POTENTIAL, POTENTIAL, LOYAL, CHAMPIONS),
)


def class_of(recency: float, frequency: float, monetary: float) -> RfmClass:
    """The class of three scores, each from 1 to 5; they may be medians.

    Recency is looked at by itself, frequency and money by their mean, halves rounded up.

    Example:
        >>> class_of(5, 5, 4).name
        'Champions'
        >>> class_of(5, 1, 1).name
        'New customers'
    """
    return GRID[_rounded(recency) - 1][_rounded((frequency + monetary) / 2) - 1]


def _rounded(score: float) -> int:
    return int(np.floor(score + 0.5))


@dataclass(frozen=True, slots=True)
class RfmScale:
    """Where the scores 2, 3, 4 and 5 begin, as the customers it was made of place them.

    A value scores one point, and one more for every fifth of the customers that it beats: 1 where it beats less than a
    fifth, 5 where it beats four fifths or more. Equal values beat the same customers, so they always score the same,
    whatever the order of rows; where a fifth or more share one value, a score may be given to nobody.
    """

    recency: tuple[float, ...]
    """Days, negated: the later the order, the better."""
    frequency: tuple[float, ...]
    monetary: tuple[float, ...]

    def scores(self, customers: Customers) -> Labels:
        """Scores of customers, (n, 3): recency, frequency and money, each from 1 to 5."""
        begins = (self.recency, self.frequency, self.monetary)
        measures = _measures(customers)
        found = [
            np.searchsorted(begin, measure, side="right")
            for begin, measure in zip(begins, measures, strict=True)
        ]
        return np.stack(found, axis=1).astype(np.int64) + 1

    def to_dict(self) -> dict[str, Any]:
        """As JSON; null begins a score that nobody has."""
        return {
            name: [value if np.isfinite(value) else None for value in getattr(self, name)]
            for name in ("recency", "frequency", "monetary")
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> RfmScale:
        """What :meth:`to_dict` gave."""
        return cls(
            **{
                name: tuple(np.inf if value is None else float(value) for value in kept[name])
                for name in ("recency", "frequency", "monetary")
            }
        )


def rfm_scale(customers: Customers) -> RfmScale:
    """Place the scores so that these customers are spread over them.

    Raises:
        DataError: there are no customers, or one lacks a value.
    """
    measures = _measures(customers)
    if not len(customers) or any(np.isnan(measure).any() for measure in measures):
        raise DataError("scores need customers with recency_days, frequency and monetary")
    recency, frequency, monetary = (_begins(measure) for measure in measures)
    return RfmScale(recency=recency, frequency=frequency, monetary=monetary)


def class_names(scores: Labels) -> list[str]:
    """The class of each customer, of scores (n, 3)."""
    return [class_of(*row).name for row in scores.tolist()]


def _measures(customers: Customers) -> tuple[Floats, Floats, Floats]:
    return -customers.column("recency_days"), customers.column("frequency"), customers.column("monetary")


def _begins(measure: Floats) -> tuple[float, ...]:
    values, counts = np.unique(measure, return_counts=True)
    beaten = np.cumsum(counts) - counts
    firsts = [np.searchsorted(beaten * LEVELS, level * len(measure)) for level in range(1, LEVELS)]
    return tuple(float(values[first]) if first < len(values) else np.inf for first in firsts)
