"""What models are trained with, and where their runs are kept."""

from __future__ import annotations

import re

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator

from shopwright.settings.strict import Strict

_STORES = re.compile(r"(https?|sqlite|postgresql|mysql|mssql)(\+\w+)?://.+|databricks(://.+)?")


class ModelSettings(Strict):
    """What models are trained with."""

    # Kept out of every printed form: it may bear a password.
    tracking_uri: str | None = Field(None, repr=False)
    """MLflow's tracking server or database; a file in the project's ``models`` folder where not given."""
    seed: NonNegativeInt = 1
    """Start of every random choice: the same data and seed give the same model."""
    trials: PositiveInt = 20
    """Settings that are tried for each candidate model."""
    max_rows: PositiveInt = 1_000_000
    """Most rows a model learns from; beyond, whole users or customers are drawn, in rows."""

    run: tuple[str, ...] = ()
    """Models that ``shopwright run`` trains when there is new data, and scores with."""

    @field_validator("tracking_uri")
    @classmethod
    def _check_store(cls, uri: str | None) -> str | None:
        if uri is not None and not _STORES.fullmatch(uri):
            raise ValueError(
                "not a tracking server or database of MLflow; give one such as 'https://mlflow.example.com', "
                "'sqlite:///models.db' or 'postgresql://user@host/mlflow'"
            )
        return uri
