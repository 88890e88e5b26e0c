"""Routes that score one session and explain the score."""

from __future__ import annotations

from asyncio import get_running_loop, to_thread
from base64 import b64encode
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import Query, Request, Response

from shopwright.models.abandonment.live_features import SessionFeatures
from shopwright.service.errors import MAX_ERRORS, ProblemError
from shopwright.service.schemas.events import SessionEvents, find_errors
from shopwright.service.schemas.sessions import Prediction, ScoreExplanation, Session, SessionQuery
from shopwright.service.scoring import assign_risk_band
from shopwright.service.security import guarded_router
from shopwright.service.state import get_service
from shopwright.service.waterfall import draw_waterfall

if TYPE_CHECKING:
    from shopwright.service.champion import Champion
    from shopwright.service.scoring import SessionScore
    from shopwright.service.state import Service
    from shopwright.service.waterfall import Drawing

router = guarded_router("predict", tags=["predict"])

Plot = Annotated[
    Literal["waterfall"] | None,
    Query(description="Adds a chart of the contributions, as a base64-encoded PNG."),
]


@router.post("/predict", response_model=Prediction, summary="Score one session")
async def predict(session: Session, request: Request, plot: Plot = None) -> Response:
    """Return the calibrated probability that the session ends without a purchase, its risk band and exact SHAP values.

    Four fields are required. The others improve the score; a missing or null field is treated as unknown.
    """
    service, values = get_service(request), session.to_values()
    champion = service.champion_loader.current()
    if plot is None:
        return prediction_response(service, champion, values, champion.scorer.score(values))
    # Scoring mostly runs without the interpreter lock, so another response can be drawn in the meantime.
    score = await get_running_loop().run_in_executor(service.scoring_executor, champion.scorer.score, values)
    return prediction_response(
        service, champion, values, score, drawing=draw_explanation(service, champion, score)
    )


@router.post("/predict/session", response_model=Prediction, summary="Score a session by its events")
async def predict_from_events(session: SessionEvents, request: Request, plot: Plot = None) -> Response:
    """Return the same response as `/predict`, from the events of the session so far.

    Features are computed by the SQL of the warehouse, with the user's history as of the last build. The score is therefore
    the one the warehouse would give this session at this time. Slower than `/predict`.
    """
    service = get_service(request)
    if errors := list(find_errors(session, service.project)):
        raise ProblemError(
            422, "invalid", "The shop's settings allow no such event", errors=errors[:MAX_ERRORS]
        )
    features = await to_thread(_features, service, session)
    values = features | {"session_id": session.session_id}
    champion = service.champion_loader.current()
    score = champion.scorer.score(values)
    drawing = None if plot is None else draw_explanation(service, champion, score)
    return prediction_response(service, champion, values, score, drawing=drawing)


def _features(service: Service, session: SessionEvents) -> dict[str, Any]:
    identity = service.published.identity
    queries = service.session_features.get(identity, "open", lambda: SessionFeatures(service.published.file))
    columns = queries.compute([event.to_event(session.user_id) for event in session.events])
    features = {name: values[0] for name, values in columns.items()}
    return {name: None if value != value else value for name, value in features.items()}  # noqa: PLR0124  # NaN


@router.get(
    "/predict/plot.svg",
    summary="Chart of a score's contributions",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}},
)
async def plot_svg(session: Annotated[SessionQuery, Query()], request: Request) -> Response:
    """Return the waterfall of the score that `/predict` returns for the same fields, as SVG."""
    service = get_service(request)
    champion = service.champion_loader.current()
    values = session.to_values()
    drawing = draw_explanation(service, champion, champion.scorer.score(values))
    return Response(drawing.to_svg(), media_type="image/svg+xml")


def prediction_response(
    service: Service,
    champion: Champion,
    values: dict[str, Any],
    score: SessionScore,
    *,
    drawing: Drawing | None = None,
) -> Response:
    """Return the response with a score, and count it in the metrics.

    Args:
        service: shared state.
        champion: the version that scored.
        values: fields of the session.
        score: the score of these fields.
        drawing: its waterfall, where requested.
    """
    band = assign_risk_band(score.probability, service.settings)
    service.metrics.scores.labels(champion.model, band).inc()
    prediction = Prediction(
        model=champion.model,
        model_version=champion.version,
        data_date=champion.data_date,
        session_id=values.get("session_id"),
        probability=score.probability,
        risk_band=band,
        reasons=ScoreExplanation(base=score.base, log_odds=score.log_odds, contributions=score.contributions),
        outside_training=list(score.outside_training),
        waterfall_png=None if drawing is None else b64encode(drawing.to_png()).decode(),
    )
    return Response(prediction.model_dump_json(), media_type="application/json")


def draw_explanation(service: Service, champion: Champion, score: SessionScore) -> Drawing:
    """Draw the waterfall of a score."""
    band = assign_risk_band(score.probability, service.settings)
    title = f"{score.probability:.1%} abandoned: {band} risk ({champion.model}, version {champion.version})"
    return draw_waterfall(score, title=title)
