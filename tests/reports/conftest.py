"""The three kinds of shop; other folders that ask for them share them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shopwright.reports import Filters, PublishedWarehouse, find_report, read_report
from tests.built import build_once
from tests.reports.shops import click_shop, full_shop, orders_shop

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from shopwright.settings import Project


@pytest.fixture(scope="session")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A shop of clicks alone; only to be read."""
    return build_once(tmp_path_factory, "clicks", click_shop)


@pytest.fixture(scope="session")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A shop of orders alone; only to be read."""
    return build_once(tmp_path_factory, "orders", orders_shop)


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A shop with both; only to be read."""
    return build_once(tmp_path_factory, "full", full_shop)


@pytest.fixture
def read() -> Callable[..., list[dict[str, Any]]]:
    """Read a report of a shop, as rows by column name."""

    def read_rows(project: Project, name: str, **filters: Any) -> list[dict[str, Any]]:
        with PublishedWarehouse(project.published, threads=2).connection() as connection:
            return read_report(connection, find_report(name), Filters(**filters)).records()

    return read_rows
