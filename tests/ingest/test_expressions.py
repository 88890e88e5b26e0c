"""A shop's own expressions are about one row: refused where they look further, and a row in which one fails fails alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from shopwright.cli.main import app
from shopwright.core.engine import connect
from shopwright.core.errors import ConfigurationError
from shopwright.ingest.expressions import refused_expressions
from shopwright.settings import SourceSettings
from shopwright.testing import Shop

CASES = Path(__file__).parents[1] / "cases" / "formats"


def toml(name, path="raw", entity="order_items", **sql):
    mapped = {
        "order_id": '"order_id"',
        "quantity": '"qty"',
        "unit_price": '"price"',
        "kind": '{ value = "sale" }',
    } | {column: f"{{ sql = {json.dumps(text)} }}" for column, text in sql.items()}
    lines = "\n".join(f"{column} = {text}" for column, text in mapped.items())
    return f"""
[[sources]]
name = "{name}"
adapter = "mapped"
entity = "{entity}"
path = "{path}"
[sources.map]
{lines}
"""


def ingest(shop):
    result = CliRunner().invoke(app, ["ingest", "--project", str(shop.root)], catch_exceptions=False)
    return result.exit_code, result.output


def test_a_typo_is_one_line_and_other_sources_are_read(tmp_path):
    wrong = toml("orders", "raw/orders.csv", customer_id="lowr(billing_email)")
    shop = Shop.make(tmp_path, wrong + toml("other", "raw/other.csv"))
    shutil.copy(CASES / "39-sql-typo-crashes" / "raw" / "orders.csv", shop.raw)
    shop.write("other.csv", "order_id,qty,price\nB1,1,2.00\n")
    code, output = ingest(shop)
    assert code == 1
    assert (
        "Not read: source 'orders', column 'customer_id': `lowr(billing_email)`: there is no function 'lowr'; "
        "did you mean 'lower'?" in output.splitlines()
    )
    assert shop.rows("order_id", entity="order_items") == [("B1",)]
    Shop.make(tmp_path, wrong.replace("lowr", "lower") + toml("other", "raw/other.csv"))
    assert ingest(shop)[0] == 0
    assert len(shop.rows("order_id", entity="order_items")) == 5


def test_a_column_that_only_some_files_have_fails_those_that_lack_it(tmp_path):
    shop = Shop.make(tmp_path, toml("orders", customer_id="lower(billing_email)"))
    shop.write("a.csv", "order_id,qty,price\nA1,1,2.00\n")
    shop.write("b.csv", "order_id,qty,price,billing_email\nB1,1,2.00,Ada@shop.test\n")
    code, output = ingest(shop)
    assert code == 1
    (line,) = [line for line in output.splitlines() if line.startswith("Failed:")]
    assert "a.csv: source 'orders', column 'customer_id': `lower(billing_email)`: " in line
    assert '"billing_email" not found' in line
    assert shop.rows("order_id", "customer_id", entity="order_items") == [("B1", "ada@shop.test")]


def test_a_record_with_an_empty_array_does_not_vanish_since_unnest_is_refused(tmp_path):
    item = "unnest(from_json(doc->'$.line_items', '[\"json\"]'))->>'$.sku'"
    shop = Shop.make(tmp_path, toml("orders", product_id=item))
    shutil.copy(CASES / "38-empty-arrays-vanish" / "raw" / "orders.jsonl", shop.raw)
    code, output = ingest(shop)
    assert code == 1
    assert "source 'orders', column 'product_id': `unnest(" in output
    assert "'unnest' makes several rows of one, and none of an empty list" in output
    assert shop.ledger() == []


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("row_number() over ()", "the window function 'row_number' looks beyond its row"),
        ("lag(price) over (order by order_id)", "the window function 'lag' looks beyond its row"),
        ("max(price)", "the aggregate 'max' looks beyond its row"),
        ("upper(string_agg(price, ','))", "the aggregate 'string_agg' looks beyond its row"),
        ("count(*)", "the aggregate 'count_star' looks beyond its row"),
        ("weighted_avg(qty::int, price::int)", "the aggregate 'weighted_avg' looks beyond its row"),
        ("order_id || random()", "'random' has another value each time"),
        ("getvariable('privacy_key')", "'getvariable' looks beyond its row"),
        ("uuid()", "'uuid' has another value each time"),
        ("now()", "'now' has another value each time"),
        ("current_timestamp", "'current_timestamp' has another value each time"),
        ("ago(interval 1 day)", "'ago' has another value each time"),
        ("(select 1)", "a subquery looks beyond its row"),
        ("qty in (select 1)", "a subquery looks beyond its row"),
        ("generate_subscripts([qty], 1)", "'generate_subscripts' makes several rows of one"),
        ("1), (2", "is not one expression"),
        ("lower(price", "syntax error"),
        ("price + 1", "No function matches"),
        ("$name", "a parameter has no value"),
    ],
)
def test_what_looks_beyond_its_row_is_refused_before_a_file_is_read(sql, problem):
    source = SourceSettings(name="s", adapter="mapped", path="raw", map={"product_id": {"sql": sql}})
    (message,) = refused_expressions(source)
    assert message.startswith(f"source 's', column 'product_id': `{sql}`: ")
    assert problem in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "sql",
    [
        "price::decimal(10, 2) * 2",
        "list_transform(string_split(price, ','), x -> trim(x))[1]",
        "doc->>'$.a'",
        "case when qty = '1' then price end -- the price of one",
        "strftime(strptime(price, '%Y'), '%d')",
        "record_number || '-' || order_id",
        "list_sum([qty::int, price::int])",
        "struct_pack(a := qty).a",
        "coalesce(nullif(qty, ''), price)",
    ],
)
def test_what_is_about_one_row_is_accepted(sql):
    source = SourceSettings(name="s", adapter="mapped", path="raw", map={"product_id": {"sql": sql}})
    assert refused_expressions(source) == []


@pytest.mark.parametrize("ending", ["csv", "quoted.csv", "jsonl", "json", "parquet"])
def test_a_bad_cell_quarantines_its_row_and_records_have_numbers(tmp_path, ending):
    is_json = "json" in ending
    price = "doc->>'$.price'" if is_json else "price"
    number = "'line ' || record_number"
    shop = Shop.make(tmp_path, toml("orders", unit_price=f"({price})::decimal(10, 2) * 2", product_id=number))
    rows = [{"order_id": f"A{n}", "qty": "1", "price": price} for n, price in enumerate(("1", "x", "3"))]
    lines = [",".join(row.values()) for row in rows]
    if ending == "quoted.csv":
        lines[0] = lines[0].replace("A0", '"A\n0"')
    match ending.rpartition(".")[2]:
        case "csv":
            shop.write("a.csv", "\n".join(["order_id,qty,price", *lines]) + "\n")
        case "jsonl":
            shop.write("a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        case "json":
            shop.write("a.json", json.dumps(rows))
        case "parquet":
            with connect() as connection:
                values = ", ".join(f"('A{n}', '1', '{row['price']}')" for n, row in enumerate(rows))
                connection.execute(
                    f"copy (select * from (values {values}) t(order_id, qty, price)) "
                    f"to '{shop.raw}/a.parquet' (format parquet)"
                )
    code, _ = ingest(shop)
    assert code == 0
    first = {"csv": 2, "quoted.csv": 2}.get(ending, 1)
    second = first + 1 + (ending == "quoted.csv")
    assert [(row.line_number, row.rules) for row in shop.quarantine()] == [
        (second, ("unit_price_sql_failed",))
    ]
    found = {
        name: float(price) for name, price in shop.rows("product_id", "unit_price", entity="order_items")
    }
    assert found == {f"line {first}": 2.0, f"line {second + 1}": 6.0}
    # replayed alone, the row is the record that it was in its file
    fixed = f"replace({price}, 'x', '9')"
    Shop.make(tmp_path, toml("orders", unit_price=fixed, product_id=number))
    assert shop.replay().accepted == 1
    assert (f"line {second}", 9.0) in {
        (name, float(price)) for name, price in shop.rows("product_id", "unit_price", entity="order_items")
    }


def test_a_replay_refuses_what_an_ingest_refuses(tmp_path):
    shop = Shop.make(tmp_path, toml("orders"))
    shop.write("a.csv", "order_id,qty,price\nA1,1,x\n")
    shop.ingest()
    Shop.make(tmp_path, toml("orders", unit_price="first_value(price) over ()"))
    with pytest.raises(ConfigurationError, match="source 'orders', column 'unit_price': `first_value"):
        shop.replay()


EXPRESSIONS = st.sampled_from(
    [
        "order_id || ':' || record_number",
        "md5(order_id || qty)",
        "(100 / nullif(length(qty), 0))::varchar",
        "case when record_number % 2 = 0 then order_id else qty end",
        "list_sort(string_split(order_id, 'a'))[1]",
        "(record_number - 3)::utinyint::varchar",
    ]
)


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sql=EXPRESSIONS,
    records=st.lists(
        st.tuples(st.text("ab1", min_size=1, max_size=4), st.booleans()), min_size=1, max_size=8
    ),
    is_quoted=st.booleans(),
)
def test_a_replay_evaluates_what_the_file_evaluated(tmp_path_factory, sql, records, is_quoted):
    text = "order_id,qty,price\n" + "".join(
        f"{name},{number + 1},{'1.00' if is_good else 'bad'}\n"
        for number, (name, is_good) in enumerate(records)
    )
    if is_quoted:
        text += '"a ""quoted"" one",1,1.00\n'
    whole = Shop.make(
        tmp_path_factory.mktemp("whole"),
        toml("orders", product_id=sql, unit_price="replace(price, 'bad', '7')"),
    )
    replayed = Shop.make(tmp_path_factory.mktemp("replayed"), toml("orders", product_id=sql))
    for shop in (whole, replayed):
        shop.write("a.csv", text)
        shop.ingest()
    Shop.make(replayed.root, toml("orders", product_id=sql, unit_price="replace(price, 'bad', '7')"))
    replayed.replay()
    columns = ("order_id", "quantity", "unit_price", "product_id")
    assert replayed.rows(*columns, entity="order_items") == whole.rows(*columns, entity="order_items")
    assert [row.line_number for row in replayed.quarantine()] == [
        row.line_number for row in whole.quarantine()
    ]
