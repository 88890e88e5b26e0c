"""Response times of the app's pages, measured in a browser from the click to the last chart.

Starts ``shopwright app`` on loopback for a shop that is only read, opens every page from the menu several times, filters the
pages by device, channel or category, and reads every report. Results go to ``benchmarks/app.md``::

    python -m benchmarks.app --project my-shop
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from shopwright.app.pages import PAGES
from shopwright.core.engine import connect
from shopwright.core.errors import MissingDataError
from shopwright.reports import REPORTS, PublishedWarehouse, read_report
from shopwright.settings import load_project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Locator
    from playwright.sync_api import Page as Tab

    from shopwright.app.pages import Page

RESULTS = Path(__file__).parent / "app.md"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *(
        "--disable-component-update",
        "--disable-sync",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ),
)
MAX_SECONDS = 1.0
MAX_MILLISECONDS = 300
MAX_FILTER_VALUES = 3
"""Values by which each page is filtered."""
TIMEOUT_MS = 120_000

COUNT_RUNS = """() => {
    window.runs = 0;
    const app = document.querySelector('[data-testid=stApp]');
    new MutationObserver(() => {
        if (app.getAttribute('data-test-script-state') === 'notRunning') window.runs += 1;
    }).observe(app, {attributes: true, attributeFilter: ['data-test-script-state']});
}"""
IS_DRAWN = """([title, runs]) => window.runs > runs
    && [...document.querySelectorAll('h1')].some(each => each.innerText.trim() === title)
    && document.querySelector('[data-test-script-state=notRunning]')
    && !document.querySelector('[data-stale=true]')
    && [...document.querySelectorAll('[data-testid=stPlotlyChart]')].every(each => each.querySelector('.main-svg'))
"""


@dataclass(slots=True)
class PageTimes:
    """Seconds that a page took."""

    page: Page
    first: float = 0.0
    """First visit after the start, with empty caches."""
    later: list[float] = field(default_factory=list)
    filtered: list[float] = field(default_factory=list)
    """With a device, channel or category for the first time: every number is read again."""


class Visitor:
    """A browser tab that clicks and waits until everything is drawn."""

    def __init__(self, tab: Tab, address: str) -> None:
        self._tab = tab
        tab.goto(address)
        self._tab.locator("[data-test-script-state=notRunning]").wait_for(timeout=TIMEOUT_MS)
        tab.get_by_role("heading", level=1).first.wait_for(timeout=TIMEOUT_MS)
        tab.evaluate(COUNT_RUNS)

    def visit(self, page: Page) -> float:
        """Open a page from the menu, and return the seconds it took."""
        link = self._tab.get_by_test_id("stSidebarNav").get_by_role("link", name=page.title, exact=True)
        # the new heading proves the visit; a run that ends at once is never observed as running
        return self._time(page, link.click, after_runs=-1)

    def filter_values(self, filter_name: str) -> list[str]:
        """Return values of a filter in the side bar, without the first one, which is All."""
        box = self._box(filter_name)
        if not box.count():
            return []
        box.click()
        values = self._tab.get_by_role("option").all_inner_texts()
        self._tab.keyboard.press("Escape")
        return values[1 : 1 + MAX_FILTER_VALUES]

    def filter(self, page: Page, filter_name: str, value: str) -> float:
        """Select a value of a filter, and return the seconds it took."""
        self._box(filter_name).click()
        option = self._tab.get_by_role("option", name=value, exact=True)
        return self._time(page, option.click, after_runs=self._tab.evaluate("window.runs"))

    def _box(self, filter_name: str) -> Locator:
        return self._tab.get_by_role("combobox", name=filter_name.capitalize())

    def _time(self, page: Page, action: Callable[[], None], *, after_runs: int) -> float:
        started = perf_counter()
        action()
        self._tab.wait_for_function(IS_DRAWN, arg=[page.title, after_runs], timeout=TIMEOUT_MS)
        return perf_counter() - started


@contextmanager
def _app(project: Path) -> Iterator[str]:
    """Run the app for a shop, and yield its address."""
    command = [
        sys.executable,
        "-m",
        "shopwright.cli.main",
        "app",
        "--project",
        str(project),
        "--port",
        "0",
        "--json",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            text = ""
            while not text.rstrip().endswith("}"):
                if not (line := process.stdout.readline()):
                    raise SystemExit("the app did not start. Try `shopwright app`")
                text += line
            yield json.loads(text)["app"]
        finally:
            process.terminate()
            process.wait(30)


def measure(project: Path, rounds: int) -> list[PageTimes]:
    """Open every page several times, and filter those with filters."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SystemExit("no Chromium on the path; apt-get install --no-install-recommends chromium")
    with _app(project) as address, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=list(OPTIONS))
        visitor = Visitor(chromium.new_page(viewport={"width": 1360, "height": 1000}), address)
        times = {page.title: PageTimes(page) for page in PAGES}
        start = PAGES[-1]
        visitor.visit(start)
        for page in (*PAGES[:-1], start):
            times[page.title].first = visitor.visit(page)
            print(f"  {page.title}: {times[page.title].first:.2f} s", file=sys.stderr)
        for _ in range(rounds):
            for page in PAGES:
                times[page.title].later.append(visitor.visit(page))
        for page in PAGES:
            _filter_page(visitor, times[page.title])
        chromium.close()
    return list(times.values())


def time_reports(published: Path, rounds: int) -> dict[str, list[float]]:
    """Return milliseconds per read of each report for which the shop has data, after a first read of all."""
    times: dict[str, list[float]] = {}
    with PublishedWarehouse(published).connection() as connection:
        for number in range(1 + rounds):
            for definition in REPORTS:
                started = perf_counter()
                try:
                    read_report(connection, definition)
                except MissingDataError:
                    continue
                if number:
                    times.setdefault(definition.name, []).append(1_000 * (perf_counter() - started))
    return times


def _filter_page(visitor: Visitor, times: PageTimes) -> None:
    """Filter a page by values of the first filter that it offers, and reset it."""
    visitor.visit(times.page)
    for name in ("device", "channel", "category"):
        values = visitor.filter_values(name) if name in times.page.filters else []
        times.filtered += [visitor.filter(times.page, name, value) for value in values]
        if values:
            visitor.filter(times.page, name, "All")
            return


def render(pages: list[PageTimes], reports: dict[str, list[float]], events: int, rounds: int) -> str:
    """Render the results in Markdown."""
    slowest_report = max(reports, key=lambda name: max(reports[name]))
    milliseconds = max(reports[slowest_report])
    seconds = max(second for times in pages for second in (*times.later, *times.filtered))
    rows = [
        f"| {times.page.title} | {times.first:.2f} | {median(times.later):.2f} | {max(times.later):.2f} | "
        f"{f'{max(times.filtered):.2f}' if times.filtered else ''} |"
        for times in pages
    ]
    conditions = (
        f"Written by `python -m benchmarks.app` on {datetime.now(UTC):%Y-%m-%d} for a shop of {events:,} events: "
        f"{os.cpu_count()} cores shared by app and browser, {platform.machine()}, Python {platform.python_version()}, "
        f"Streamlit {version('streamlit')}, DuckDB {version('duckdb')}. Seconds from the click in the menu until the last chart "
        f"is drawn, in headless Chromium without a graphics card. Later visits: {rounds} of each page. Filtered: the "
        f"slowest of {MAX_FILTER_VALUES} devices, channels or categories, each for the first time, so that nothing is cached."
    )
    lines = [
        "# Benchmark: the app's pages",
        "",
        conditions,
        "",
        "| page | first visit | later, median | later, slowest | filtered, slowest |",
        "| --- | ---: | ---: | ---: | ---: |",
        *rows,
        "",
        "| what | measured | limit | met |",
        "| --- | ---: | ---: | --- |",
        f"| slowest page after the first visit | {seconds:.2f} s | {MAX_SECONDS:.0f} s | {_yes_no(seconds < MAX_SECONDS)} |",
        f"| slowest of {len(reports)} reports, `{slowest_report}`, read {rounds} times after the first | {milliseconds:.0f} ms | {MAX_MILLISECONDS} ms | {_yes_no(milliseconds < MAX_MILLISECONDS)} |",
    ]
    return "\n".join(lines) + "\n"


def _yes_no(value: bool) -> str:  # noqa: FBT001
    return "yes" if value else "no"


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.app", description=__doc__)
    parser.add_argument("--project", type=Path, required=True, help="a built shop; it is only read")
    parser.add_argument("--rounds", type=int, default=5, help="later visits of each page")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    published = load_project(arguments.project).published
    with connect(published, read_only=True) as connection:
        events = connection.execute("select sum(event_count) from gold.fct_sessions").fetchone()[0] or 0
    reports = time_reports(published, arguments.rounds)
    text = render(measure(arguments.project, arguments.rounds), reports, events, arguments.rounds)
    arguments.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
