"""One session: its score, its reasons, and what is refused."""

from __future__ import annotations

import base64
import io
import json
import struct
import xml.etree.ElementTree as ET

import pytest

from shopwright.models.abandonment.features import FEATURE_VIEW
from shopwright.models.classifiers.predictor import expit
from shopwright.service.session_fields import SESSION_FIELDS
from tests.service.example_shop import DATA_DATE, SESSION


def test_four_fields_suffice(client):
    answer = client.post("/predict", json=SESSION).json()
    assert (answer["model"], answer["model_version"], answer["data_date"]) == ("abandonment", 1, DATA_DATE)
    assert 0 < answer["probability"] < 1
    assert answer["risk_band"] in {"low", "medium", "high"}


def test_the_probability_is_the_calibrated_one_of_the_predictor(client):
    champion = client.app.state.service.champion_loader.current()
    reasons = client.post("/predict", json=SESSION).json()
    raw = expit(reasons["reasons"]["log_odds"])
    calibrated = champion.scorer.predictor.calibrator.apply([raw])[0]
    assert reasons["probability"] == pytest.approx(calibrated, abs=1e-6)
    assert abs(reasons["probability"] - raw) > 1e-4


def test_contributions_add_up_to_the_log_odds_of_the_raw_score(client):
    session = SESSION | {"device": "mobile", "cart_amount": 12.5}
    reasons = client.post("/predict", json=session).json()["reasons"]
    scorer = client.app.state.service.champion_loader.current().scorer
    predictor = scorer.predictor
    columns = {
        name: scorer._column(name, session.get(name)) for name in SESSION_FIELDS if name != "session_id"
    }
    raw = float(predictor.estimator.log_odds(predictor.encoder.matrix(columns))[0])
    assert reasons["base"] + sum(reasons["contributions"].values()) == pytest.approx(raw, abs=1e-5)
    assert reasons["log_odds"] == pytest.approx(raw, abs=1e-5)
    assert set(reasons["contributions"]) == {feature.name for feature in FEATURE_VIEW.features}


def test_every_feature_of_the_model_can_be_told(client):
    rich = {name: 3 if field.is_number else "mobile" for name, field in SESSION_FIELDS.items()}
    assert client.post("/predict", json=rich).json()["session_id"] == "mobile"
    assert {"session_id", *(feature.name for feature in FEATURE_VIEW.features)} == set(SESSION_FIELDS)


def test_null_is_as_good_as_left_out(client):
    given = client.post("/predict", json=SESSION | {"device": None, "cart_amount": None}).json()
    assert given == client.post("/predict", json=SESSION).json()


def test_what_training_never_saw_is_told(client):
    session = SESSION | {"device": "fridge", "total_views": 9_999}
    assert client.post("/predict", json=session).json()["outside_training"] == ["total_views", "device"]


def test_the_bands_are_those_of_the_settings(set_up):
    probability = set_up().post("/predict", json=SESSION).json()["probability"]
    for medium, high, band in ((0.0001, 0.0002, "high"), (0.0001, 0.9999, "medium"), (0.9998, 0.9999, "low")):
        answer = set_up(medium_risk=medium, high_risk=high).post("/predict", json=SESSION).json()
        assert (answer["risk_band"], answer["probability"]) == (band, probability)


@pytest.mark.parametrize(
    ("more", "field", "words"),
    [
        ({"shoe_size": 44}, "body.shoe_size", "unknown field"),
        ({"total_views": "7"}, "body.total_views", "valid number"),
        ({"total_views": True}, "body.total_views", "valid number"),
        ({"total_views": -1}, "body.total_views", "greater than or equal to 0"),
        ({"total_views": 1.5}, "body.total_views", "whole number"),
        ({"total_views": 5e-324}, "body.total_views", "whole number"),
        ({"cart_amount": 1e300}, "body.cart_amount", "less than or equal"),
        ({"device": "x" * 201}, "body.device", "at most 200"),
        ({"device": 5}, "body.device", "string"),
    ],
)
def test_a_wrong_field_is_named(client, more, field, words):
    answer = client.post("/predict", json=SESSION | more)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["errors"][0]["field"] == field
    assert words in problem["errors"][0]["message"]
    assert problem["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_none_is_refused(client, number):
    body = json.dumps(SESSION).replace("11.5", number)
    answer = client.post("/predict", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "body.session_duration_minutes"


def png_of(client, **more):
    answer = client.post("/predict?plot=waterfall", json=SESSION | more).json()
    return base64.b64decode(answer["waterfall_png"])


def test_the_waterfall_is_a_picture(client):
    from PIL import Image

    found = png_of(client)
    assert struct.unpack(">II", found[16:24]) == (760, 398)
    with Image.open(io.BytesIO(found)) as image:
        colours = {colour for _, colour in image.convert("RGB").getcolors(maxcolors=1_000)}
    assert {(255, 255, 255), (0xC8, 0x55, 0x3D), (0x3D, 0x7E, 0xA6)} <= colours
    assert png_of(client, total_views=1) != found
    assert client.post("/predict", json=SESSION).json()["waterfall_png"] is None


def test_the_plot_draws_what_the_answer_tells(client):
    answer = client.get("/predict/plot.svg", params=SESSION)
    assert answer.headers["content-type"].startswith("image/svg+xml")
    probability = client.post("/predict", json=SESSION).json()["probability"]
    words = [each.text for each in ET.fromstring(answer.text).iter("{http://www.w3.org/2000/svg}text")]
    assert words[0].startswith(f"{probability:.1%} abandoned")
    assert "total_views = 7" in words


def test_markup_in_a_field_stays_text_in_the_plot(client):
    answer = client.get("/predict/plot.svg", params=SESSION | {"device": "<script>alert(1)</script>\n"})
    assert "<script" not in answer.text
    ET.fromstring(answer.text)


def test_the_plot_refuses_what_the_score_refuses(client):
    for more in ({"total_views": "nan"}, {"total_views": "x"}, {"foo": 1}):
        assert client.get("/predict/plot.svg", params=SESSION | more).status_code == 422
