"""How long the app's pages take to answer, measured in a browser from the click to the last chart.

Starts ``shopwright app`` on loopback over a shop that is only read, opens every page by the menu, some times, and narrows the
pages by devices, channels or categories, and reads every report. Results go to ``benchmarks/app.md``::

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
BAR_SECONDS = 1.0
BAR_MILLISECONDS = 300
MOST_CHOICES = 3
"""Values by which a page is narrowed."""
SLOWEST_MS = 120_000

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
class Answers:
    """Seconds that a page took."""

    page: Page
    first: float = 0.0
    """The first visit after the start: nothing is in memory yet."""
    later: list[float] = field(default_factory=list)
    narrowed: list[float] = field(default_factory=list)
    """By a device, channel or category that was not asked for before: every number is read anew."""


class Reader:
    """Somebody who clicks and waits until all is drawn."""

    def __init__(self, tab: Tab, address: str) -> None:
        self._tab = tab
        tab.goto(address)
        self._tab.locator("[data-test-script-state=notRunning]").wait_for(timeout=SLOWEST_MS)
        tab.get_by_role("heading", level=1).first.wait_for(timeout=SLOWEST_MS)
        tab.evaluate(COUNT_RUNS)

    def visit(self, page: Page) -> float:
        """Open a page by the menu."""
        link = self._tab.get_by_test_id("stSidebarNav").get_by_role("link", name=page.title, exact=True)
        # another page's heading tells that it is there; a run that is over at once is never seen as running
        return self._timed(page, link.click, after_runs=-1)

    def choices(self, filter_name: str) -> list[str]:
        """Values of a filter that the side bar offers, all but the first, which narrows nothing."""
        box = self._box(filter_name)
        if not box.count():
            return []
        box.click()
        found = self._tab.get_by_role("option").all_inner_texts()
        self._tab.keyboard.press("Escape")
        return found[1 : 1 + MOST_CHOICES]

    def narrow(self, page: Page, filter_name: str, value: str) -> float:
        """Choose a value of a filter."""
        self._box(filter_name).click()
        option = self._tab.get_by_role("option", name=value, exact=True)
        return self._timed(page, option.click, after_runs=self._tab.evaluate("window.runs"))

    def _box(self, filter_name: str) -> Locator:
        return self._tab.get_by_role("combobox", name=filter_name.capitalize())

    def _timed(self, page: Page, act: Callable[[], None], *, after_runs: int) -> float:
        started = perf_counter()
        act()
        self._tab.wait_for_function(IS_DRAWN, arg=[page.title, after_runs], timeout=SLOWEST_MS)
        return perf_counter() - started


@contextmanager
def _app(project: Path) -> Iterator[str]:
    """The address of an app over a shop."""
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
                    raise SystemExit("the app did not start; try 'shopwright app'")
                text += line
            yield json.loads(text)["app"]
        finally:
            process.terminate()
            process.wait(30)


def measure(project: Path, rounds: int) -> list[Answers]:
    """Open every page, again and again, and narrow those that can be."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SystemExit("no Chromium on the path; apt-get install --no-install-recommends chromium")
    with _app(project) as address, sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, args=list(OPTIONS))
        reader = Reader(opened.new_page(viewport={"width": 1360, "height": 1000}), address)
        found = {page.title: Answers(page) for page in PAGES}
        start = PAGES[-1]
        reader.visit(start)
        for page in (*PAGES[:-1], start):
            found[page.title].first = reader.visit(page)
            print(f"  {page.title}: {found[page.title].first:.2f} s", file=sys.stderr)
        for _ in range(rounds):
            for page in PAGES:
                found[page.title].later.append(reader.visit(page))
        for page in PAGES:
            _narrow(reader, found[page.title])
        opened.close()
    return list(found.values())


def queries(published: Path, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each report that the shop has the data for, after a first read of all."""
    found: dict[str, list[float]] = {}
    with PublishedWarehouse(published).connection() as connection:
        for number in range(1 + rounds):
            for each in REPORTS:
                started = perf_counter()
                try:
                    read_report(connection, each)
                except MissingDataError:
                    continue
                if number:
                    found.setdefault(each.name, []).append(1_000 * (perf_counter() - started))
    return found


def _narrow(reader: Reader, answers: Answers) -> None:
    """Narrow a page by some values of the first filter that it offers, and reset it."""
    reader.visit(answers.page)
    for name in ("device", "channel", "category"):
        values = reader.choices(name) if name in answers.page.filters else []
        answers.narrowed += [reader.narrow(answers.page, name, value) for value in values]
        if values:
            reader.narrow(answers.page, name, "All")
            return


def report(answers: list[Answers], asked: dict[str, list[float]], events: int, rounds: int) -> str:
    """The results as a page."""
    slowest = max(asked, key=lambda name: max(asked[name]))
    query = max(asked[slowest])
    worst = max(seconds for each in answers for seconds in (*each.later, *each.narrowed))
    rows = [
        f"| {each.page.title} | {each.first:.2f} | {median(each.later):.2f} | {max(each.later):.2f} | "
        f"{f'{max(each.narrowed):.2f}' if each.narrowed else ''} |"
        for each in answers
    ]
    conditions = (
        f"Written by `python -m benchmarks.app` on {datetime.now(UTC):%Y-%m-%d} over a shop of {events:,} events: "
        f"{os.cpu_count()} cores shared by app and browser, {platform.machine()}, Python {platform.python_version()}, "
        f"Streamlit {version('streamlit')}, DuckDB {version('duckdb')}. Seconds from the click in the menu until the last chart "
        f"is drawn, in Chromium without a window and without a graphics card. Later visits: {rounds} of each page. Narrowed: the "
        f"slowest of {MOST_CHOICES} devices, channels or categories, each asked for once, so that nothing is in memory."
    )
    told = [
        "# Benchmark: the app's pages",
        "",
        conditions,
        "",
        "| page | first visit | later, median | later, slowest | narrowed, slowest |",
        "| --- | ---: | ---: | ---: | ---: |",
        *rows,
        "",
        "| what | measured | bar | met |",
        "| --- | ---: | ---: | --- |",
        f"| slowest answer after the first visit | {worst:.2f} s | {BAR_SECONDS:.0f} s | {'yes' if worst < BAR_SECONDS else 'no'} |",
        f"| slowest of {len(asked)} reports, `{slowest}`, read {rounds} times after the first | {query:.0f} ms | {BAR_MILLISECONDS} ms | {'yes' if query < BAR_MILLISECONDS else 'no'} |",
    ]
    return "\n".join(told) + "\n"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.app", description=__doc__)
    parser.add_argument("--project", type=Path, required=True, help="a built shop; it is only read")
    parser.add_argument("--rounds", type=int, default=5, help="later visits of each page")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    published = load_project(given.project).published
    with connect(published, read_only=True) as connection:
        events = connection.execute("select sum(event_count) from gold.fct_sessions").fetchone()[0] or 0
    asked = queries(published, given.rounds)
    text = report(measure(given.project, given.rounds), asked, events, given.rounds)
    given.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
