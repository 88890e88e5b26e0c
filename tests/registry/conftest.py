"""A project with an empty store, copied from one that is made once: MLflow's migrations take seconds."""

from __future__ import annotations

import shutil

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from shopwright.registry import Registry
from shopwright.registry.tracking import create_database
from shopwright.settings import Project, Settings


@pytest.fixture(autouse=True, scope="session")
def _no_waiting_for_the_disk():
    def relax(connection, _):
        connection.execute("pragma synchronous = off")

    event.listen(Engine, "connect", relax)
    yield
    event.remove(Engine, "connect", relax)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    file = tmp_path_factory.mktemp("registry") / "mlflow.db"
    create_database(file)
    return file


@pytest.fixture
def project(tmp_path, empty_database):
    made = Project(root=tmp_path / "Zoë's #1 shop, 50%", settings=Settings())
    made.models.mkdir(parents=True)
    shutil.copy(empty_database, made.models)
    return made


@pytest.fixture
def registry(project):
    return Registry(project)
