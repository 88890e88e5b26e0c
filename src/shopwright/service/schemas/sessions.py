"""What is asked and answered of sessions."""

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
    """A session so far. Four fields suffice; the others make the score better and may be left out or null."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [EXAMPLE, RICH_EXAMPLE]}
    )

    def to_values(self) -> dict[str, Any]:
        """Field to its value, those that were given."""
        return dict(self)


def _whole(value: float) -> float:
    # pydantic's own `multiple_of` lets some fractions near zero pass
    if value != floor(value):
        raise ValueError("expected a whole number")
    return value


def _annotation(field: SessionField, *, strict: bool) -> Any:
    """The field's type: finite numbers within bounds, text of bounded length."""
    if field.is_number:
        bounds = Field(ge=field.lowest, le=MAX_NUMBER, allow_inf_nan=False)
        whole = [AfterValidator(_whole), Field(json_schema_extra={"multipleOf": 1})] if field.is_whole else []
        made: Any = Annotated[float, bounds, *whole, *([Strict()] if strict else [])]
    else:
        made = Annotated[str, Field(max_length=MAX_TEXT_LENGTH)]
    return made | None if field.may_be_null else made


def _model(name: str, *, strict: bool) -> type[SessionBase]:
    fields: Mapping[str, Any] = {
        field.name: (
            _annotation(field, strict=strict),
            Field(... if field.is_needed else None, description=field.meaning),
        )
        for field in SESSION_FIELDS.values()
    }
    made: type[SessionBase] = create_model(name, __base__=SessionBase, **fields)
    made.__doc__ = SessionBase.__doc__
    return made


if TYPE_CHECKING:
    Session = SessionBase
    SessionQuery = SessionBase
else:
    Session = _model("Session", strict=True)
    SessionQuery = _model("SessionQuery", strict=False)


class ScoreResponse(BaseModel):
    """What every scored answer says of its model."""

    model: str = Field(examples=["abandonment"])
    model_version: int
    data_date: date
    """Last day of the data that the version was trained and judged on."""


class ScoreExplanation(BaseModel):
    """Why the score is what it is: ``base`` and ``contributions`` add up to ``log_odds``, exactly."""

    scale: Literal["log odds before calibration"] = "log odds before calibration"
    base: float
    """Log odds of nobody in particular."""
    log_odds: float
    """Of this session, before calibration."""
    contributions: dict[str, float]
    """Feature to what it adds: its SHAP value."""


class Prediction(ScoreResponse):
    """Whether a session will end without a purchase."""

    session_id: str | None = None
    probability: float = Field(ge=0, le=1)
    """Calibrated probability that the cart is abandoned."""
    risk_band: RiskBand
    reasons: ScoreExplanation
    outside_training: list[str] = []
    """Features whose values training never saw, or hardly ever; the score is a guess there."""
    waterfall_png: str | None = None
    """Drawing of the reasons as base64, where it was asked for."""
