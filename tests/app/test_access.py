"""The log-in of the app: who may see a page, when a session ends, and that the service's key is lent to nobody else."""

from __future__ import annotations

import json
import logging
import stat
import time
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from shopwright.app import access, api_client
from shopwright.core import passwords
from shopwright.core.attempts import AttemptLimit
from shopwright.core.errors import AccessError, ConfigurationError
from shopwright.core.passwords import (
    hash_password,
    is_password,
    read_password,
    remove_password,
    write_password,
)
from shopwright.settings import load_project

PASSWORD = "correct horse battery"
ACCOUNT = {"is_logged_in": True, "sub": "7", "email": "ada@shop.example", "email_verified": True}
PROVIDER = {
    "redirect_uri": "https://shop.example/oauth2callback",
    "cookie_secret": "0123456789abcdef" * 4,
    "client_id": "shopwright",
    "client_secret": "of the client",
    "server_metadata_url": "https://login.example/.well-known/openid-configuration",
}


def _main():
    import streamlit as st

    from shopwright.app import access, api_client, components
    from shopwright.core.errors import ShopwrightError

    def ask():
        st.session_state["answer"] = api_client.get("/v1/models")

    try:
        if not access.is_admitted():
            return
        access.show_logout()
        st.title("Secret")
        st.button("Ask", on_click=ask)
        st.write(api_client.get("/v1/models"))
    except ShopwrightError as error:
        components.show_error(error)


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "shopwright.toml").write_text("")
    monkeypatch.setenv("SHOPWRIGHT_PROJECT", str(tmp_path / "shop"))
    monkeypatch.setattr(access._DOOR, "limit", AttemptLimit(access.MAX_FAILURES, access.WINDOW_SECONDS))
    return load_project(tmp_path / "shop")


@pytest.fixture
def requests(monkeypatch):
    """Requests that reached the service."""
    made = []

    class Response:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def read(self):
            return b'["a model"]'

    def urlopen(request, **_):
        made.append((request.full_url, request.get_header("Authorization")))
        return Response()

    monkeypatch.setenv("API_KEY", "key of the service")
    monkeypatch.setattr(api_client, "urlopen", urlopen)
    return made


@pytest.fixture
def locked(project, monkeypatch):
    """A shop with a password, of which hashing is fast."""
    monkeypatch.setattr(passwords, "_COST", 2)
    write_password(project.app_password, hash_password(PASSWORD))
    return project


def visit(address="127.0.0.1", headers=None, monkeypatch=None):
    if monkeypatch is not None:
        monkeypatch.setattr(access.st, "get_option", {"server.address": address}.get)
        context = SimpleNamespace(headers=headers or {"Host": "localhost:8501"}, ip_address=None)
        monkeypatch.setattr(access.st, "context", context)
    return AppTest.from_function(_main, default_timeout=30).run()


def log_in(page, password):
    page.text_input[0].input(password)
    return page.button[0].click().run()


def titles(page):
    assert not page.exception
    return [title.value for title in page.title]


def test_a_visitor_gets_the_form_and_nothing_else(locked, requests):
    page = visit()
    assert titles(page) == ["Log in"]
    assert len(page.main) == 2  # heading and form
    for wrong in ("", "x", PASSWORD.upper(), PASSWORD + " "):
        page = log_in(page, wrong)
        assert titles(page) == ["Log in"]
        assert page.error[0].value == "This is not the password."
    assert requests == []
    page = log_in(page, PASSWORD)
    assert titles(page) == ["Secret"]
    assert requests == [("http://127.0.0.1:8000/v1/models", "Bearer key of the service")]


def test_another_visitor_does_not_share_the_session(locked, requests):
    assert titles(log_in(visit(), PASSWORD)) == ["Secret"]
    assert titles(visit()) == ["Log in"]


def test_logging_out_ends_the_session_and_forgets_its_data(locked, requests):
    page = log_in(visit(), PASSWORD)
    page.session_state["upload"] = "rows"
    page = page.sidebar.button[0].click().run()
    assert titles(page) == ["Log in"]
    assert "upload" not in page.session_state


@pytest.mark.parametrize(
    ("step", "seconds"), [(access.IDLE_SECONDS + 1, 0), (access.IDLE_SECONDS - 1, access.SESSION_SECONDS)]
)
def test_a_session_ends_when_it_is_idle_and_after_some_hours(locked, requests, monkeypatch, step, seconds):
    clock = [1_000.0]
    monkeypatch.setattr(access, "monotonic", lambda: clock[0])
    page = log_in(visit(), PASSWORD)
    while seconds > 0:
        assert titles(page.run()) == ["Secret"]
        clock[0] += step
        seconds -= step
    clock[0] += step
    made = len(requests)
    # the button of the old page runs its callback before the page is drawn
    page = page.button[-1].click().run()
    assert titles(page) == [] or titles(page) == ["Log in"]
    assert len(requests) == made


def test_a_changed_password_ends_all_sessions(locked, requests):
    page = log_in(visit(), PASSWORD)
    write_password(locked.app_password, hash_password("another password"))
    assert titles(page.run()) == ["Log in"]
    assert titles(log_in(page, "another password")) == ["Secret"]


def test_wrong_passwords_are_limited_and_logged_once_without_them(locked, requests, caplog, monkeypatch):
    page = visit(monkeypatch=monkeypatch)
    with caplog.at_level(logging.INFO, "shopwright.app"):
        for _ in range(access.MAX_FAILURES):
            page = log_in(page, "guess 42")
        page = log_in(page, PASSWORD)
    assert page.error[0].value == "Too many wrong passwords. Try again in 5 minutes."
    assert titles(page) == ["Log in"]
    assert titles(log_in(visit(), PASSWORD)) == ["Log in"]  # a new tab is no way around
    assert len([record for record in caplog.records if record.name == "shopwright.app"]) == 1
    assert "guess" not in caplog.text


@pytest.mark.parametrize(
    ("address", "headers", "words"),
    [
        ("0.0.0.0", {"Host": "localhost"}, "listens to other machines"),
        ("", {"Host": "localhost"}, "listens to other machines"),
        (None, {"Host": "localhost"}, "listens to other machines"),
        ("127.0.0.1", {"Host": "localhost", "X-Forwarded-For": "10.0.0.1"}, "A proxy forwarded"),
        ("127.0.0.1", {"Host": "shop.example"}, "localhost only"),
    ],
)
def test_without_a_password_only_this_machine_is_served(
    project, requests, monkeypatch, address, headers, words
):
    page = visit(address, headers, monkeypatch)
    assert titles(page) == []
    assert words in page.error[0].value
    assert "keys password" in page.error[0].value
    assert requests == []


def test_without_a_password_this_machine_is_served(project, requests, monkeypatch):
    assert titles(visit(monkeypatch=monkeypatch)) == ["Secret"]


def test_a_password_that_is_set_counts_while_the_app_runs(project, requests, monkeypatch):
    page = visit(monkeypatch=monkeypatch)
    write_password(project.app_password, hash_password(PASSWORD))
    assert titles(page.run()) == ["Log in"]


def test_a_lost_or_damaged_file_does_not_open_the_app(locked, requests, monkeypatch):
    locked.app_password.write_text("{}")
    page = visit(monkeypatch=monkeypatch)
    assert "not a valid password file" in page.error[0].value
    locked.app_password.unlink()
    page = visit(monkeypatch=monkeypatch)
    assert "is gone" in page.error[0].value
    assert requests == []
    assert remove_password(locked.app_password)
    assert titles(visit(monkeypatch=monkeypatch)) == ["Secret"]


def test_a_password_is_stored_as_a_salted_slow_hash(project):
    first, second = hash_password(PASSWORD), hash_password(PASSWORD)
    assert first.hash != second.hash
    assert first.cost * first.block_size * 128 >= 32 << 20
    write_password(project.app_password, first)
    assert PASSWORD not in project.app_password.read_text()
    assert stat.S_IMODE(project.app_password.stat().st_mode) == 0o600
    assert read_password(project.app_password) == first
    assert is_password(PASSWORD, first)
    assert not is_password(PASSWORD + "x", first)


@pytest.mark.parametrize("password", ["", "short", "x" * 11, "x" * 1_025])
def test_a_password_has_a_length(password):
    with pytest.raises(ConfigurationError, match="12 to 1,024"):
        hash_password(password)


@pytest.mark.parametrize("content", ["", "[]", "{}", "null", json.dumps({"salt": "a"}), "\0"])
def test_a_damaged_file_is_told(project, content):
    write_password(project.app_password, hash_password(PASSWORD))
    project.app_password.write_text(content)
    with pytest.raises(ConfigurationError, match="not a valid password file"):
        read_password(project.app_password)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("salt", ""),
            ("salt", 1),
            ("hash", "x" * 64),
            ("hash", "ab"),
            ("cost", 1),
            ("cost", 3),
            ("cost", 1 << 30),
        ),
        *(
            ("cost", True),
            ("block_size", 0),
            ("block_size", 1 << 20),
            ("parallelism", "1"),
            ("parallelism", 99),
        ),
    ],
)
def test_a_hash_that_nobody_computes_is_a_damaged_file(project, name, value):
    write_password(project.app_password, hash_password(PASSWORD))
    stored = json.loads(project.app_password.read_text())
    project.app_password.write_text(json.dumps(stored | {name: value}))
    with pytest.raises(ConfigurationError, match="not a valid password file"):
        read_password(project.app_password)


def test_no_page_without_the_door_may_use_the_key(locked, requests):
    with pytest.raises(AccessError):
        api_client.get("/v1/models")
    assert requests == []


@pytest.fixture
def visitor(project, requests, monkeypatch):
    """What the provider said of the visitor; the shop admits one of its accounts."""
    (project.root / "shopwright.toml").write_text('[app]\nallowed = ["ada@shop.example"]\n')
    project.app_login.parent.mkdir()
    project.app_login.write_text(
        "[auth]\n" + "".join(f'{name} = "{text}"\n' for name, text in PROVIDER.items())
    )
    project.app_login.chmod(0o600)
    claims = {}
    monkeypatch.setattr(access.st, "user", claims)
    return claims


def test_a_visitor_whom_no_provider_knows_gets_the_button(visitor, requests, monkeypatch):
    asked = []
    monkeypatch.setattr(access.st, "login", lambda: asked.append(True))
    page = visit()
    assert titles(page) == ["Log in"]
    assert asked == []
    page.button[0].click().run()
    assert asked == [True]
    assert requests == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "Secret"),
        ({"is_logged_in": False}, "Log in"),
        ({"iat": None}, "Log in"),
        ({"iat": time.time() - access.SESSION_SECONDS - 60}, "Log in"),
        ({"email": "eve@shop.example"}, "No access"),
        ({"email_verified": False}, "No access"),
    ],
)
def test_an_account_is_admitted_if_it_is_listed_and_its_log_in_recent(visitor, requests, change, expected):
    visitor.update(ACCOUNT, iat=time.time())
    visitor.update(change)
    assert titles(visit()) == [expected]
    assert len(requests) == (expected == "Secret")


def test_an_account_that_is_no_longer_listed_has_no_access_from_then_on(visitor, project, requests):
    visitor.update(ACCOUNT, iat=time.time())
    page = visit()
    (project.root / "shopwright.toml").write_text('[app]\nallowed = ["sub:1"]\n')
    made = len(requests)
    # the button of the old page runs its callback before the page is drawn
    page = page.button[-1].click().run()
    assert titles(page) in ([], ["No access"])
    assert len(requests) == made


def test_a_lost_file_of_the_provider_does_not_open_the_app(visitor, project, requests, monkeypatch):
    visitor.update(ACCOUNT, iat=time.time())
    project.app_login.unlink()
    page = visit(monkeypatch=monkeypatch)
    assert "allowed names who may log in" in page.error[0].value
    assert requests == []


def test_logging_out_tells_streamlit_to_forget_the_cookie(visitor, requests, monkeypatch):
    visitor.update(ACCOUNT, iat=time.time())
    monkeypatch.setattr(access.st, "logout", visitor.clear)
    page = visit()
    page.sidebar.button[0].click().run()
    assert visitor == {}
    assert titles(page.run()) == ["Log in"]
