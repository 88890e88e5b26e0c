"""What pages read: the project, its published warehouse and its reports, cached until the next build."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from shopwright import reports
from shopwright.ingest.quarantine import count_open
from shopwright.reports import Column, Filters, FilterValues, PublishedWarehouse, Table, find_report
from shopwright.settings import Project, load_project
from shopwright.warehouse.failures import read_failed_build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shopwright.core.engine import Connection
    from shopwright.warehouse.failures import FailedBuild

_PROJECT_VARIABLE = "SHOPWRIGHT_PROJECT"
_MAX_TABLES = 500
"""Reports in the cache; each has at most some thousand rows."""


def project() -> Project:
    """Load the project that the app was started for.

    Raises:
        ConfigurationError: its folder has no shopwright.toml.
    """
    return load_project(Path(os.environ.get(_PROJECT_VARIABLE, ".")))


@contextmanager
def connection() -> Iterator[Connection]:
    """Open a connection to the published warehouse, for what is not in a report.

    Raises:
        ConfigurationError: nothing is published yet.
    """
    with _warehouse().connection() as cursor:
        yield cursor


def build_identity() -> tuple[str | int, ...]:
    """Return a value that differs for every published build: the key of what pages cache.

    Raises:
        ConfigurationError: nothing is published yet.
    """
    return (str(project().root), *_warehouse().identity)


def read_report(name: str, filters: Filters) -> Table:
    """Read a report with those of the filters that it accepts.

    Raises:
        MissingDataError: the shop has no data of the kind.
        ConfigurationError: nothing is published yet.
    """
    return _read_report(build_identity(), name, filters.select(find_report(name).filters))


def filter_values() -> FilterValues:
    """Read the values that filters can take.

    Raises:
        ConfigurationError: nothing is published yet.
    """
    return _read_filter_values(build_identity())


QUARANTINE_COLUMNS = (
    Column("source", "Name of the source.", "text"),
    Column("file", "Name of the file.", "text"),
    Column("rules", "All rules that the rows broke.", "text"),
    Column("rows", "Rows that broke exactly these rules.", "count"),
)


@st.cache_data(ttl=60, max_entries=4, show_spinner=False)
def list_quarantine() -> list[tuple[str, str, str, int]]:
    """List quarantined rows by file and broken rules, largest counts first."""
    groups = sorted(count_open(project()), key=lambda group: -group.rows)
    return [(group.source, Path(group.file).name, ", ".join(group.rules), group.rows) for group in groups]


def failed_build() -> FailedBuild | None:
    """Return the last build if it published nothing."""
    return read_failed_build(project())


def _warehouse() -> PublishedWarehouse:
    current = project()
    return _open_warehouse(current.published, current.settings.engine.threads)


@st.cache_resource(max_entries=4, show_spinner=False)
def _open_warehouse(file: Path, threads: int | None) -> PublishedWarehouse:
    return PublishedWarehouse(file, threads=threads)


@st.cache_data(max_entries=_MAX_TABLES, show_spinner=False)
def _read_report(key: tuple[str | int, ...], name: str, filters: Filters) -> Table:  # noqa: ARG001  # part of the cache key
    with connection() as cursor:
        report = reports.adapt_to_shop(cursor, find_report(name))
        return reports.read_report(cursor, report, report.applicable_filters(filters))


@st.cache_data(max_entries=4, show_spinner=False)
def _read_filter_values(key: tuple[str | int, ...]) -> FilterValues:  # noqa: ARG001  # part of the cache key
    with connection() as cursor:
        return reports.read_filter_values(cursor)
