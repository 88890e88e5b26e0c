"""Service and app in a real browser: every page opens, and people get what they came for."""

from __future__ import annotations

import json
from itertools import product
from urllib.request import Request, urlopen

import pytest
from tests.browser.conftest import NEEDS_BROWSER
from tests.warehouse.shops import run

from shopwright.app.formatting import format_value
from shopwright.app.pages import PAGES
from shopwright.reports import find_report

pytestmark = [NEEDS_BROWSER, pytest.mark.slow]

HOSTILE = "=HYPERLINK(1)"
UPLOADED = (
    "session_id,total_views,total_carts,session_duration_minutes,experiment_group\n"
    f"{HOSTILE},7,1,4.5,control\ns-2,3,2,2,treatment\ns-3,24,1,38,control\n"
)
VERDICTS = {"low": "Low risk", "medium": "Medium risk", "high": "High risk"}
TILES = {"sales_summary": "Executive summary", "session_summary": "Executive summary"}


def posted(servers, path, body, kind):
    request = Request(f"{servers.service}{path}", data=body, headers={"Content-Type": kind, "Accept": kind})
    with urlopen(request, timeout=30) as answer:
        return answer.read()


def test_every_page_opens_without_an_error(opened, servers):
    for page in PAGES:
        opened.open(page.title)
        assert (page.title, opened.exceptions) == (page.title, [])
        assert (page.title, opened.errors, opened.strangers) == (page.title, [], [])
    log = (servers.project.work / "logs" / "app.log").read_text()
    assert "Traceback" not in log, log


def test_what_this_file_looks_for_would_be_found(opened):
    with opened.tab.expect_console_message(lambda said: "Failed to load" in said.text):
        opened.tab.evaluate("console.error('loud'); fetch('https://shop.invalid/x').catch(() => null); null")
    assert opened.errors[0] == "loud"
    assert opened.strangers == ["https://shop.invalid/x"]
    opened.errors.clear()
    opened.strangers.clear()


def test_moving_the_sliders_changes_the_verdict(opened, servers):
    opened.open("Real-time predictor")
    ends = {"total_views": (0, 60), "total_carts": (1, 20), "session_duration_minutes": (0, 90)}
    answers = {}
    for places in product((0, 1), repeat=len(ends)):
        session = {name: pair[place] for place, (name, pair) in zip(places, ends.items(), strict=True)}
        body = json.dumps({**session, "experiment_group": "control"}).encode()
        answers[places] = json.loads(posted(servers, "/predict", body, "application/json"))
    least, most = (
        choose(answers, key=lambda places: answers[places]["probability"]) for choose in (min, max)
    )
    assert answers[least]["risk_band"] != answers[most]["risk_band"]
    seen = []
    for places in (least, most):
        for slider, place in zip(opened.tab.get_by_role("slider").all(), places, strict=True):
            slider.focus()
            slider.press("End" if place else "Home")
        opened.tab.get_by_text(f"{answers[places]['probability']:.1%}", exact=True).wait_for()
        opened.drawn()
        seen.append(opened.alerts[0])
        assert seen[-1].startswith(VERDICTS[answers[places]["risk_band"]])
        assert opened.tab.locator(".js-plotly-plot .main-svg").count() > 0
    assert seen[0] != seen[1]


def test_an_uploaded_csv_is_downloaded_scored(opened, servers, downloads):
    opened.open("Bulk prediction")
    file = {"name": "mine.csv", "mimeType": "text/csv", "buffer": UPLOADED.encode()}
    opened.tab.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(file)
    opened.tab.get_by_role("heading", name="Preview").wait_for()
    opened.tab.get_by_role("button", name="Score").click()
    opened.tab.get_by_role("heading", name="Scores").wait_for()
    with opened.tab.expect_download() as started:
        opened.tab.get_by_role("button", name="Download all rows").click()
    scored = downloads / "scored.csv"
    started.value.save_as(scored)
    assert scored.read_bytes() == posted(servers, "/bulk_predict", UPLOADED.encode(), "text/csv")
    lines = scored.read_text().splitlines()
    assert len(lines) == 4
    assert "probability" in lines[0]
    assert f'"\'{HOSTILE}"' in lines[1]


def test_a_wrong_csv_is_told_and_not_raised(opened):
    opened.open("Bulk prediction")
    file = {"name": "wrong.csv", "mimeType": "text/csv", "buffer": b"total_views\nmany\n"}
    opened.tab.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(file)
    opened.tab.get_by_role("button", name="Score").click()
    opened.tab.get_by_test_id("stAlert").wait_for()
    assert "The service at" in opened.alerts[0]
    assert opened.exceptions == []


def test_the_verdict_of_an_experiment_is_read(opened, servers):
    opened.open("Experiments")
    told = json.loads(run(servers.project, "experiment", "results", "free_shipping_banner", "--json").stdout)
    verdict = told["verdicts"][0]
    assert opened.alerts[0] == f"{verdict['variant']}: {verdict['decision']}\n{verdict['reason']}"
    assert opened.metrics()["control"] == f"{told['units']['control']:,}"
    assert servers.get_json("/v1/experiments/free_shipping_banner/results")["verdicts"][0] == verdict


@pytest.mark.parametrize("name", TILES)
def test_numbers_on_pages_are_those_of_the_service_and_of_the_command(opened, servers, name):
    opened.open(TILES[name])
    shown, answer = opened.metrics(), servers.get_json(f"/v1/reports/{name}")
    columns = {column.name: column for column in find_report(name).columns}
    compared = 0
    for column_name, value in answer["rows"][0].items():
        column = columns[column_name]
        heading = column.heading + (f", {answer['currency']}" if column.unit == "money" else "")
        if heading in shown:
            assert (column_name, shown[heading]) == (column_name, format_value(value, column.unit))
            compared += 1
    assert compared >= 4
    command = run(servers.project, "report", name, "--json")
    assert json.loads(command.stdout)["rows"] == answer["rows"]


def test_a_downloaded_table_is_the_service_s(opened, servers, downloads):
    opened.open("Churn and segments")
    opened.unfold("Table and downloads")
    assert (
        opened.tab.get_by_role("button", name="Download as CSV").count() == 0
    )  # Streamlit's own, with formulas
    with opened.tab.expect_download() as started:
        opened.tab.get_by_role("button", name="CSV", exact=True).first.click()
    file = downloads / "table.csv"
    started.value.save_as(file)
    rows = servers.get_json("/v1/reports/customer_segments")["rows"]
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0].split(",") == list(rows[0])
    assert [line.split(",")[:2] for line in lines[1:]] == [
        [row["segment_name"], str(row["customer_count"])] for row in rows
    ]
