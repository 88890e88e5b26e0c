"""A file of which nothing was accepted is no success, and the message says what it seems to be."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from shopwright.cli.main import app
from shopwright.testing import Shop

MAPPED = """
[[sources]]
name = "it"
adapter = "mapped"
entity = "products"
path = "raw"
[sources.map]
product_id = "code"
name = "label"
price = "price"
"""


def source(adapter):
    return f'[[sources]]\nname = "it"\nadapter = "{adapter}"\npath = "raw"\n'


@pytest.mark.parametrize(
    ("settings", "name", "text", "message"),
    [
        (
            MAPPED,
            "a.csv",
            "code;label;price\n1;a;2\n",
            "it seems to be separated by semicolons: set delimiter = ';'",
        ),
        (MAPPED, "a.csv", "code\tlabel\tprice\n1\ta\t2\n", "separated by tabs: set delimiter = '\\t'"),
        (
            MAPPED,
            "a.csv",
            "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n",
            "its columns are those of adapter 'rees46'",
        ),
        (
            source("rees46"),
            "a.csv",
            "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n",
            "its columns are those of adapter 'online_retail'",
        ),
        (
            source("event_stream"),
            "a.jsonl",
            '{"id": 1, "line_items": []}\n{"id": 2, "line_items": []}\n',
            "nothing of it was accepted: 2 of 2 rows broke event_at_missing; it has columns that nothing reads: ",
        ),
        (MAPPED, "a.csv", "code,label,price\n,a,1\n,b,2\n", "2 of 2 rows broke product_id_missing"),
    ],
)
def test_what_a_file_seems_to_be_is_said(tmp_path, settings, name, text, message):
    shop = Shop.make(tmp_path, settings)
    shop.write(name, text)
    result = CliRunner().invoke(app, ["ingest", "--project", str(tmp_path)], catch_exceptions=False)
    assert result.exit_code == 1
    assert message in result.output


def test_a_file_with_one_good_row_or_only_known_ones_is_a_success(tmp_path):
    shop = Shop.make(tmp_path, MAPPED)
    shop.write("a.csv", "code,label,price\n1,a,1\n,b,2\n")
    assert shop.ingest().is_complete
    shop.write("b.csv", "code,label,price\n1,a,1\n")
    report = shop.ingest()
    assert (report.is_complete, report.total("rows_duplicate")) == (True, 1)
