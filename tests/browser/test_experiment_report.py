"""The report of an experiment in a real browser: every plot is drawn, nothing fails, and nothing is asked of a network."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from operator import add

import numpy as np
import pytest
from tests.browser.conftest import CHROMIUM, NEEDS_BROWSER, OPTIONS
from tests.experiments.units import crowd, experiment, table, warehouse

from shopwright.experiments.aggregates import COHORT, DIMENSIONS, read_aggregates
from shopwright.experiments.analysis import analyze
from shopwright.experiments.daily import compare_days
from shopwright.experiments.report import render_report
from shopwright.experiments.result import ExperimentResult
from shopwright.experiments.verdict import decide
from shopwright.metrics import METRICS
from shopwright.settings import ShopSettings

pytestmark = NEEDS_BROWSER

HEADLESS = (
    "--headless",
    *OPTIONS,
    "--enable-logging=stderr",
    "--virtual-time-budget=60000",  # scripts run to their end, however slow the machine
)
EVIL = "</script><script>throw 1</script><img src='https://shop.invalid/i.png'>"


@dataclass(frozen=True)
class Page:
    """What a browser made of a file."""

    dom: str
    errors: list[str]
    """What its scripts raised, or were refused."""
    requests: set[str]
    """Addresses on a network that the page asked for, in vain."""

    @property
    def plots(self) -> int:
        return len(re.findall(r"<div[^>]*js-plotly-plot.*?<svg[^>]*main-svg", self.dom, flags=re.DOTALL))


def opened(file) -> Page:
    """Open a file in a browser of its own."""
    log = file.with_suffix(".net.json")
    home = file.parent / "home"
    home.mkdir(exist_ok=True)
    done = subprocess.run(
        [CHROMIUM, *HEADLESS, f"--user-data-dir={home}", f"--log-net-log={log}", "--dump-dom", file.as_uri()],
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
        env=os.environ | {"HOME": str(home)},
    )
    said = [line.partition('"')[2] for line in done.stderr.splitlines() if ":CONSOLE" in line]
    return Page(done.stdout, [line for line in said if "Uncaught" in line or "Error" in line], asked(log))


def asked(log) -> set[str]:
    """What the page asked for; the browser's own requests have no origin."""
    events = json.loads(log.read_text(encoding="utf-8"))["events"]
    started = [event["params"] for event in events if "initiator" in event.get("params", {})]
    return {
        one["url"]
        for one in started
        if one["initiator"] != "not an origin" and one.get("url", "").startswith(("http:", "https:", "ws"))
    }


def result_of(tried, units) -> ExperimentResult:
    """Return the result of units in memory; the days are those of exposure."""
    with warehouse(units) as connection:
        found = read_aggregates(connection, tried, dimensions=(*DIMENSIONS, COHORT))
    by_day = {}
    for (name, day, variant), moments in found.moments_by_group.items():
        if name == COHORT:
            by_day.setdefault(date.fromisoformat(day), {})[variant] = moments
    days = sorted(by_day)
    sums = {
        name: list(accumulate((by_day[day][name] for day in days), add)) for name in tried.variants if days
    }
    running = {day: {name: totals[index] for name, totals in sums.items()} for index, day in enumerate(days)}
    analysis = analyze(tried, found)
    return ExperimentResult(
        analysis=analysis,
        verdicts=tuple(decide(analysis)),
        days=tuple(compare_days(tried, METRICS[tried.primary_metric], running)),
        dilutions={},
        simulated_events=len(days),
        simulated_elsewhere={EVIL: len(days)},
    )


def written(folder, tried, units):
    file = folder / "report.html"
    file.write_text(render_report(result_of(tried, units), shop=ShopSettings(name=EVIL)), encoding="utf-8")
    return file


@pytest.mark.slow
def test_every_plot_is_drawn_and_nothing_is_asked_of_a_network(tmp_path):
    tried = experiment(secondary_metrics=["revenue_per_user", "average_order_value", "time_to_purchase"])
    units = crowd(np.random.default_rng(1), {"control": 4_000, "treatment": 4_000}, lift={"treatment": 0.3})
    page = opened(written(tmp_path, tried, units))
    assert (page.errors, page.requests) == ([], set())
    assert page.plots == 5
    for text in (
        "Change by metric",
        "by day",
        "by segment",
        "Funnel by variant",
        "Simulated data: ",
    ):
        assert text in page.dom
    assert re.search(r"<strong[^>]*>treatment: ship</strong>", page.dom)
    assert "Revenue per unit (treatment)" in page.dom  # a label that a plot has drawn


@pytest.mark.slow
def test_names_that_look_like_markup_are_shown_and_not_run(tmp_path):
    names = {"control": 500, EVIL: 500}
    tried = experiment(hypothesis=EVIL, variants=dict.fromkeys(names, 1.0))
    page = opened(written(tmp_path, tried, crowd(np.random.default_rng(2), names)))
    assert (page.errors, page.requests) == ([], set())
    assert page.plots == 4
    assert "<img" not in page.dom


@pytest.mark.slow
def test_nine_variants_are_drawn_each(tmp_path):
    names = ["control", *(f"offer-{letter}" for letter in "abcdefgh")]
    tried = experiment(variants=dict.fromkeys(names, 1.0))
    page = opened(
        written(tmp_path, tried, crowd(np.random.default_rng(3), dict.fromkeys(names, 1_000), days=5))
    )
    assert (page.errors, page.requests) == ([], set())
    assert page.plots == 5
    for name in names[1:]:
        assert (
            len(re.findall(rf"<text[^>]*>{name}</text>", page.dom)) >= 3
        )  # two panels and the funnel's legend


@pytest.mark.slow
def test_an_experiment_without_units_has_a_report_too(tmp_path):
    page = opened(written(tmp_path, experiment(), table([])))
    assert (page.errors, page.requests) == ([], set())
    assert page.plots == 2
    assert "not started" in page.dom


def test_what_these_tests_look_for_would_be_found(tmp_path):
    file = tmp_path / "bad.html"
    file.write_text(
        "<script>missing()</script><img src='https://shop.invalid/i.png'><link rel=stylesheet "
        "href='http://shop.invalid/s.css'><script>fetch('https://shop.invalid/x')</script>",
        encoding="utf-8",
    )
    page = opened(file)
    assert len(page.errors) >= 2
    assert page.requests == {
        *("https://shop.invalid/i.png", "http://shop.invalid/s.css", "https://shop.invalid/x")
    }
    assert page.plots == 0
