"""Recipes copied from tutorial to tutorial that look better than they are, run on the shop's own data."""

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
class RecipeResult:
    """Scores of one variant of a recipe, on rows that it did not learn from."""

    name: str
    rows: int
    """Rows that the variant uses, for training and test together."""
    rate: float
    """Share of the test rows with the outcome, 0 to 1."""
    f1: float
    """F1 of the outcome at a probability threshold of 0.5."""
    pr_auc: float
    """Average precision of the outcome; guessing gives ``rate``."""
    roc_auc: float

    @classmethod
    def from_log_odds(cls, name: str, rows: int, outcome: Floats, log_odds: Floats) -> RecipeResult:
        """Score log odds against outcomes.

        Args:
            name: of the variant.
            rows: that it uses in all.
            outcome: (n,) 0 or 1, of the test rows.
            log_odds: (n,) of outcome 1, for the same rows.
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

    def to_dict(self) -> dict[str, Any]:
        """Return the result as a row of a table."""
        return asdict(self)


def split_at_random(
    matrix: NDArray[np.float32], outcome: Floats, *, test_share: float, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], Floats, Floats]:
    """Split rows at random, stratified by outcome, as the recipes do (and as no honest evaluation of the future would).

    Args:
        matrix: (rows, columns).
        outcome: (rows,) 0 or 1.
        test_share: share of the rows to test on, between 0 and 1.
        seed: of the split.

    Returns:
        Training matrix, test matrix, training outcomes, test outcomes.
    """
    from sklearn.model_selection import train_test_split  # noqa: PLC0415  # slow to import

    x_train, x_test, y_train, y_test = train_test_split(
        matrix, outcome, test_size=test_share, stratify=outcome, random_state=seed
    )
    return x_train, x_test, y_train, y_test


@dataclass(frozen=True, slots=True)
class NaiveRecipe:
    """A usual recipe, and what remains of its score once it is evaluated honestly."""

    title: str
    """Description of what is scored, on which rows."""
    lesson: str
    """Explanation of why the recipe looks good."""
    reproduce: Callable[[Path], list[RecipeResult]]
    """Function that runs the recipe's variants on a published database.

    Raises:
        DataError: there is too little data.
    """
