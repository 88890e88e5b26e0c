"""The browser of this machine, and a shop with its service and its app for it to open."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from tests.built import build_once
from tests.warehouse.shops import SHOPWRIGHT, make_shop, take_in

from shopwright.models import lifecycle
from shopwright.registry import Registry
from shopwright.simulate import SimulationConfig, simulate
from shopwright.warehouse.build import build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from shopwright.settings import Project

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
NEEDS_BROWSER = pytest.mark.skipif(
    CHROMIUM is None,
    reason="no Chromium on the path; install one, such as with: apt-get install --no-install-recommends chromium",
)
OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # what the browser itself would like to know stays here
)
SLOWEST_PAGE = 60_000
"""Milliseconds; the first one imports much, beside other tests."""
NOTES_CHANGES = """
window.changed = 0;
new MutationObserver(() => window.changed = performance.now())
  .observe(document, {subtree: true, childList: true, characterData: true, attributes: true});
"""
DRAWN = """
() => document.querySelector("[data-test-script-state=notRunning]") && performance.now() - window.changed > 300
"""
SETTINGS = """
[shop]
name = "browsed"

[models]
trials = 2

[[experiments]]
name = "free_shipping_banner"
hypothesis = "A banner that promises free shipping makes more carts end in an order"
assignment = "md5_parity"
start = 2025-01-01
end = 2025-03-31
primary_metric = "purchases_per_user"
secondary_metrics = ["conversion_rate", "revenue_per_user"]
guardrails = [{ metric = "average_order_value", worst_change = 0.1 }]
exposure = "add_to_cart"
pre_period_days = 0

"""


@dataclass
class Opened:
    """The app in a tab, and what went wrong in it."""

    tab: Page
    app: str
    service: str
    errors: list[str] = field(default_factory=list)
    """What scripts raised or logged as an error."""
    strangers: list[str] = field(default_factory=list)
    """Addresses on other machines that were asked for."""
    finished: int = 0
    """How often the page's script has run to its end, as the app told the browser."""

    @classmethod
    def of(cls, tab: Page, servers: Servers) -> Opened:
        found = cls(tab, servers.app, servers.service)
        tab.on("pageerror", lambda error: found.errors.append(str(error)))
        tab.on("console", lambda said: found.errors.append(said.text) if said.type == "error" else None)
        tab.on("request", found._asked)
        tab.on("websocket", lambda socket: socket.on("framereceived", found._received))
        tab.add_init_script(NOTES_CHANGES)
        with found.run("Executive summary"):
            tab.goto(found.app)
        return found

    def _received(self, frame: bytes | str) -> None:
        if isinstance(frame, bytes) and ForwardMsg.FromString(frame).WhichOneof("type") == "script_finished":
            self.finished += 1

    def _asked(self, request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname != "127.0.0.1":
            self.strangers.append(request.url)

    def open(self, title: str) -> None:
        """Open a page by the menu, as people do."""
        with self.run(title):
            self.tab.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True).click()

    @contextmanager
    def run(self, title: str | None = None) -> Iterator[None]:
        """Do what makes the page run, and wait until it has been drawn to its end."""
        before, patience = self.finished, time.monotonic() + SLOWEST_PAGE / 1_000
        yield
        while self.finished == before:
            assert time.monotonic() < patience, "the page did not run, or not to its end"
            self.tab.wait_for_timeout(20)
        if title is not None:
            self.tab.get_by_role("heading", name=title, level=1, exact=True).wait_for(timeout=SLOWEST_PAGE)
        self.drawn()

    def drawn(self) -> None:
        """Wait until the browser has nothing left to draw."""
        self.tab.wait_for_function(DRAWN, timeout=SLOWEST_PAGE)

    def unfold(self, text: str) -> None:
        """Open the first fold of that text, and wait until nothing moves: a click on what moves can miss it."""
        self.tab.get_by_text(text).first.click()
        self.tab.wait_for_function(
            "() => document.getAnimations().every(each => each.playState !== 'running')"
        )

    @property
    def exceptions(self) -> list[str]:
        return self.tab.get_by_test_id("stException").all_inner_texts()

    @property
    def alerts(self) -> list[str]:
        return self.tab.get_by_test_id("stAlert").all_inner_texts()

    def metrics(self) -> dict[str, str]:
        """Return the large metrics of the page: heading to value."""
        metrics = {}
        for metric in self.tab.get_by_test_id("stMetric").all():
            heading = metric.get_by_test_id("stMetricLabel").inner_text().strip()
            metrics[heading] = metric.get_by_test_id("stMetricValue").inner_text().strip()
        return metrics


@dataclass(frozen=True)
class Servers:
    """Where service and app answer."""

    service: str
    app: str
    project: Project

    def get_json(self, path: str) -> Any:
        """Return the service's response."""
        with urlopen(f"{self.service}{path}", timeout=30) as response:
            return json.loads(response.read())


@pytest.fixture(scope="session")
def browsed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A shop with clicks, orders, an experiment, and models of carts and segments that serve."""

    def make(folder: Path) -> Project:
        simulate(SimulationConfig(events=20_000, seed=7, months=3, start=date(2025, 1, 1)), folder / "raw")
        project = make_shop(folder / "shop", raw=folder / "raw", extra=SETTINGS)
        take_in(project)
        build(project)
        registry = Registry(project)
        for model in ("abandonment", "segmentation"):
            trained = lifecycle.train(project, lifecycle.find_model(model))
            if not trained.is_champion:
                registry.promote(model, trained.version, force_reason="to be looked at")
            lifecycle.score(project, lifecycle.find_model(model))
        return project

    return build_once(tmp_path_factory, "browsed", make)


@pytest.fixture(scope="session")
def servers(browsed: Project) -> Iterator[Servers]:
    """Service and app, started together by the command on free ports, and ended by it."""
    command = [
        *SHOPWRIGHT,
        "up",
        "--project",
        str(browsed.root),
        "--port",
        "0",
        "--service-port",
        "0",
        "--json",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as up:
        try:
            yield Servers(**_announced(up), project=browsed)
        finally:
            up.terminate()
            up.wait(30)
    assert up.returncode == 0


def _announced(up: subprocess.Popen[str]) -> dict[str, str]:
    """The one document that the command prints, read up to its end."""
    text = ""
    for line in up.stdout or ():
        text += line
        if line.startswith("}"):
            break
    return json.loads(text)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        yield opened
        opened.close()


@pytest.fixture
def opened(browser: Browser, servers: Servers) -> Iterator[Opened]:
    """The app in a tab of its own; whatever goes wrong in it fails the test."""
    context = browser.new_context(viewport={"width": 1360, "height": 1000})
    found = Opened.of(context.new_page(), servers)
    yield found
    context.close()
    assert (found.errors, found.strangers) == ([], [])


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    """A folder for what is downloaded."""
    return tmp_path
