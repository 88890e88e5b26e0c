"""What all sections share: unknown settings are refused, and values that several sections take are checked once."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict

from shopwright.core.errors import near_match

VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""Name of an environment variable."""


class Strict(BaseModel):
    """A section of ``shopwright.toml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _check_timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"no time zone '{name}'{near_match(name, available_timezones())}")
    return name


def _check_encoding(name: str) -> str:
    try:
        "".encode(name)
    except LookupError:
        raise ValueError(f"no encoding '{name}'") from None
    return name


def _check_variable(name: str) -> str:
    if not VARIABLE_NAME.fullmatch(name):  # what was given may be a secret and is not repeated
        raise ValueError("give the name of an environment variable; a secret does not belong in this file")
    return name


Privacy = dict[str, Literal["drop", "hash", "keep"]]
"""What happens to columns before they are stored, by name."""
VariableName = Annotated[str, AfterValidator(_check_variable)]
Timezone = Annotated[str, AfterValidator(_check_timezone)]
Encoding = Annotated[str, AfterValidator(_check_encoding)]
