"""The log-in in a real browser: a visitor without the password sees no page, and nothing asks the service for them."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from tests.browser.conftest import NEEDS_BROWSER, SLOWEST_PAGE
from tests.warehouse.shops import SHOPWRIGHT

from shopwright.app.access import SESSION_SECONDS
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


@contextmanager
def running(folder, service):
    """Address of the app of a project, which has a key of the service."""
    command = [*SHOPWRIGHT, "app", "--project", str(folder), "--port", "0", "--json"]
    environment = os.environ | {"API_URL": service, "API_KEY": "key of the service"}
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


@pytest.fixture
def app(tmp_path, requests):
    """Address of an app with a password."""
    (tmp_path / "shopwright.toml").write_text('[shop]\nname = "Locked"\n')
    write_password(load_project(tmp_path).app_password, hash_password(PASSWORD))
    with running(tmp_path, requests[0]) as address:
        yield address


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


@pytest.fixture
def provider():
    """A provider that knows one account."""
    pytest.importorskip("authlib", reason="the log-in with a provider needs authlib")
    from tests.browser.openid_provider import OpenIdProvider

    with OpenIdProvider({"sub": "7", "email": "ada@shop.example", "email_verified": True}) as provider:
        yield provider


@pytest.fixture
def app_of_provider(tmp_path, requests, provider):
    """Address of an app that its visitors log in to with the provider."""
    (tmp_path / "shopwright.toml").write_text(
        '[shop]\nname = "Locked"\n[app]\nallowed = ["ada@shop.example"]\n'
    )
    file = load_project(tmp_path).app_login
    file.parent.mkdir()
    file.touch(0o600)
    file.write_text(provider.settings())
    with running(tmp_path, requests[0]) as address:
        yield address


def test_a_provider_opens_the_app_to_the_listed_account_only(browser, app_of_provider, provider, requests):
    def visit():
        """Log in, and wait until the provider has sent the visitor back."""
        page = browser.new_context(viewport={"width": 1360, "height": 1000}).new_page()
        page.goto(f"{app_of_provider}/predictor")
        page.get_by_role("heading", name="Log in").wait_for(timeout=SLOWEST_PAGE)
        assert "Locked" not in page.content()
        with page.expect_response("**/oauth2callback**", timeout=SLOWEST_PAGE):
            page.get_by_role("button", name="Log in with your account").click()
        return page

    def wait(page, text):
        page.get_by_text(text, exact=True).first.wait_for(timeout=SLOWEST_PAGE)
        page.context.close()

    provider.account["email_verified"] = False
    wait(visit(), "No access")
    provider.account.update(email_verified=True, email="eve@shop.example")
    wait(visit(), "No access")
    provider.account["email"] = "ada@shop.example"
    provider.issued_at = time.time() - SESSION_SECONDS - 60
    page = visit()
    page.get_by_role("button", name="Log in with your account").wait_for(timeout=SLOWEST_PAGE)
    page.context.close()
    provider.issued_at = None
    assert requests[1] == []
    page = visit()
    menu = page.get_by_test_id("stSidebarNav")
    menu.get_by_role("link", name="Bulk prediction").wait_for(timeout=SLOWEST_PAGE)
    page.reload()
    menu.get_by_role("link", name="Bulk prediction").wait_for(timeout=SLOWEST_PAGE)
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("heading", name="Log in").wait_for(timeout=SLOWEST_PAGE)
    page.reload()
    page.get_by_role("heading", name="Log in").wait_for(timeout=SLOWEST_PAGE)
    page.context.close()


def test_a_token_that_another_key_signed_opens_nothing(browser, app_of_provider, provider):
    from joserfc.jwk import RSAKey

    provider.signing_key = RSAKey.generate_key(2048, {"kid": "1"})
    page = browser.new_context().new_page()
    page.goto(app_of_provider)
    with page.expect_response("**/oauth2callback**", timeout=SLOWEST_PAGE):
        page.get_by_role("button", name="Log in with your account").click(timeout=SLOWEST_PAGE)
    page.get_by_role("button", name="Log in with your account").wait_for(timeout=SLOWEST_PAGE)
    assert "_streamlit_user" not in {cookie["name"] for cookie in page.context.cookies()}
    assert page.get_by_test_id("stSidebarNav").count() == 0
    page.context.close()
