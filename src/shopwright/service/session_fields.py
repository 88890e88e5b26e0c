"""Fields of a session in a request: the model's features with the limits of their values.

Single requests, bulk files and the API documentation share them. Names and kinds are those of the model's features, meanings
those of the data dictionary.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import yaml

from shopwright.models.abandonment.features import CLASSIC, FEATURE_VIEW, OPTIONAL

MAX_NUMBER = 1e9
"""Largest number accepted: far more than any session has, and far below what the model's arithmetic can hold."""
MAX_TEXT_LENGTH = 200
"""Characters of a text at most."""
ID = "session_id"
"""Field with the id of a session, which the response repeats; the model does not use it."""
_NULLABLE = ("experiment_group",)
_MEANINGS = "dbt/models/features/feat_abandonment.yml"


@dataclass(frozen=True, slots=True)
class SessionField:
    """One field of a session."""

    name: str
    is_number: bool
    is_integer: bool
    minimum: float
    """Of a number; the maximum is ``MAX_NUMBER``."""
    is_required: bool
    is_nullable: bool
    meaning: str

    def describe_limits(self) -> str:
        """Return the error message for a number outside the limits."""
        kind = "a whole number" if self.is_integer else "a number"
        return f"expected {kind} from {self.minimum:.0f} to {MAX_NUMBER:.0f}"


def _fields() -> tuple[SessionField, ...]:
    source = files("shopwright").joinpath(_MEANINGS).read_text(encoding="utf-8")
    columns = {column["name"]: column for column in yaml.safe_load(source)["models"][0]["columns"]}
    return (
        SessionField(
            ID,
            False,
            False,
            0,
            is_required=False,
            is_nullable=True,
            meaning="Id of the session; the response repeats it.",
        ),
        *(
            SessionField(
                feature.name,
                is_number=feature.kind == "number",
                is_integer=columns[feature.name]["data_type"] in ("integer", "bigint", "smallint"),
                minimum=0 if feature.name in CLASSIC else -MAX_NUMBER,
                is_required=feature.name not in OPTIONAL,
                is_nullable=feature.name in OPTIONAL or feature.name in _NULLABLE,
                meaning=columns[feature.name]["description"],
            )
            for feature in FEATURE_VIEW.features
        ),
    )


SESSION_FIELDS = {field.name: field for field in _fields()}
"""Fields by name, in the order of the model's features."""
