"""The three kinds of shop, shared with the tests of reports, and a page of the app over one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.reports.conftest import clicks, full, orders

from shopwright.app.pages import PAGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamlit.testing.v1 import AppTest

    from shopwright.settings import Project

__all__ = ["clicks", "full", "open_page", "orders"]


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Open a page of the app over a shop, with the menu and the side bar around it."""
    from streamlit.testing.v1 import AppTest

    def opening(project: Project, file: str, **selected: object) -> AppTest:
        monkeypatch.setenv("SHOPWRIGHT_PROJECT", str(project.root))
        page = next(page for page in PAGES if page.file == file)
        running = AppTest.from_function(_run, args=(page.file,), default_timeout=60)
        running.session_state["filters"] = dict(selected)
        return running.run()

    return opening


def _run(file: str) -> None:
    """Run a page as ``main`` does; Streamlit's test tool has no menu."""
    import runpy

    from shopwright.app import components, data, filters
    from shopwright.app.pages import PAGES
    from shopwright.core.errors import ShopwrightError

    page = next(page for page in PAGES if page.file == file)
    try:
        filters.draw_sidebar(page.filters)
        assert data.project()
        runpy.run_path(str(page.path))
    except ShopwrightError as error:
        components.show_error(error)
