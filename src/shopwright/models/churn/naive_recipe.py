"""How a churn model comes to look perfect: the usual recipe on a marketplace, and what is left of it when it is honest.

The recipe: take all customers at the end of the data, call those *churned* whose last order is more than 180 days old, describe
each by their whole history, split at random. Two things flatter it. What says when a customer came says, for those who
ordered once, when they ordered last, and that is the label under another name. And where nearly everybody orders once, the
label measures how old the shop's customers are, not who leaves; scoring the frequent class does the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shopwright.core.engine import connect
from shopwright.core.errors import DataError
from shopwright.models.classifiers.estimators import fit
from shopwright.models.naive_recipe import NaiveRecipe, RecipeResult, split_at_random

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SETTINGS = {"trees": 200, "max_depth": 5, "learning_rate": 0.1}
TEST_SHARE = 0.2
SEED = 42
FEWEST = 1_000
"""Customers of either kind without which there is nothing to show."""
DESCRIBED = ("orders", "value", "freight", "units", "delivery_days", "days_late", "review", "installments")
LEAKING = ("days_since_first_order",)

CUSTOMERS = """
    with bounds as (select max(order_date) as last_date from silver.int_orders_as_placed)
    select
        max(bounds.last_date) - max(history.order_date) > 180 as is_churned,
        count(*) as orders,
        cast(sum(history.order_value_amount) as double) as value,
        cast(sum(history.freight_amount) as double) as freight,
        cast(sum(history.unit_count) as double) as units,
        avg(cast(history.delivery_days as double)) as delivery_days,
        avg(cast(history.days_late as double)) as days_late,
        avg(history.review_score) as review,
        avg(history.installment_count) as installments,
        max(bounds.last_date) - min(history.order_date) as days_since_first_order
    from silver.int_orders_as_placed as history
    cross join bounds
    group by history.customer_id
    order by history.customer_id
"""


def reproduce(published: Path) -> list[RecipeResult]:
    """The recipe with the leak, without it, and guessing.

    Args:
        published: the published warehouse of a shop with orders.

    Raises:
        DataError: there are too few customers.
    """
    with connect(published, read_only=True) as connection:
        found = connection.execute(CUSTOMERS).fetchnumpy()
    columns = {
        name: np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan) for name, values in found.items()
    }
    churned = columns.pop("is_churned")
    if min(churned.sum(), len(churned) - churned.sum()) < FEWEST:
        raise DataError(f"{len(churned):,} customers are too few to reproduce the recipe")
    leaky, honest = (*DESCRIBED, *LEAKING), DESCRIBED
    return [
        RecipeResult.from_log_odds("everybody churns", len(churned), churned, np.ones(len(churned))),
        _recipe("whole history, split at random", [columns[name] for name in leaky], churned),
        _recipe("the same without the date of the first order", [columns[name] for name in honest], churned),
    ]


def _recipe(name: str, columns: list[Floats], churned: Floats) -> RecipeResult:
    matrix = np.column_stack(columns).astype(np.float32)
    training, test, known, hidden = split_at_random(matrix, churned, test_share=TEST_SHARE, seed=SEED)
    log_odds = fit("xgboost", training, known, settings=SETTINGS, seed=SEED).log_odds(test)
    return RecipeResult.from_log_odds(name, len(churned), hidden, log_odds)


NAIVE_RECIPE = NaiveRecipe(
    title="Churned: no order in the last 180 days of the data; scored on customers drawn at random",
    lesson=(
        "Of a customer who ordered once, whatever tells the date of the first order tells the label. 'shopwright train "
        "churn' asks about the future instead, and scores the rare class: who comes back."
    ),
    reproduce=reproduce,
)
