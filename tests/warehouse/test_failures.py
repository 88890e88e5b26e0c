"""The message of a failed data test names model, column, value and the row of the source."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import pytest

from shopwright.warehouse.dbt_runner import NodeResult
from shopwright.warehouse.failures import (
    clear_failed_build,
    format_failure,
    read_failed_build,
    record_failed_build,
)
from tests.warehouse.shops import make_shop

RESULT = NodeResult(
    name="orders_in_range",
    kind="test",
    status="fail",
    seconds=0.1,
    failures=1,
    message="Got 1 result",
    query="select * from gold.fct_orders where delivery_days < 0",
    model="fct_orders",
    arguments={"columns": {"delivery_days": [0, None], "line_count": [0, 9]}},
)


@pytest.fixture
def project(tmp_path):
    project = make_shop(tmp_path)
    project.warehouse.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(project.warehouse)) as connection:
        connection.execute("create schema bronze; create schema gold")
        connection.execute("create table bronze.ledger as select 'b1' as batch_id, '/x/raw/may.csv' as file")
        connection.execute(
            "create table bronze.orders as select * from (values ('o1', 'b1', 1, 6), ('o2', 'b1', 1, 7)) "
            "as rows (order_id, _batch_id, _batch_seq, _row_number)"
        )
        connection.execute(
            "create table gold.fct_orders as select * from (values ('o1', -2, 3, repeat('x', 500)), ('o2', 4, 1, '')) "
            "as rows (order_id, delivery_days, line_count, note)"
        )
    return project


def test_a_range_names_the_value_outside_and_its_row(project):
    assert format_failure(project, RESULT) == (
        "fct_orders: orders_in_range (1 row: order_id = o1, delivery_days = -2, "
        "from orders row 7 accepted from may.csv)"
    )


def test_an_order_that_only_its_lines_state_comes_from_one_of_them(project):
    with duckdb.connect(str(project.warehouse)) as connection:
        connection.execute(
            "update bronze.orders set order_id = 'o3'; alter table gold.fct_orders add customer_id text"
        )
        connection.execute("update gold.fct_orders set customer_id = 'c1'")
        connection.execute(
            "create table bronze.customers as select 'c1' as customer_id, 'b1' as _batch_id, 1 as _batch_seq, 2 as _row_number"
        )
        connection.execute(
            "create table bronze.order_items as select 'o1' as order_id, 'b1' as _batch_id, 1 as _batch_seq, 3 as _row_number"
        )
        for name in ("payments", "refunds"):
            connection.execute(f"create table bronze.{name} as from bronze.order_items where false")
    assert "from order_items row 4 accepted from may.csv" in format_failure(project, RESULT)


def test_a_condition_names_the_columns_that_it_compares(project):
    result = replace(RESULT, arguments={"condition": "delivery_days >= line_count - 1"})
    assert "order_id = o1, delivery_days = -2, line_count = 3, from" in format_failure(project, result)


def test_a_long_condition_leaves_room_for_the_identifiers(project):
    query = "select order_id, " + ", ".join(f"{number} as count_{number}" for number in range(20))
    condition = " = ".join(f"count_{number}" for number in range(20))
    result = replace(
        RESULT, query=f"{query} from gold.fct_orders limit 1", arguments={"condition": condition}
    )
    message = format_failure(project, result)
    assert "(1 row: order_id = o1, count_0 = 0, " in message
    assert message.count(" = ") == 8


def test_a_test_of_a_column_names_it(project):
    result = replace(RESULT, column="note", arguments={"column_name": "note"})
    message = format_failure(project, result)
    assert "note = xxx" in message
    assert len(message) < 200


def test_a_value_alone_is_looked_up_in_the_model(project):
    query = """select delivery_days as value_field, count(*) as n_records from "gold"."fct_orders"
        where delivery_days < 0 group by delivery_days"""
    message = format_failure(project, replace(RESULT, column="delivery_days", query=query, arguments={}))
    assert "(1 row: order_id = o1, delivery_days = -2, from orders row 7 accepted from may.csv)" in message


def test_a_row_of_no_source_is_described_by_its_columns(project):
    result = replace(RESULT, model="", query="select 'USD' as currency, 2 as row_count", arguments={})
    assert format_failure(project, result) == "orders_in_range (1 row: currency = USD, row_count = 2)"


def test_rows_that_cannot_be_read_leave_the_message_of_dbt(project):
    result = replace(RESULT, query="select * from gold.gone")
    assert format_failure(project, result) == "fct_orders: orders_in_range (1 row)"
    assert "Got 1 result" in format_failure(project, replace(RESULT, failures=0))


def test_the_last_failure_is_known_until_a_build_publishes(project):
    assert read_failed_build(project) is None
    record_failed_build(project, "one test failed")
    assert read_failed_build(project).message == "one test failed"
    clear_failed_build(project)
    assert read_failed_build(project) is None
