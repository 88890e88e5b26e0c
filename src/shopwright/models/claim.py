"""Recipes that are copied from tutorial to tutorial and look better than they are, followed on the shop's own data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to do it, and how good it looks on rows that it did not learn from."""

    name: str
    rows: int
    """Rows that it looks at."""
    rate: float
    """Share of the rows that it was scored on with the outcome."""
    f1: float
    """Of the outcome, called so from a probability of 0.5 on."""
    pr_auc: float
    """Of the outcome; the share of it is what guessing gives."""
    roc_auc: float

    @classmethod
    def judged(cls, name: str, rows: int, outcome: Floats, log_odds: Floats) -> Recipe:
        """Score log odds by outcomes, 0 or 1, both (n,).

        Args:
            name: of the recipe.
            rows: that it looked at in all.
            outcome: of the rows that it is scored on.
            log_odds: of the same.
        """
        from sklearn.metrics import average_precision_score, f1_score, roc_auc_score  # noqa: PLC0415  # slow to import

        return cls(
            name=name,
            rows=rows,
            rate=float(outcome.mean()),
            f1=float(f1_score(outcome, log_odds > 0)),
            pr_auc=float(average_precision_score(outcome, log_odds)),
            roc_auc=float(roc_auc_score(outcome, log_odds)),
        )

    def row(self) -> dict[str, Any]:
        """As a row of a table."""
        return asdict(self)


def split_at_random(
    matrix: NDArray[np.float32], outcome: Floats, *, test_share: float, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], Floats, Floats]:
    """A stratified random split, as the recipes have it: what is learnt from, what is scored, and the outcomes of both."""
    from sklearn.model_selection import train_test_split  # noqa: PLC0415  # slow to import

    training, test, known, hidden = train_test_split(
        matrix, outcome, test_size=test_share, stratify=outcome, random_state=seed
    )
    return training, test, known, hidden


@dataclass(frozen=True, slots=True)
class Claim:
    """A usual recipe, beside what is left of it when it is honest."""

    title: str
    """What is scored on which rows."""
    lesson: str
    """Why it looks good."""
    reproduce: Callable[[Path], list[Recipe]]
    """Follows it on a published database.

    Raises:
        DataError: there is too little data.
    """
