"""What a session is described by: the model's features, with the bounds that a request has to keep.

One tuple serves single requests, bulk files and the documentation. Names and kinds are those of the model's features,
meanings those of the data dictionary.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import yaml

from shopwright.models.abandonment.features import CLASSIC, FEATURE_VIEW, OPTIONAL

MAX_NUMBER = 1e9
"""Of any number; far beyond what a session has, and far within what the model's arithmetic holds."""
MAX_TEXT_LENGTH = 200
"""Characters of a text."""
ID = "session_id"
"""Name of a session, which the answer repeats; the model does not look at it."""
_NULLABLE = ("experiment_group",)
_MEANINGS = "dbt/models/features/feat_abandonment.yml"


@dataclass(frozen=True, slots=True)
class SessionField:
    """One thing that is told of a session."""

    name: str
    is_number: bool
    is_whole: bool
    lowest: float
    """Of a number; the highest is ``MAX_NUMBER``."""
    is_needed: bool
    """Whether a request has to have it."""
    may_be_null: bool
    meaning: str

    def wrong(self) -> str:
        """What a number that breaks the bounds is told."""
        whole = "a whole number" if self.is_whole else "a number"
        return f"expected {whole} from {self.lowest:.0f} to {MAX_NUMBER:.0f}"


def _fields() -> tuple[SessionField, ...]:
    source = files("shopwright").joinpath(_MEANINGS).read_text(encoding="utf-8")
    columns = {each["name"]: each for each in yaml.safe_load(source)["models"][0]["columns"]}
    return (
        SessionField(
            ID,
            False,
            False,
            0,
            is_needed=False,
            may_be_null=True,
            meaning="Name of the session; the answer repeats it.",
        ),
        *(
            SessionField(
                each.name,
                is_number=each.kind == "number",
                is_whole=columns[each.name]["data_type"] in ("integer", "bigint", "smallint"),
                lowest=0 if each.name in CLASSIC else -MAX_NUMBER,
                is_needed=each.name not in OPTIONAL,
                may_be_null=each.name in OPTIONAL or each.name in _NULLABLE,
                meaning=columns[each.name]["description"],
            )
            for each in FEATURE_VIEW.features
        ),
    )


SESSION_FIELDS = {field.name: field for field in _fields()}
"""Name to field, in the order of the model's features."""
