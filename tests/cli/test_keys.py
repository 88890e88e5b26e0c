"""``shopwright keys``: what people and machines are told."""

from __future__ import annotations

import io
import json
import sys

import pytest

from shopwright.core.passwords import is_password, read_password
from shopwright.service.keys import read_keys
from shopwright.settings import load_project


@pytest.fixture
def keys(tmp_path, capfd, monkeypatch):
    """Run a command about keys; gives exit code, output and errors."""
    from shopwright.cli.main import main

    (tmp_path / "shopwright.toml").touch()

    def called(*arguments):
        monkeypatch.setattr(sys, "argv", ["shopwright", "keys", *arguments, "--project", str(tmp_path)])
        capfd.readouterr()
        code = 0
        try:
            main()
        except SystemExit as left:
            code = left.code or 0
        return code, *capfd.readouterr()

    return called


def test_a_key_is_shown_once_and_kept_as_a_hash(keys, tmp_path):
    code, out, err = keys("create", "tracker", "--scope", "collect")
    kept = read_keys(load_project(tmp_path).keys)
    assert (code, [each.scopes for each in kept]) == (0, [("collect",)])
    assert out.startswith(f"sw_{kept[0].id}_")
    assert "cannot be shown again" in err
    listed = keys("list")[1]
    assert "tracker" in listed
    assert out.strip() not in listed


def test_a_rotated_key_has_a_successor(keys):
    keys("create", "tracker")
    made = json.loads(keys("rotate", "tracker", "--grace", "1", "--json")[1])
    listed = json.loads(keys("list", "--json")[1])
    assert made["key"].startswith(f"sw_{made['id']}_")
    assert [each["is_valid"] for each in listed] == [True, True]
    assert [each["ends_at"] is None for each in listed] == [False, True]


def test_a_revoked_key_is_not_valid(keys):
    keys("create", "tracker")
    assert json.loads(keys("revoke", "tracker", "--json")[1]) == {"name": "tracker", "revoked": 1}
    assert [each["is_valid"] for each in json.loads(keys("list", "--json")[1])] == [False]


def test_what_cannot_be_is_one_line(keys):
    assert "did you mean 'collect'" in keys("create", "x", "--scope", "colect")[2]
    code, _, err = keys("revoke", "nobody")
    assert (code, err.count("\n")) == (1, 1)


def test_a_password_of_the_app_is_made_or_read_and_removed(keys, tmp_path, monkeypatch):
    file = load_project(tmp_path).app_password
    code, out, err = keys("password", "--generate")
    assert code == 0
    assert "cannot be shown again" in err
    assert is_password(out.strip(), read_password(file))
    assert out.strip() not in file.read_text()
    monkeypatch.setattr(sys, "stdin", io.StringIO("a password from a pipe\n"))
    code, out, err = keys("password")
    assert (code, out) == (0, "")
    assert "from a pipe" not in err
    assert is_password("a password from a pipe", read_password(file))
    assert json.loads(keys("password", "--remove", "--json")[1]) == {"removed": True}
    assert read_password(file) is None
    assert keys("password", "--remove")[1] == "The app has no password\n"


@pytest.mark.parametrize(("given", "code"), [("short\n", 1), ("", 1), ("x" * 2_000 + "\n", 1)])
def test_a_password_that_is_none_changes_nothing(keys, tmp_path, monkeypatch, given, code):
    monkeypatch.setattr(sys, "stdin", io.StringIO(given))
    assert keys("password")[0] == code
    assert keys("password", "--remove", "--generate")[0] == 2
    assert read_password(load_project(tmp_path).app_password) is None
