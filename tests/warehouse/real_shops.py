"""The real data sets, each built once for all tests, however many processes run them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.testing import CliRunner

from shopwright.cli.main import app
from shopwright.settings import Project, load_project
from shopwright.warehouse.build import build
from tests.built import build_once
from tests.warehouse.shops import take_in

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def real_shop(factory: pytest.TempPathFactory, template: str, exports: Path) -> Project:
    """Return the shop that a template makes of a data set, loaded, built and tested.

    Args:
        factory: pytest's own.
        template: as ``shopwright init --template`` names it.
        exports: folder of the data set's files; not copied.
    """

    def make(root: Path) -> Project:
        arguments = ["init", str(root), "--template", template, "--source-path", str(exports)]
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, result.output
        with (root / "shopwright.toml").open("a", encoding="utf-8") as settings:
            settings.write("\n[engine]\nthreads = 2\n")
        project = load_project(root)
        take_in(project)
        build(project)
        return project

    return build_once(factory, template, make)
