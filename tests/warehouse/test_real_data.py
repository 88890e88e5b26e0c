"""The real exports, from raw files to tested gold, as a user would run them."""

from __future__ import annotations

import duckdb
import pytest

from shopwright.testing.sources import headless_clicks, invoices_as_purchases
from tests.warehouse.shops import make_shop, run


@pytest.mark.slow
def test_rees46_goes_from_raw_to_tested_gold_and_balances_to_the_row(real_data, tmp_path):
    folder = real_data / "rees46"
    project = make_shop(tmp_path, raw=folder / "2019-Oct.csv", adapter="rees46")
    with (tmp_path / "shopwright.toml").open("a", encoding="utf-8") as stream:
        stream.write(headless_clicks(folder / "2019-Nov_no_header.csv"))
    finished = run(project, "run", "--json")
    assert finished.returncode == 0, finished.stderr
    with duckdb.connect(str(project.published), read_only=True) as connection:
        ledger = connection.execute(
            "select source, rows_read, rows_accepted, rows_quarantined, rows_duplicate "
            "from gold.fct_ingest_ledger order by source"
        ).fetchall()
        assert ledger == [("clicks", 17_435, 17_429, 1, 5), ("november", 683, 683, 0, 0)]
        zero = "select count(*) from silver.stg_events where price = 0 and event_at < '2019-11-01'"
        assert connection.execute(zero).fetchone() == (19,)
        events = connection.execute("select sum(event_count) from gold.fct_sessions").fetchone()
        assert events == (17_429 + 683,)
        revenue = connection.execute("select sum(gross_amount) from gold.fct_sessions").fetchone()
        raw = connection.execute(
            "select sum(price) from silver.stg_events where event_type = 'purchase'"
        ).fetchone()
        assert revenue == raw


@pytest.mark.slow
def test_invoices_become_purchases_without_a_line_of_python(real_data, tmp_path):
    file = real_data / "online_retail" / "online_retail.csv.zst"
    (tmp_path / "shopwright.toml").write_text(invoices_as_purchases(file), encoding="utf-8")
    from shopwright.settings import load_project

    project = load_project(tmp_path)
    finished = run(project, "run", "--json")
    assert finished.returncode == 0, finished.stderr
    with duckdb.connect(str(project.published), read_only=True) as connection:
        read, accepted, quarantined, duplicate = connection.execute(
            "select rows_read, rows_accepted, rows_quarantined, rows_duplicate from gold.fct_ingest_ledger"
        ).fetchone()
        assert read == 541_909 == accepted + quarantined + duplicate
        # one invoice states one of its lines twice, a minute apart: that line was bought once
        repeated = connection.execute("select repeated_purchase_count from gold.fct_event_merges").fetchone()
        assert repeated == (1,)
        raw, orders, sessions = connection.execute(
            "with lines as (select *, min(event_at) over (partition by user_id, order_id, product_id, price, quantity) "
            "as first_at from silver.stg_events) "
            "select (select sum(price * coalesce(quantity, 1)) from lines where event_at = first_at), "
            "(select sum(gross_amount) from gold.fct_orders), (select sum(gross_amount) from gold.fct_sessions)"
        ).fetchone()
        assert raw == orders == sessions
