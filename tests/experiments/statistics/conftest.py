"""tea-tasting's synthetic users, by variant."""

from __future__ import annotations

import pytest
import tea_tasting

from shopwright.experiments.statistics import Moments

Users = tuple[Moments, Moments]


def users(*, covariates: bool) -> Users:
    """Control and treatment of ``make_users_data(rng=42)``."""
    table = tea_tasting.make_users_data(rng=42, covariates=covariates)
    columns = {name: table[name].to_numpy() for name in table.column_names if name not in {"user", "variant"}}
    variant = table["variant"].to_numpy()
    control, treatment = (
        Moments.from_arrays({name: values[variant == group] for name, values in columns.items()})
        for group in (0, 1)
    )
    return control, treatment


@pytest.fixture(scope="session")
def plain_users() -> Users:
    return users(covariates=False)


@pytest.fixture(scope="session")
def users_with_history() -> Users:
    return users(covariates=True)
