"""A shop whose folder gets another name says so, and the next run makes it whole."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from shopwright.cli.doctor import _project
from shopwright.core.engine import connect
from shopwright.ingest.run import ingest
from shopwright.settings import load_project
from shopwright.testing import NOW
from shopwright.warehouse.build import build, due_reason
from tests.warehouse.shops import make_shop


@pytest.mark.slow
def test_a_moved_shop_is_told_in_one_line_and_built_by_the_next_run(tmp_path):
    project = make_shop(tmp_path / "shop")
    (project.root / "raw").mkdir()
    event = '{"timestamp": "2025-03-10T10:00:00Z", "user_id": "u1", "event_type": "page_view"}'
    (project.root / "raw" / "monday.jsonl").write_text(f"{event}\n")
    ingest(project, now=NOW)
    build(project)
    (tmp_path / "shop").rename(tmp_path / "moved")
    project = load_project(tmp_path / "moved")
    assert due_reason(project) == "the shop has another folder than when it was built"
    for command in (["status"], ["report", "freshness"], ["doctor"]):
        result = subprocess.run(
            [sys.executable, "-m", "shopwright.cli.main", *command, "--project", str(project.root)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 1
        assert "Traceback" not in result.stderr
        assert "shopwright doctor" in result.stderr or "another folder" in result.stdout
    report = build(project)
    assert not report.full_refresh
    assert due_reason(project) is None
    with connect(project.published, read_only=True) as connection:
        assert connection.execute("select count(*) from gold.fct_ingest_ledger").fetchone() != (0,)


@pytest.mark.slow
def test_another_published_database_is_told_and_replaced(tmp_path):
    project = make_shop(tmp_path / "shop")
    (project.root / "raw").mkdir()
    for day in (1, 2):
        event = f'{{"timestamp": "2025-03-0{day}T10:00:00Z", "user_id": "u1", "event_type": "page_view"}}'
        (project.root / "raw" / f"{day}.jsonl").write_text(f"{event}\n")
        ingest(project, now=NOW)
        build(project)
        if day == 1:
            shutil.copy(project.published, tmp_path / "older")
    assert due_reason(project) is None
    shutil.copy(tmp_path / "older", project.published)
    assert due_reason(project) == "published/warehouse.duckdb is not the file that the last build published"
    assert not build(project).full_refresh
    assert due_reason(project) is None
    project.published.unlink()
    told = [finding.detail for finding in _project(project.root) if not finding.ok]
    assert told == ["published/warehouse.duckdb is gone; run `shopwright build`"]
