"""A newer statement of a whole order replaces the older one: its lines, payments and refunds."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopwright.lake.delta import Lake, read_sql
from shopwright.testing import Shop
from shopwright.warehouse.build import build
from tests.warehouse.case_shops import CASES, case_shop
from tests.warehouse.deliveries import query_gold
from tests.warehouse.models import SmallShop, compile_models
from tests.warehouse.shops import sheet_csv, take_in

SOURCE = """
[[sources]]
name = "{name}"
adapter = "mapped"
path = "{path}"
entity = "{entity}"
{more}
[sources.map]
order_id = "order"
"""
LINES = (
    SOURCE.format(name="lines", path="raw/lines-*.csv", entity="order_items", more="")
    + """product_id = "product"
quantity = "quantity"
unit_price = { value = "2" }
kind = { value = "sale" }
ordered_at = { value = "2025-03-01" }
"""
)
PAYMENTS = (
    SOURCE.format(name="payments", path="raw/payments-*.csv", entity="payments", more='states = "orders"')
    + 'sequence = "sequence"\namount = "amount"\n'
)
REFUNDS = (
    SOURCE.format(name="refunds", path="raw/refunds-*.csv", entity="refunds", more='states = "orders"')
    + """refund_id = "refund"
refunded_at = { value = "2025-03-02" }
line_amount = "amount"
"""
)
LINE_HEADER, PAYMENT_HEADER = "order,product,quantity,status\n", "order,sequence,amount\n"
REFUND_HEADER = "order,refund,amount\n"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Staging of lines, payments and refunds, compiled for a shop whose files state whole orders."""
    shop = Shop.make(tmp_path_factory.mktemp("compiled"), LINES + PAYMENTS + REFUNDS)
    shop.write("lines-1.csv", LINE_HEADER + "o,p,1,x\n")
    shop.write("payments-1.csv", PAYMENT_HEADER + "o,1,5\n")
    shop.write("refunds-1.csv", REFUND_HEADER + "o,1,5\n")
    shop.ingest()
    return compile_models(shop.project, "stg_order_items", "stg_payments", "stg_refunds", "fct_merged_rows")


def _staged(shop, models, query):
    """Return the rows of a query on staging, built from what is in the lake."""
    small = SmallShop(models)
    lake = Lake(shop.project.lake)
    for entity in ("order_items", "payments", "refunds"):
        files = [file.path for file in lake.files(entity)]
        small.connection.execute(f"drop table bronze.{entity}")
        small.connection.execute(f"create view bronze.{entity} as {read_sql(entity, files)}")
    small.build()
    return small.connection.execute(query).fetchall()


ORDERS = st.dictionaries(
    st.sampled_from("abc"),
    st.lists(st.tuples(st.sampled_from("pq"), st.integers(1, 2)), min_size=1, max_size=4),
    min_size=1,
    max_size=3,
)
"""What one file states: the lines of some orders, product and quantity each."""


@pytest.mark.slow
@settings(max_examples=20)
@given(
    files=st.lists(st.tuples(ORDERS, st.sampled_from(["", "paid"]), st.booleans()), min_size=1, max_size=5)
)
def test_any_statements_in_any_files_end_in_the_last_one_of_each_order(tmp_path_factory, models, files):
    shop = Shop.make(tmp_path_factory.mktemp("stated"), LINES + PAYMENTS + REFUNDS)
    lines, payments = {}, {}
    for number, (orders, status, is_alone) in enumerate(files):
        rows = [(order, *line) for order, stated in orders.items() for line in stated]
        shop.write(
            f"lines-{number}.csv",
            LINE_HEADER + "".join(f"{order},{product},{count},{status}\n" for order, product, count in rows),
        )
        paid = [
            (order, index, count)
            for order, stated in orders.items()
            for index, (_, count) in enumerate(stated, 1)
        ]
        shop.write(
            f"payments-{number}.csv",
            PAYMENT_HEADER + "".join(f"{order},{index},{count}\n" for order, index, count in paid),
        )
        # what is given back is a refund of its own each, numbered anew by every file that states the order
        refunded = [
            (order, f"{order}-{number}-{index}", count)
            for order, stated in orders.items()
            for index, (_, count) in enumerate(stated, 1)
        ]
        shop.write(
            f"refunds-{number}.csv",
            REFUND_HEADER + "".join(f"{order},{refund},{count}\n" for order, refund, count in refunded),
        )
        lines |= orders
        payments |= {order: sum(count for _, count in stated) for order, stated in orders.items()}
        if is_alone:
            shop.ingest()
    shop.ingest()
    staged = _staged(shop, models, "select order_id, product_id, quantity from silver.stg_order_items")
    assert Counter(staged) == Counter((order, *line) for order, stated in lines.items() for line in stated)
    staged = _staged(shop, models, "select order_id, sum(amount) from silver.stg_payments group by all")
    assert dict(staged) == payments
    staged = _staged(shop, models, "select order_id, sum(line_amount) from silver.stg_refunds group by all")
    assert dict(staged) == payments
    counts = "select merge_kind, row_count from gold.fct_merged_rows where row_count > 0"
    kinds = {kind for kind, _ in _staged(shop, models, counts)}
    assert kinds <= {"replaced_order_lines", "replaced_payments", "replaced_refunds"}
    assert ("replaced_refunds" in kinds) == any(
        order in later
        for number, (orders, _, _) in enumerate(files)
        for order in orders
        for later, _, _ in files[number + 1 :]
    )
    assert shop.ingest().rows == []
    for row in shop.ledger():
        assert row.rows_read == row.rows_accepted + row.rows_duplicate


def test_orders_stated_as_before_are_duplicates_and_others_are_kept_whole(tmp_path):
    shop = Shop.make(tmp_path, LINES)
    shop.write("lines-1.csv", LINE_HEADER + "a,p,1,\na,p,1,\na,q,1,\nb,p,1,\n")
    shop.write("lines-2.csv", LINE_HEADER + "a,q,1,\na,p,1,\na,p,1,\nb,p,1,\nb,q,1,\nc,p,1,\n")
    shop.write("lines-3.csv", LINE_HEADER + "a,p,1,\na,p,1,\nb,p,1,\nb,q,1,\n")
    report = shop.ingest()
    assert [(row.rows_accepted, row.rows_duplicate) for row in report.rows] == [(4, 0), (3, 3), (2, 2)]


def test_a_replayed_line_belongs_to_the_statement_of_its_file(tmp_path, models):
    broken = LINES.replace('quantity = "quantity"', 'quantity = "status"')
    shop = Shop.make(tmp_path, broken)
    shop.write("lines-1.csv", LINE_HEADER + "a,p,1,1\na,q,1,\n")
    shop.write("lines-2.csv", LINE_HEADER + "a,p,1,1\nb,q,1,\n")
    shop.write("lines-3.csv", LINE_HEADER + "c,p,1,1\nc,q,1,\n")
    shop.ingest()
    assert len(shop.quarantine()) == 3
    Shop.make(tmp_path, LINES)
    shop.replay()
    staged = _staged(shop, models, "select order_id, product_id from silver.stg_order_items")
    assert sorted(staged) == [("a", "p"), ("b", "q"), ("c", "p"), ("c", "q")]


def test_another_source_adds_to_an_order_and_replaces_nothing(tmp_path, models):
    fees = LINES.replace('"lines"', '"fees"').replace("lines-*", "fees-*")
    shop = Shop.make(tmp_path, LINES + fees)
    shop.write("lines-1.csv", LINE_HEADER + "a,p,1,\n")
    shop.write("fees-1.csv", LINE_HEADER + "a,postage,1,\n")
    shop.write("lines-2.csv", LINE_HEADER + "a,p,2,\n")
    shop.ingest()
    staged = _staged(shop, models, "select product_id, quantity from silver.stg_order_items")
    assert sorted(staged) == [("p", 2), ("postage", 1)]


SHOPIFY = """
[shop]
currency = "USD"
[[sources]]
name = "lines"
adapter = "mapped"
path = "raw/export_*.csv"
entity = "order_items"
timestamp_formats = ["%Y-%m-%d %H:%M:%S %z"]
STATES
[sources.map]
order_id = "Name"
customer_id = "Email"
ordered_at = "Created at"
quantity = "Lineitem quantity"
product_id = "Lineitem sku"
unit_price = "Lineitem price"
freight = "Shipping"
kind = { value = "sale" }
"""
SUMS = "select count(*), sum(unit_count), sum(gross_amount), sum(freight_amount), count(distinct order_id) from gold.fct_order_items"


@pytest.mark.slow
@pytest.mark.parametrize("states", ["orders", "lines"])
def test_mondays_and_tuesdays_overlapping_exports_give_each_order_once(tmp_path, states):
    source = SHOPIFY.replace("STATES", 'states = "lines"' if states == "lines" else "")
    project = case_shop(tmp_path, "formats/35-overlapping-re-export", settings=source)
    report = build(project)
    assert query_gold(project, SUMS) == [(3, 4, Decimal(80), Decimal(5), 2)]
    if states == "orders":
        assert report.merges == ("lines of 1 order were replaced by newer statements of the same orders",)
        text = (project.root / "raw" / "export_tuesday.csv").read_text("utf-8")
        changed = [line.replace(",2,MUG", ",3,MUG") for line in text.splitlines() if ",1,POT" not in line]
        (project.root / "raw" / "export_wednesday.csv").write_text("\n".join(changed), encoding="utf-8")
        take_in(project)
        build(project)
        assert query_gold(project, SUMS) == [(2, 4, Decimal(80), Decimal(5), 2)]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_invoices_that_two_sheets_state_are_charged_once(tmp_path, form):
    """Sheets are files of their own, in a workbook and as an export to CSV writes them."""
    case = "formats/28-online-retail-ii-overlapping-sheets"
    file = CASES / case / "raw" / "online_retail_II.xlsx"
    shop = Shop.make(tmp_path, '[[sources]]\nname = "invoices"\nadapter = "online_retail"\npath = "raw"\n')
    if form == "xlsx":
        shop.write(file.name, file.read_bytes())
    else:
        workbook = openpyxl.load_workbook(file, read_only=True)
        for sheet in workbook:
            shop.write(f"{sheet.title}.csv", sheet_csv(sheet.values))
        workbook.close()
    take_in(shop.project)
    build(shop.project)
    expected = json.loads((CASES / case / "expected.json").read_text("utf-8"))
    sums = (
        "select count(*), count(distinct order_id), sum(gross_amount), sum(discount_amount) "
        "from gold.fct_order_items"
    )
    (actual,) = query_gold(shop.project, sums)
    assert [float(value) for value in actual] == pytest.approx(
        [expected[name] for name in ("lines", "invoices", "gross", "discount")]
    )
