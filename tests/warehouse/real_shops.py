"""The real data sets, each built once for all tests, however many processes run them."""

from __future__ import annotations

import fcntl
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from shopwright.cli.main import app
from shopwright.settings import Project, load_project
from shopwright.warehouse.build import build
from tests.warehouse.shops import take_in

if TYPE_CHECKING:
    from pathlib import Path


def built_once(scratch: Path, template: str, folder: Path) -> Project:
    """The shop that a template makes of a folder, taken in, built and tested.

    Args:
        scratch: a folder that all processes of a test run share.
        template: as ``shopwright init --template`` names it.
        folder: where the data set's files lie; not copied.
    """
    root = scratch / template
    with (scratch / f"{template}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        project = load_project(root) if root.exists() else _make(root, template, folder)
        if not project.published.exists():
            take_in(project)
            build(project)
        return project


def _make(root: Path, template: str, folder: Path) -> Project:
    made = CliRunner().invoke(app, ["init", str(root), "--template", template, "--source-path", str(folder)])
    assert made.exit_code == 0, made.output
    with (root / "shopwright.toml").open("a", encoding="utf-8") as settings:
        settings.write("\n[engine]\nthreads = 2\n")
    return load_project(root)


def shared_folder(tmp_path_factory) -> Path:
    """A folder that all processes of a test run share; below it lies one for each process, if there are several."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if base.name.startswith("popen-") else base
