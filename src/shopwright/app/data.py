"""What pages read: the project, its published warehouse, its reports; answers are kept until a build replaces them."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from shopwright.ingest.quarantine import count_open
from shopwright.reports import (
    Choices,
    Column,
    Filters,
    Table,
    find_report,
    in_shop,
    read_choices,
    read_report,
)
from shopwright.reports.published import PublishedWarehouse
from shopwright.settings import Project, load_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

_PROJECT = "SHOPWRIGHT_PROJECT"
_KEPT = 500
"""Answers in memory; each is an aggregate of at most some thousand rows."""


def project() -> Project:
    """The shop that the app was started over.

    Raises:
        ConfigurationError: its folder is no project.
    """
    return load_project(Path(os.environ.get(_PROJECT, ".")))


@contextmanager
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the published warehouse, for what no report tells.

    Raises:
        ConfigurationError: nothing was published yet.
    """
    with _warehouse().connection() as opened:
        yield opened


def identity() -> tuple[str | int, ...]:
    """What changes with every published build: the key under which pages keep what they read.

    Raises:
        ConfigurationError: nothing was published yet.
    """
    return (str(project().root), *_warehouse().identity)


def read(name: str, filters: Filters) -> Table:
    """A report, narrowed to those of the filters that it takes.

    Raises:
        MissingDataError: the shop has no data of the kind.
        ConfigurationError: nothing was published yet.
    """
    return _read(identity(), name, filters.only(find_report(name).filters))


def choices() -> Choices:
    """What there is to filter by.

    Raises:
        ConfigurationError: nothing was published yet.
    """
    return _choices(identity())


QUARANTINE = (
    Column("source", "Name of the source.", "text"),
    Column("file", "Name of the file.", "text"),
    Column("rules", "All the rules that the rows broke.", "text"),
    Column("rows", "Rows that broke just these.", "count"),
)


@st.cache_data(ttl=60, max_entries=4, show_spinner=False)
def quarantine() -> list[tuple[str, str, str, int]]:
    """Rows in quarantine, by file and the rules they broke, most first."""
    found = sorted(count_open(project()), key=lambda each: -each.rows)
    return [(each.source, Path(each.file).name, ", ".join(each.rules), each.rows) for each in found]


def _warehouse() -> PublishedWarehouse:
    loaded = project()
    return _opened(loaded.published, loaded.settings.engine.threads)


@st.cache_resource(max_entries=4, show_spinner=False)
def _opened(file: Path, threads: int | None) -> PublishedWarehouse:
    return PublishedWarehouse(file, threads=threads)


@st.cache_data(max_entries=_KEPT, show_spinner=False)
def _read(key: tuple[str | int, ...], name: str, filters: Filters) -> Table:  # noqa: ARG001  # part of what is kept under
    with connection() as opened:
        report = in_shop(opened, find_report(name))
        return read_report(opened, report, report.taken(filters))


@st.cache_data(max_entries=4, show_spinner=False)
def _choices(key: tuple[str | int, ...]) -> Choices:  # noqa: ARG001  # part of what is kept under
    with connection() as opened:
        return read_choices(opened)
