"""One session: will its cart be abandoned, and why."""

from __future__ import annotations

from asyncio import get_running_loop, to_thread
from base64 import b64encode
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import Query, Request, Response

from shopwright.models.abandonment.live_features import SessionFeatures
from shopwright.service.schemas.events import SessionEvents  # noqa: TC001  # FastAPI reads annotations
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
    Literal["waterfall"] | None, Query(description="Adds a picture of the reasons, as base64 of a PNG.")
]


@router.post("/predict", response_model=Prediction, summary="Score one session")
async def predict(session: Session, request: Request, plot: Plot = None) -> Response:
    """The calibrated probability that the session ends without a purchase, its band, and exact SHAP contributions.

    Four fields suffice. The others make the score better; what is left out or null counts as not known.
    """
    service, values = get_service(request), session.to_values()
    champion = service.champion_loader.current()
    if plot is None:
        return shaped(service, champion, values, champion.scorer.score(values))
    # Most of scoring is outside the interpreter, which can draw another answer's picture meanwhile.
    score = await get_running_loop().run_in_executor(service.scoring_executor, champion.scorer.score, values)
    return shaped(service, champion, values, score, picture=draw(service, champion, score))


@router.post("/predict/session", response_model=Prediction, summary="Score a session by its events")
async def predict_session(so_far: SessionEvents, request: Request, plot: Plot = None) -> Response:
    """The same answer as `/predict`, from the events of the session so far.

    The features are computed by the SQL of the warehouse, with the user's past as of the last build, so that the score is the
    one that the warehouse will give this session at this moment. Takes longer than `/predict`.
    """
    service = get_service(request)
    features = await to_thread(_features, service, so_far)
    values = features | {"session_id": so_far.session_id}
    champion = service.champion_loader.current()
    score = champion.scorer.score(values)
    picture = None if plot is None else draw(service, champion, score)
    return shaped(service, champion, values, score, picture=picture)


def _features(service: Service, so_far: SessionEvents) -> dict[str, Any]:
    identity = service.published.identity
    sessions = service.session_features.get(identity, "open", lambda: SessionFeatures(service.published.file))
    found = sessions.compute([event.to_event(so_far.user_id) for event in so_far.events])
    plain = {name: values[0] for name, values in found.items()}
    return {name: None if value != value else value for name, value in plain.items()}  # noqa: PLR0124  # NaN


@router.get(
    "/predict/plot.svg",
    summary="Draw the reasons of a score",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}},
)
async def plot_svg(session: Annotated[SessionQuery, Query()], request: Request) -> Response:
    """The waterfall of the score that ``/predict`` gives for the same fields."""
    service = get_service(request)
    champion = service.champion_loader.current()
    values = session.to_values()
    drawn = draw(service, champion, champion.scorer.score(values))
    return Response(drawn.to_svg(), media_type="image/svg+xml")


def shaped(
    service: Service,
    champion: Champion,
    values: dict[str, Any],
    score: SessionScore,
    *,
    picture: Drawing | None = None,
) -> Response:
    """The answer to a session.

    Args:
        service: counts it.
        champion: whose score it is.
        values: field to its value.
        score: of these.
        picture: of its reasons.
    """
    band = assign_risk_band(score.probability, service.settings)
    service.metrics.scores.labels(champion.model, band).inc()
    made = Prediction(
        model=champion.model,
        model_version=champion.version,
        data_date=champion.data_date,
        session_id=values.get("session_id"),
        probability=score.probability,
        risk_band=band,
        reasons=ScoreExplanation(base=score.base, log_odds=score.log_odds, contributions=score.contributions),
        outside_training=list(score.outside),
        waterfall_png=None if picture is None else b64encode(picture.to_png()).decode(),
    )
    return Response(made.model_dump_json(), media_type="application/json")


def draw(service: Service, champion: Champion, score: SessionScore) -> Drawing:
    """The waterfall of a score."""
    band = assign_risk_band(score.probability, service.settings)
    title = f"{score.probability:.1%} abandoned: {band} risk ({champion.model}, version {champion.version})"
    return draw_waterfall(score, title=title)
