"""One small shop, built once, and a way to ask it."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from tests.built import build_once
from tests.cli.experiments.shop import BANNER, CHECKOUT, EXPRESS, NEXT_YEAR
from tests.warehouse.shops import make_shop, take_in

from shopwright.simulate import SimulationConfig, simulate
from shopwright.warehouse.build import build

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.settings import Project


@pytest.fixture(scope="session")
def shop(tmp_path_factory) -> Project:
    """A shop of three months with three experiments in the last two, built."""

    def make(folder: Path) -> Project:
        simulate(SimulationConfig(events=20_000, seed=11), folder / "raw")
        project = make_shop(folder / "shop", raw=folder / "raw", extra=CHECKOUT + BANNER + EXPRESS)
        take_in(project)
        build(project)
        return project

    return build_once(tmp_path_factory, "three-experiments", make)


@pytest.fixture(scope="session")
def changed_shop(shop, tmp_path_factory) -> Project:
    """The same with one experiment added and two removed since it was built."""
    folder = tmp_path_factory.mktemp("changed") / "shop"
    shutil.copytree(shop.root, folder)
    return make_shop(folder, raw=shop.root.parent / "raw", extra=CHECKOUT + NEXT_YEAR)


@pytest.fixture(scope="session")
def rebuilt_shop(shop, changed_shop, tmp_path_factory) -> Project:
    """That one, built again as an increment."""

    def make(folder: Path) -> Project:
        shutil.copytree(changed_shop.root, folder, dirs_exist_ok=True)
        project = make_shop(folder, raw=shop.root.parent / "raw", extra=CHECKOUT + NEXT_YEAR)
        report = build(project)
        assert (report.full_refresh, report.reason) == (False, "")
        return project

    return build_once(tmp_path_factory, "rebuilt-experiments", make)


@pytest.fixture
def run(capfd, monkeypatch):
    """Run a command about experiments; gives exit code, output and errors."""
    from shopwright.cli.main import main

    def called(command, *arguments, project):
        given = ["shopwright", "experiment", command, *map(str, arguments), "--project", str(project.root)]
        monkeypatch.setattr(sys, "argv", given)
        capfd.readouterr()
        code = 0
        try:
            main()
        except SystemExit as left:
            code = left.code or 0
        return code, *capfd.readouterr()

    return called


@pytest.fixture
def document(run):
    """Run a command with --json; gives what it prints, which is JSON in the narrow sense, without NaN."""

    def called(*arguments, project):
        code, out, err = run(*arguments, "--json", project=project)
        assert (code, err) == (0, "")
        return json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))

    return called
