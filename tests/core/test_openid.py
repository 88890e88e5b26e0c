"""The file of the OpenID provider, and which of its accounts a shop admits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shopwright.core.errors import ConfigurationError
from shopwright.core.openid import has_provider, is_allowed, normalize_email
from shopwright.settings.app import AppSettings

FILE = {
    "redirect_uri": "https://shop.example/oauth2callback",
    "cookie_secret": "0123456789abcdef" * 4,
    "client_id": "shopwright",
    "client_secret": "of the client",
    "server_metadata_url": "https://login.example/.well-known/openid-configuration",
}
ALLOWED = AppSettings(allowed=("Ada@Shop.example", "@team.example", "sub:42")).allowed


def write(folder, values, *, mode=0o600):
    file = folder / "app-login.toml"
    file.write_text("[auth]\n" + "".join(f'{name} = "{value}"\n' for name, value in values.items()))
    file.chmod(mode)
    return file


def test_a_whole_file_and_accounts_are_a_provider(tmp_path):
    assert has_provider(write(tmp_path, FILE), ALLOWED)
    here = {"redirect_uri": "http://127.0.0.1:{port}/oauth2callback"}
    assert has_provider(write(tmp_path, FILE | here), ALLOWED)
    assert not has_provider(tmp_path / "none.toml", ())


def test_neither_of_file_and_accounts_opens_the_app_alone(tmp_path):
    with pytest.raises(ConfigurationError, match="is missing"):
        has_provider(tmp_path / "none.toml", ALLOWED)
    with pytest.raises(ConfigurationError, match="every account of the provider"):
        has_provider(write(tmp_path, FILE), ())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        *(({name: " "}, f"no {name}") for name in FILE),
        ({"cookie_secret": "short"}, "shorter than 32"),
        ({"redirect_uri": "https://shop.example/"}, "must end with /oauth2callback"),
        ({"redirect_uri": "http://shop.example/oauth2callback"}, "must begin with https"),
        ({"server_metadata_url": "http://login.example/openid"}, "must begin with https"),
        ({"server_metadata_url": "file:///etc/passwd"}, "must begin with https"),
    ],
)
def test_an_incomplete_or_unsafe_file_is_told(tmp_path, change, message):
    with pytest.raises(ConfigurationError, match=message):
        has_provider(write(tmp_path, FILE | change), ALLOWED)


@pytest.mark.parametrize("content", ["[auth", "\0", "auth = 1", ""])
def test_a_damaged_file_is_told(tmp_path, content):
    file = tmp_path / "app-login.toml"
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(ConfigurationError, match=str(file)):
        has_provider(file, ALLOWED)


def test_secrets_that_all_can_read_are_told(tmp_path):
    with pytest.raises(ConfigurationError, match="chmod 600"):
        has_provider(write(tmp_path, FILE, mode=0o644), ALLOWED)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"email": "ada@shop.example", "email_verified": True}, True),
        ({"email": "ADA@shop.EXAMPLE", "email_verified": "true"}, True),
        ({"email": "anyone@team.example", "email_verified": True}, True),
        ({"email": "stranger", "email_verified": False, "sub": "42"}, True),
        ({"email": "ada@shop.example"}, False),
        ({"email": "ada@shop.example", "email_verified": False}, False),
        ({"email": "ada@shop.example", "email_verified": "false"}, False),
        ({"email": "eve@shop.example", "email_verified": True}, False),
        ({"email": "eve@team.example.evil.example", "email_verified": True}, False),
        ({"email": "eve@evil.example@team.example", "email_verified": True}, False),
        ({"email": "@team.example", "email_verified": True}, False),
        ({"email": "sub:42", "email_verified": True}, False),
        ({"email": ["ada@shop.example"], "email_verified": True}, False),
        ({"sub": 42}, False),
        ({"sub": ""}, False),
        ({}, False),
    ],
)
def test_only_listed_accounts_with_verified_addresses_are_admitted(claims, expected):
    assert is_allowed(claims, ALLOWED) is expected


@given(st.emails(), st.text(min_size=1))
def test_an_account_that_is_not_listed_is_never_admitted(email, subject):
    claims = {"email": email, "email_verified": True, "sub": subject}
    assert not is_allowed(claims, ("ada@nowhere.invalid", "@nobody.invalid", "sub:" + subject + "x"))
    assert is_allowed(claims, (f"sub:{subject}",))
    assert is_allowed(claims, (normalize_email(email),))
    assert not is_allowed(claims | {"email_verified": None, "sub": None}, (email.lower(),))


def test_a_letter_that_only_looks_the_same_in_lower_case_is_another():
    claims = {"email": "\N{KELVIN SIGN}im@shop.example", "email_verified": True}
    assert not is_allowed(claims, AppSettings(allowed=("kim@shop.example",)).allowed)


@pytest.mark.parametrize("account", ["", "*", "@", "shop.example", "sub:", "a@b@c", "*@shop.example"])
def test_what_is_no_account_is_refused(account):
    with pytest.raises(ValidationError, match="is no account"):
        AppSettings(allowed=(account,))
