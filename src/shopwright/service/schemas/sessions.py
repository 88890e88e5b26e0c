"""Requests and responses about single sessions."""

from __future__ import annotations

from datetime import date  # pydantic reads it when the class is made
from math import floor
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, Strict, create_model

from shopwright.service.session_fields import MAX_NUMBER, MAX_TEXT_LENGTH, SESSION_FIELDS, SessionField

if TYPE_CHECKING:
    from collections.abc import Mapping

RiskBand = Literal["low", "medium", "high"]

EXAMPLE: dict[str, JsonValue] = {
    "total_views": 7,
    "total_carts": 2,
    "session_duration_minutes": 11.5,
    "experiment_group": "treatment",
}
RICH_EXAMPLE: dict[str, JsonValue] = EXAMPLE | {
    "session_id": "s-1",
    "seconds_since_previous": 95,
    "total_checkouts": 1,
    "cart_amount": 54.9,
    "past_purchase_sessions": 0,
    "device": "mobile",
}


class SessionBase(BaseModel):
    """A session so far. Four fields are required; the others improve the score and may be missing or null."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [EXAMPLE, RICH_EXAMPLE]}
    )

    def to_values(self) -> dict[str, Any]:
        """Return the values of all fields; None where missing."""
        return dict(self)


def _check_integer(value: float) -> float:
    # Pydantic's `multiple_of` accepts some fractions close to zero
    if value != floor(value):
        raise ValueError("expected a whole number")
    return value


def _annotation(field: SessionField, *, strict: bool) -> Any:
    """Return the type of a field: a finite number within limits, or a text of limited length."""
    if field.is_number:
        bounds = Field(ge=field.minimum, le=MAX_NUMBER, allow_inf_nan=False)
        integer = (
            [AfterValidator(_check_integer), Field(json_schema_extra={"multipleOf": 1})]
            if field.is_integer
            else []
        )
        annotation: Any = Annotated[float, bounds, *integer, *([Strict()] if strict else [])]
    else:
        annotation = Annotated[str, Field(max_length=MAX_TEXT_LENGTH)]
    return annotation | None if field.is_nullable else annotation


def _model(name: str, *, strict: bool) -> type[SessionBase]:
    fields: Mapping[str, Any] = {
        field.name: (
            _annotation(field, strict=strict),
            Field(... if field.is_required else None, description=field.meaning),
        )
        for field in SESSION_FIELDS.values()
    }
    model: type[SessionBase] = create_model(name, __base__=SessionBase, **fields)
    model.__doc__ = SessionBase.__doc__
    return model


if TYPE_CHECKING:
    Session = SessionBase
    SessionQuery = SessionBase
else:
    Session = _model("Session", strict=True)
    SessionQuery = _model("SessionQuery", strict=False)


class ScoreResponse(BaseModel):
    """Fields of every response with a score."""

    model: str = Field(examples=["abandonment"])
    model_version: int
    data_date: date
    """Last day of the data that the version was trained and evaluated on."""


class ScoreExplanation(BaseModel):
    """Explanation of a score: ``base`` and ``contributions`` add up to ``log_odds`` exactly."""

    scale: Literal["log odds before calibration"] = "log odds before calibration"
    base: float
    """Average log odds, before any field is known."""
    log_odds: float
    """Log odds of this session, before calibration."""
    contributions: dict[str, float]
    """SHAP value of each feature."""


class Prediction(ScoreResponse):
    """Score of a session."""

    session_id: str | None = None
    probability: float = Field(ge=0, le=1)
    """Calibrated probability that the cart is abandoned."""
    risk_band: RiskBand
    reasons: ScoreExplanation
    outside_training: list[str] = []
    """Features with a value outside the training range; treat the score with caution."""
    waterfall_png: str | None = None
    """Chart of the contributions as a base64-encoded PNG, where requested."""
