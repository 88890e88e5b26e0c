"""Every page over every kind of shop: numbers where there is data, a message where there is none, never an exception."""

from __future__ import annotations

from datetime import date

import pytest

from shopwright.app.formatting import UNDEFINED
from shopwright.app.pages import PAGES

REPORT_PAGES = (
    *("executive_summary.py", "sales.py", "products.py", "sellers_and_payments.py", "engagement.py"),
    *("funnel.py", "behavior.py", "cohorts.py", "data_health.py"),
)


def _metrics(page):
    return {metric.label: metric.value for metric in page.metric}


def _infos(page):
    return " ".join(info.value for info in page.info)


@pytest.mark.slow
@pytest.mark.parametrize("file", REPORT_PAGES)
@pytest.mark.parametrize("kind", ["clicks", "orders"])
def test_no_page_raises_anything(open_page, request, kind, file):
    page = open_page(request.getfixturevalue(kind), file)
    assert not page.exception
    assert not page.error
    assert page.title[0].value == next(page.title for page in PAGES if page.file == file)


@pytest.mark.slow
@pytest.mark.parametrize("file", REPORT_PAGES)
def test_no_page_of_a_shop_with_everything_lacks_anything(open_page, full, file):
    page = open_page(full, file)
    assert not page.exception
    assert not page.error
    assert "No data for" not in _infos(page)


@pytest.mark.parametrize("file", ["engagement.py", "funnel.py", "behavior.py"])
def test_a_page_on_sessions_says_that_there_are_no_events(open_page, orders, file):
    page = open_page(orders, file)
    assert "no events" in _infos(page)
    assert not page.metric


def test_metrics_are_those_of_the_report(open_page, clicks):
    metrics = _metrics(open_page(clicks, "executive_summary.py"))
    assert metrics["Net sales, EUR"] == "25.00"
    assert (metrics["Sessions"], metrics["Session conversion rate"], metrics["Cart abandonment rate"]) == (
        "4",
        "50.0%",
        "33.3%",
    )
    assert metrics["Return rate"] == UNDEFINED


def test_undefined_metrics_are_a_dash(open_page, clicks):
    assert _metrics(open_page(clicks, "sales.py"))["On-time delivery rate"] == "–"  # noqa: RUF001  # a dash


def test_the_side_bar_filters_the_page_and_says_where_it_does_not(open_page, clicks):
    page = open_page(clicks, "engagement.py")
    assert [box.label for box in page.sidebar.selectbox] == ["Device", "Channel", "Experiment"]
    page.sidebar.selectbox[0].select("mobile").run()
    assert not page.exception
    captions = " ".join(caption.value for caption in page.caption)
    assert "device\\: mobile" in captions
    assert "not filtered by device" in captions


def test_a_selection_is_retained_and_can_be_reset(open_page, clicks):
    page = open_page(clicks, "executive_summary.py", device="mobile", first=date(2025, 1, 6))
    assert _metrics(page)["Sessions"] == "1"
    page.sidebar.button[0].click().run()
    assert _metrics(page)["Sessions"] == "4"


def test_a_selection_that_a_page_does_not_offer_is_retained(open_page, clicks):
    page = open_page(clicks, "executive_summary.py", category="toys")
    assert _metrics(page)["Net sales, EUR"] == "25.00"
    captions = " ".join(caption.value for caption in page.caption)
    assert "category\\: toys" not in captions
    assert "not filtered by category" not in captions
    assert page.session_state["filters"] == {"category": "toys"}


def test_a_page_without_filters_takes_none_from_the_page_before(open_page, clicks):
    page = open_page(clicks, "data_health.py", device="mobile", first=date(2025, 1, 6))
    captions = " ".join(caption.value for caption in page.caption)
    assert "built" in captions
    assert "filtered" not in captions
    assert page.session_state["filters"] == {"device": "mobile", "first": date(2025, 1, 6)}


def test_a_shop_without_a_build_says_what_to_run(open_page, tmp_path):
    from tests.warehouse.shops import make_shop

    page = open_page(make_shop(tmp_path), "executive_summary.py")
    assert not page.exception
    assert "shopwright run" in page.error[0].value


def test_the_entry_draws_the_menu_and_the_first_page(clicks, monkeypatch):
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    import shopwright.app
    from shopwright.app import access

    monkeypatch.setenv("SHOPWRIGHT_PROJECT", str(clicks.root))
    # as `shopwright app` starts it; without an address it would listen to all machines, and show nothing without a log-in
    options = access.st.get_option
    address = {"server.address": "127.0.0.1"}
    monkeypatch.setattr(access.st, "get_option", lambda name: address.get(name) or options(name))
    entry = Path(shopwright.app.__file__).parent / "main.py"
    page = AppTest.from_file(str(entry), default_timeout=60).run()
    assert not page.exception
    assert page.title[0].value == PAGES[0].title
