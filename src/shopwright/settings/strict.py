"""What all sections share: unknown settings are refused, and values that several sections take are checked once."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict

from shopwright.core.errors import near_match


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


Timezone = Annotated[str, AfterValidator(_check_timezone)]
Encoding = Annotated[str, AfterValidator(_check_encoding)]
