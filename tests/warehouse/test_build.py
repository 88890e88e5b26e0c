"""Builds: incremental equals full, nothing unfinished or untested is seen, and a failed test says what is wrong."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import duckdb
import pytest

from shopwright.core.errors import DataTestError
from shopwright.lake.delta import Intent, Lake, write_parquet
from shopwright.warehouse.build import build
from shopwright.warehouse.dbt_runner import run_dbt
from tests.warehouse.shops import deal, gold, make_shop, run, take_in


@pytest.mark.slow
def test_late_and_shuffled_files_give_what_one_full_load_gives(dirty_raw, tmp_path):
    full = make_shop(tmp_path / "whole", raw=dirty_raw)
    take_in(full)
    build(full)
    partial = make_shop(tmp_path / "parts")
    rng = random.Random(3)
    for file in sorted([*dirty_raw.glob("*.jsonl"), *dirty_raw.glob("events/*.jsonl")], reverse=True):
        lines = file.read_text(encoding="utf-8", errors="surrogateescape").splitlines(keepends=True)
        good = [line for line in lines if "\udce9" not in line]
        deal(good, partial.root / "raw", file.stem.replace("2025", "events"), rng, files=2)
        take_in(partial)
        build(partial)
    again = build(full, full_refresh=True)
    assert again.full_refresh
    assert gold(partial.published) == gold(full.published)


@pytest.mark.slow
def test_a_second_build_without_new_files_changes_nothing(shop):
    before = gold(shop.published)
    report = build(shop)
    assert not report.full_refresh
    assert gold(shop.published) == before


def test_no_table_of_rows_holds_numbers_wider_than_64_bits(shop):
    """Wider numbers are read ten times as slowly, and every build reads these tables again."""
    with duckdb.connect(str(shop.published), read_only=True) as connection:
        wide = connection.execute(
            "select table_name, column_name from duckdb_columns() join duckdb_tables() using (schema_name, table_name) "
            "where (schema_name = 'silver' or table_name in ('fct_orders', 'fct_sessions')) "
            "and (numeric_precision > 18 and data_type like 'DECIMAL%' or data_type like '%HUGEINT')"
        ).fetchall()
    assert wide == []


@pytest.mark.slow
def test_changed_settings_rebuild_everything_and_drop_tables_of_older_versions(dirty_raw, tmp_path):
    project = make_shop(tmp_path, raw=dirty_raw)
    take_in(project)
    build(project)
    with duckdb.connect(str(project.warehouse)) as connection:
        connection.execute("create table silver.int_of_an_older_version as select 1 as column_name")
        # what is a view now and a table then, in another version, changes its kind
        connection.execute(
            "drop view silver.stg_users; create table silver.stg_users as select 1 as column_name"
        )
        connection.execute(
            "drop table gold.dim_products; create view gold.dim_products as select 1 as column_name"
        )
    longer = make_shop(tmp_path, raw=dirty_raw, extra="[sessions]\ngap_minutes = 240\n")
    report = build(longer)
    assert report.reason == "settings or models changed"
    with duckdb.connect(str(longer.published), read_only=True) as connection:
        assert connection.execute(
            "select count(*) from gold.fct_sessions a join gold.fct_sessions b on a.user_id = b.user_id "
            "and b.session_start_at > a.session_end_at and b.session_start_at <= a.session_end_at + interval 4 hour"
        ).fetchone() == (0,)
        assert connection.execute(
            "select count(*) from information_schema.tables where table_name = 'int_of_an_older_version'"
        ).fetchone() == (0,)


@pytest.mark.slow
def test_a_build_whose_tests_fail_publishes_nothing_and_names_the_rows(dirty_raw, tmp_path):
    project = make_shop(tmp_path, raw=dirty_raw)
    take_in(project)
    build(project)
    before = project.published.read_bytes()
    _land_what_no_contract_allows(Lake(project.lake))
    with pytest.raises(DataTestError, match="nothing was published") as raised:
        build(project)
    assert any("user_id = ghost" in message for message in raised.value.failures), raised.value.failures
    assert project.published.read_bytes() == before
    status = json.loads(run(project, "status", "--json").stdout)
    assert "ghost" in status["failed_build"]["message"]


def _land_what_no_contract_allows(lake):
    with duckdb.connect() as connection:
        sequence = lake.sequence() + 1
        rows = (
            "select 'teleport' as event_type, 'ghost' as user_id, "
            f"timestamptz '2025-01-05 10:00:00+00' as event_at, {sequence}::bigint as _batch_seq, "
            "'x' as _batch_id, 'x' as _source"
        )
        intent = Intent(sequence)
        intent.add("events", write_parquet(connection, rows, lake.new_file("events", sequence)))
        lake.commit(intent)


@pytest.mark.slow
def test_readers_keep_what_they_opened_while_a_build_publishes(dirty_raw, tmp_path):
    project = make_shop(tmp_path)
    shutil.copytree(dirty_raw, project.root / "raw")
    take_in(project)
    build(project)
    with duckdb.connect(str(project.published), read_only=True) as reader:
        before = reader.execute("select count(*) from gold.fct_sessions").fetchone()
        build(project, full_refresh=True)
        assert reader.execute("select count(*) from gold.fct_sessions").fetchone() == before


@pytest.mark.slow
def test_a_shop_without_any_event_builds_and_says_so(tmp_path):
    project = make_shop(tmp_path)
    (project.root / "raw").mkdir()
    (project.root / "raw" / "events.jsonl").touch()
    finished = run(project, "run", "--json")
    assert finished.returncode == 0, finished.stderr
    document = json.loads(finished.stdout)
    assert document["findings"][0]["value"] == 0


@pytest.mark.slow
def test_the_models_unit_tests_pass_on_a_first_plain_dbt_build(dirty_raw, tmp_path):
    # Models of experiments are there where there are some.
    experiment = '[[experiments]]\nname = "a"\nhypothesis = "b"\nstart = 2025-01-10\n'
    project = make_shop(tmp_path, raw=dirty_raw, extra=experiment)
    take_in(project)
    result = run_dbt(project, ["build"])
    assert result.with_status("fail", "error", "skipped") == []
    assert sum(node.kind == "unit test" for node in result.results) >= 10


def test_status_and_docs_after_a_build(shop):
    status = run(shop, "status", "--json")
    assert json.loads(status.stdout)["published"]["batches_behind"] == 0
    written = run(shop, "docs", "--no-serve", "--json")
    assert written.returncode == 0, written.stderr
    page = json.loads(written.stdout)["page"]
    assert "fct_sessions" in Path(page).read_text(encoding="utf-8")
