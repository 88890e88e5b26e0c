"""The naive recipe for churn, which looks perfect on a marketplace, and what remains of it without the leak.

The recipe: take all customers at the end of the data, call those *churned* whose last order is more than 180 days old, describe
each by their whole history, split at random. Two things flatter it. Whatever says when a customer came says, for those who
ordered once, when they ordered last, and that is the label under another name. And where most customers order once, the
label measures how old the shop's customers are, not who leaves; scoring the frequent class does the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shopwright.core.engine import connect
from shopwright.core.errors import DataError
from shopwright.models.churn.config import CONFIG
from shopwright.models.classifiers.estimators import fit
from shopwright.models.naive_recipe import NaiveRecipe, RecipeResult, split_at_random

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

HONEST_FEATURES = (
    *("orders", "value", "freight", "units"),
    *("delivery_days", "days_late", "review", "installments"),
)
LEAKING_FEATURES = ("days_since_first_order",)

CUSTOMERS = f"""
    with bounds as (select max(order_date) as last_date from silver.int_orders_as_placed)
    select
        max(bounds.last_date) - max(history.order_date) > {CONFIG.recipe_inactive_days} as is_churned,
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
    """Run the recipe with the leak, without it, and against guessing.

    Args:
        published: the published warehouse of a shop with orders.

    Raises:
        DataError: there are too few customers.
    """
    with connect(published, read_only=True) as connection:
        arrays = connection.execute(CUSTOMERS).fetchnumpy()
    columns = {
        name: np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan) for name, values in arrays.items()
    }
    churned = columns.pop("is_churned")
    if min(churned.sum(), len(churned) - churned.sum()) < CONFIG.recipe_min_customers:
        raise DataError(f"{len(churned):,} customers are too few to reproduce the recipe")
    leaky, honest = (*HONEST_FEATURES, *LEAKING_FEATURES), HONEST_FEATURES
    return [
        RecipeResult.from_log_odds("everybody churns", len(churned), churned, np.ones(len(churned))),
        _run_variant("whole history, split at random", [columns[name] for name in leaky], churned),
        _run_variant(
            "the same without the date of the first order", [columns[name] for name in honest], churned
        ),
    ]


def _run_variant(name: str, columns: list[Floats], churned: Floats) -> RecipeResult:
    matrix = np.column_stack(columns).astype(np.float32)
    x_train, x_test, y_train, y_test = split_at_random(
        matrix, churned, test_share=CONFIG.recipe_test_share, seed=CONFIG.recipe_seed
    )
    estimator = fit("xgboost", x_train, y_train, settings=CONFIG.recipe_settings, seed=CONFIG.recipe_seed)
    return RecipeResult.from_log_odds(name, len(churned), y_test, estimator.log_odds(x_test))


NAIVE_RECIPE = NaiveRecipe(
    title=(
        f"Churned: no order in the last {CONFIG.recipe_inactive_days} days of the data; scored on randomly chosen customers"
    ),
    lesson=(
        "For a customer who ordered once, anything that reveals the date of the first order reveals the label. `shopwright "
        "train churn` asks about the future instead, and scores the rare class: who comes back."
    ),
    reproduce=reproduce,
)
