"""Without the packages that read-outs need, the extra that brings them is named, before any work is done."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from shopwright.cli.main import app
from shopwright.core.errors import ConfigurationError
from shopwright.experiments import readout_table
from shopwright.settings import load_project
from shopwright.warehouse.build import build

SHOP = '[[experiments]]\nname = "a"\nhypothesis = "b"\nstart = 2025-01-01\n'


@pytest.fixture
def shop(tmp_path, monkeypatch):
    (tmp_path / "shopwright.toml").write_text(SHOP, encoding="utf-8")
    monkeypatch.setattr(readout_table, "find_spec", lambda name: None if name == "scipy" else object())
    return tmp_path


def test_a_build_names_the_extra(shop):
    with pytest.raises(ConfigurationError, match=r"need scipy; run `pip install 'shopwright\[experiments\]'"):
        build(load_project(shop))
    assert not (shop / "warehouse.duckdb").exists()


@pytest.mark.parametrize("command", [["results", "a"], ["plan", "a"], ["daily", "a"], ["audit", "a"]])
def test_commands_name_the_extra(shop, command):
    result = CliRunner().invoke(app, ["experiment", *command, "--project", str(shop)])
    assert isinstance(result.exception, ConfigurationError)


def test_what_needs_no_statistics_still_works(shop):
    for command in (["list"], ["assign", "a", "u1"]):
        assert CliRunner().invoke(app, ["experiment", *command, "--project", str(shop)]).exit_code == 0
