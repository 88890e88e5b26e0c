"""One shop with a champion, made once, and clients of its service."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from shopwright.service.app import create_app
from shopwright.settings import load_project
from tests.service.example_shop import EXPERIMENT, decisions, publish_scores, register

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shopwright.settings import Project


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A shop with two versions, of which the first serves; only to be read."""
    folder = tmp_path_factory.mktemp("served")
    root = folder / "shop"
    root.mkdir()
    (root / "shopwright.toml").write_text(EXPERIMENT)
    project = load_project(root)
    register(project, folder / "one", decisions())
    register(project, folder / "two", decisions(seed=2), trees=5, promote=False)
    publish_scores(project)
    return project


@pytest.fixture(scope="session")
def client(served: Project) -> Iterator[TestClient]:
    """A client of that shop's service."""
    with TestClient(create_app(served)) as made:
        yield made


@pytest.fixture
def own(served: Project, tmp_path) -> Project:
    """A copy that a test may change."""
    shutil.copytree(served.root, tmp_path / "shop")
    return load_project(tmp_path / "shop")


@pytest.fixture
def set_up(own: Project):
    """Change settings of the copy; gives a client of its service."""

    def made(**settings):
        lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
        (own.root / "shopwright.toml").write_text(f"[service]\n{lines}")
        return TestClient(create_app(load_project(own.root)))

    return made
