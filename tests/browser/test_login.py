"""The log-in in a real browser: a visitor without the password sees no page, and nothing asks the service for them."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from tests.browser.conftest import NEEDS_BROWSER, SLOWEST_PAGE
from tests.warehouse.shops import SHOPWRIGHT

from shopwright.app.session_files import EXAMPLE
from shopwright.core.passwords import hash_password, write_password
from shopwright.settings import load_project

pytestmark = [pytest.mark.slow, NEEDS_BROWSER]

PASSWORD = "correct horse battery"
PAGES = ("", "predictor", "real_time_predictor", "bulk_prediction", "models", "nothing")


@pytest.fixture
def requests():
    """Address of a service, and the requests that reached it."""
    made = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            made.append(self.path)
            self.send_error(404)

        do_POST = do_GET  # noqa: N815  # a name of the base class

        def log_message(self, *_):
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def app(tmp_path, requests):
    """Address of an app with a password."""
    (tmp_path / "shopwright.toml").write_text('[shop]\nname = "Locked"\n')
    write_password(load_project(tmp_path).app_password, hash_password(PASSWORD))
    command = [*SHOPWRIGHT, "app", "--project", str(tmp_path), "--port", "0", "--json"]
    environment = os.environ | {"API_URL": requests[0], "API_KEY": "key of the service"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        text = ""
        for line in process.stdout or ():
            text += line
            if line.startswith("}"):
                break
        try:
            yield json.loads(text)["app"]
        finally:
            process.terminate()
            process.wait(30)


def test_the_password_opens_the_app_and_the_button_closes_it(browser, app, requests):
    _, made = requests
    context = browser.new_context(viewport={"width": 1360, "height": 1000})
    page = context.new_page()
    for path in PAGES:
        page.goto(f"{app}/{path}")
        page.get_by_role("heading", name="Log in").wait_for(timeout=SLOWEST_PAGE)
        assert page.get_by_test_id("stSidebarNav").count() == 0
        assert page.get_by_test_id("stException").count() == 0
    assert "Locked" not in page.content()
    page.goto(app)
    field = page.get_by_label("Password", exact=True)
    field.wait_for(timeout=SLOWEST_PAGE)
    field.fill("not the password")
    field.press("Enter")
    page.get_by_text("This is not the password.").wait_for(timeout=SLOWEST_PAGE)
    assert made == []
    field.fill(PASSWORD)
    field.press("Enter")
    menu = page.get_by_test_id("stSidebarNav")
    menu.get_by_role("link", name="Bulk prediction").click(timeout=SLOWEST_PAGE)
    page.get_by_role("heading", name="Bulk prediction").wait_for(timeout=SLOWEST_PAGE)
    page.locator("input[type=file]").set_input_files(
        {"name": "sessions.csv", "mimeType": "text/csv", "buffer": EXAMPLE}
    )
    page.get_by_role("button", name="Score").click(timeout=SLOWEST_PAGE)
    page.get_by_test_id("stAlert").first.wait_for(timeout=SLOWEST_PAGE)
    assert made == ["/bulk_predict"]
    count = len(made)
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("heading", name="Log in").wait_for(timeout=SLOWEST_PAGE)
    menu.wait_for(state="detached", timeout=SLOWEST_PAGE)
    page.reload()
    page.get_by_role("heading", name="Log in").wait_for(timeout=SLOWEST_PAGE)
    assert len(made) == count
    context.close()
