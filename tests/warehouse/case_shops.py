"""Shops of the cases in ``tests/cases``: each has its exports, and the figures that are right, computed apart."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from shopwright.settings import Project, load_project
from tests.warehouse.shops import take_in

if TYPE_CHECKING:
    from collections.abc import Iterator

CASES = Path(__file__).parents[1] / "cases"


def case_shop(root: Path, name: str, *, settings: str | None = None) -> Project:
    """Return a shop with the files of a case that has no steps, taken in.

    Args:
        root: its folder.
        name: folder of the case, such as ``meaning/10-two-sources-one-number``.
        settings: text of ``shopwright.toml`` where the case has none, or another one.
    """
    shutil.copytree(CASES / name, root, dirs_exist_ok=True)
    if settings is not None:
        (root / "shopwright.toml").write_text(settings, encoding="utf-8")
    project = load_project(root)
    take_in(project)
    return project


def case_steps(root: Path, name: str) -> Iterator[Project]:
    """Copy the steps of a case over one another in turn, and yield the shop after each, taken in."""
    root.mkdir(parents=True, exist_ok=True)
    shutil.copy(CASES / name / "shopwright.toml", root)
    for step in sorted((CASES / name).glob("step*")):
        shutil.copytree(step, root, dirs_exist_ok=True)
        project = load_project(root)
        take_in(project)
        yield project
