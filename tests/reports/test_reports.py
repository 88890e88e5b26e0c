"""What all reports have in common, and the warehouse that they are read from."""

from __future__ import annotations

import json
import shutil

import duckdb
import pytest

from shopwright.core.errors import ConfigurationError
from shopwright.reports import FILTERS, REPORTS, PublishedWarehouse
from shopwright.warehouse.summary import summarise


def test_names_are_unique_and_everything_is_told():
    names = [report.name for report in REPORTS]
    assert len(names) == len(set(names))
    for report in REPORTS:
        assert report.definition.endswith("."), report.name
        assert report.needs, report.name
        columns = [column.name for column in report.columns]
        assert len(columns) == len(set(columns)), report.name
        assert set(report.filters) <= set(FILTERS), report.name
        json.dumps(report.described())


def test_a_build_that_is_published_is_read_without_a_restart(tmp_path):
    def publish(value):
        with duckdb.connect(str(tmp_path / "new" / "warehouse.duckdb")) as connection:
            connection.execute("create schema if not exists gold")
            connection.execute(f"create or replace table gold.answer as select {value} as value")
            connection.execute("create or replace view gold.seen as select * from warehouse.gold.answer")
        shutil.copy(tmp_path / "new" / "warehouse.duckdb", tmp_path / "copy")
        (tmp_path / "copy").replace(tmp_path / "warehouse.duckdb")

    (tmp_path / "new").mkdir()
    publish(1)
    warehouse = PublishedWarehouse(tmp_path / "warehouse.duckdb", threads=1)
    query = "select value from gold.seen"
    with warehouse.connection() as old:
        assert old.execute(query).fetchone() == (1,)
        publish(2)
        assert old.execute(query).fetchone() == (1,)
        with warehouse.connection() as new:
            assert new.execute(query).fetchone() == (2,)
        with pytest.raises(duckdb.Error):
            old.execute("create table gold.mine as select 1")


def test_nothing_published_is_said(tmp_path):
    with (
        pytest.raises(ConfigurationError, match="run 'shopwright run' first"),
        PublishedWarehouse(tmp_path / "no").connection(),
    ):
        pass


@pytest.mark.parametrize("kind", ["clicks", "orders"])
def test_what_run_says_it_found_is_what_the_reports_say(request, read, kind):
    shop = request.getfixturevalue(kind)
    found = {finding.name: finding.value for finding in summarise(shop)}
    told = read(shop, "sales_summary")[0] | read(shop, "customer_summary")[0]
    if kind == "clicks":
        told |= read(shop, "visits_summary")[0]
    shared = found.keys() & told.keys()
    assert {name: told[name] for name in shared} == pytest.approx(
        {name: None if found[name] is None else float(found[name]) for name in shared}
    )
    assert shared >= {"net_amount", "gross_amount", "average_order_value", "repeat_rate", "return_rate"}
