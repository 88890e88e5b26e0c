"""Projects of earlier versions open, are brought to today's formats, and give the figures that they gave."""

from __future__ import annotations

import json
import tarfile
from datetime import datetime
from pathlib import Path

import pytest

from shopwright.core.formats import STORES, read_format
from shopwright.ingest.run import ingest
from shopwright.migrations import migrate
from shopwright.settings import load_project
from shopwright.warehouse.build import build, due_reason
from tests.museum.make import read_figures

PIECES = sorted(Path(__file__).parent.glob("*.tar.xz"))
NOW = datetime(2026, 1, 2)  # noqa: DTZ001  # naive UTC, as everywhere


@pytest.fixture(params=PIECES, ids=[piece.name.removesuffix(".tar.xz") for piece in PIECES])
def project(request, tmp_path):
    """A piece of the museum, unpacked."""
    with tarfile.open(request.param) as tar:
        tar.extractall(tmp_path, filter="data")
    return load_project(tmp_path / "shop")


def test_pieces_are_small_and_there():
    assert [piece.name for piece in PIECES][:1] == ["0.1.0.tar.xz"]
    assert all(piece.stat().st_size < 300_000 for piece in PIECES)


def test_an_older_project_opens_and_gives_the_same_figures(project):
    expected = json.loads((project.root / "figures.json").read_text("utf-8"))
    ledger = expected.pop("ledger")
    # the ledger is a view of the lake where it lay then
    assert read_figures(project.published, but=("ledger",)) == expected, "before anything is upgraded"
    report = ingest(project, now=NOW)
    assert (report.total("rows_accepted"), report.failed) == (0, [])
    assert [read_format(project.root, store) for store in STORES] == [store.format for store in STORES]
    assert migrate(project) == []
    build(project)
    assert due_reason(project) is None
    figures = read_figures(project.published)
    # the moved exports are known by their content, each with a row of its own
    assert [row for row in figures.pop("ledger") if row[2]] == ledger
    assert figures == expected
