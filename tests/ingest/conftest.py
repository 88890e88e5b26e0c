"""The hostile corpus and the shop on Postgres are modules beside the tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.postgres import running_server

sys.path.append(str(Path(__file__).parent))

from postgres_shop import DATABASES, ORDERS, VARIABLE, Database  # found by the line above


@pytest.fixture(scope="session")
def server():
    """A Postgres, one for each worker."""
    with running_server() as running:
        yield running


@pytest.fixture
def database(server, monkeypatch):
    """A database of its own, whose address stands in the environment."""
    name = f"shop_{next(DATABASES)}"
    server.run(f"create database {name}")
    created_database = Database(server, name)
    created_database.run(ORDERS)
    monkeypatch.setenv(VARIABLE, created_database.url)
    return created_database
