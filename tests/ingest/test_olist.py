"""The marketplace's nine files, small and hostile ones and the real ones."""

# ruff: noqa: DTZ001  # naive, as the files state times and the lake is read

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from datetime import datetime
from decimal import Decimal

import pytest
import zstandard

from shopwright.core.engine import connect
from shopwright.ingest.adapters.olist import FILES
from shopwright.lake.delta import Lake, read_sql
from shopwright.testing import AdapterContract, Shop
from shopwright.testing.adapters import EXTRA

SETTINGS = '[[sources]]\nname = "it"\nadapter = "olist"\npath = "{path}"\ntimezone = "America/Sao_Paulo"\n'
ORDERS = (
    "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,"
    "order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date"
)
REVIEWS = (
    "review_id,order_id,review_score,review_comment_title,review_comment_message,review_creation_date,"
    "review_answer_timestamp"
)
ITEMS = "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value"
CUSTOMERS = "customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state"
PLACES = "geolocation_zip_code_prefix,geolocation_lat,geolocation_lng,geolocation_city,geolocation_state"


class _Olist(AdapterContract):
    settings = 'adapter = "olist"'
    header: str
    lines: tuple[str, ...]

    def file(self, numbers, *, extra=False):
        more = (f",{EXTRA}", ",left") if extra else ("", "")
        lines = [self.header + more[0], *(self.lines[number] + more[1] for number in numbers)]
        return ("\n".join(lines) + "\n").encode()

    def torn(self):
        return self.file(self.all()).rpartition(b",")[0]


class TestOrders(_Olist):
    file_name = "olist_orders_dataset.csv"
    entity = "orders"
    header = ORDERS
    lines = (
        '"o1","c1",delivered,2017-10-02 10:56:33,,2017-10-04 19:55:00,2017-10-10 21:25:13,2017-10-18 00:00:00',
        "o2,c2,canceled,2018-01-01 00:00:00,,,,2018-01-20 00:00:00",
    )
    columns = ("order_id", "customer_id", "status", "ordered_at", "delivered_at", "promised_at")
    expected = (
        (
            "o1",
            "c1",
            "delivered",
            datetime(2017, 10, 2, 10, 56, 33),
            datetime(2017, 10, 10, 21, 25, 13),
            datetime(2017, 10, 18),
        ),
        ("o2", "c2", "canceled", datetime(2018, 1, 1), None, datetime(2018, 1, 20)),
    )


class TestOrderItems(_Olist):
    file_name = "olist_order_items_dataset.csv"
    unnamed = ("shipping_limit_date",)
    entity = "order_items"
    header = ITEMS
    lines = (
        "o1,1,p1,s1,2017-09-19 09:45:35,58.90,13.29",
        "o1,2,p1,s1,2017-09-19 09:45:35,58.90,13.29",
    )
    columns = (
        "order_id",
        "line_number",
        "copy_number",
        "kind",
        "kind_rule",
        "quantity",
        "unit_price",
        "freight",
    )
    expected = tuple(
        ("o1", number, None, "sale", "item", 1, Decimal("58.9000"), Decimal("13.2900")) for number in (1, 2)
    )


class TestPayments(_Olist):
    file_name = "olist_order_payments_dataset.csv"
    entity = "payments"
    header = "order_id,payment_sequential,payment_type,payment_installments,payment_value"
    lines = ("o1,1,credit_card,8,99.33", "o1,2,not_defined,0,0.00")
    columns = ("order_id", "sequence", "method", "installments", "amount")
    expected = (
        ("o1", 1, "credit_card", 8, Decimal("99.3300")),
        ("o1", 2, "not_defined", 0, Decimal("0.0000")),
    )


class TestReviews(_Olist):
    file_name = "olist_order_reviews_dataset.csv"
    unnamed = ("review_comment_title", "review_comment_message")
    entity = "reviews"
    header = REVIEWS
    lines = (
        'r1,o1,5,,"Ótimo, ""nota 10""\r\n\r\nrecomendo",2018-01-18 00:00:00,2018-01-18 21:46:59',
        "r1,o2,1,,,2018-03-10 00:00:00,",
    )
    columns = ("review_id", "order_id", "score", "created_at", "answered_at")
    expected = (
        ("r1", "o1", 5, datetime(2018, 1, 18), datetime(2018, 1, 18, 21, 46, 59)),
        ("r1", "o2", 1, datetime(2018, 3, 10), None),
    )

    def test_title_and_message_are_kept(self, tmp_path):
        shop = self.shop(tmp_path)
        shop.write(self.file_name, self.file([0]))
        shop.ingest()
        ((properties,),) = shop.rows("properties", entity="reviews")
        assert json.loads(properties) == {"review_comment_message": 'Ótimo, "nota 10"\r\n\r\nrecomendo'}


class TestCustomers(_Olist):
    file_name = "olist_customers_dataset.csv"
    entity = "customers"
    header = CUSTOMERS
    lines = ('c1,u1,"01151",são paulo,SP', "c2,u1,09790,s?o bernardo,SP")
    columns = ("customer_id", "person_id", "zip_prefix", "city", "region", "country")
    expected = (
        ("c1", "u1", "01151", "são paulo", "SP", "BR"),
        ("c2", "u1", "09790", "s?o bernardo", "SP", "BR"),
    )


class TestPlaces(_Olist):
    file_name = "olist_geolocation_dataset.csv"
    entity = "places"
    header = PLACES
    lines = ("01037,-23.54562128,-46.63929205,sÃ£o paulo,SP", "01037,45.06593318,9.34152810,outside,SP")
    columns = ("zip_prefix", "latitude", "longitude", "city", "country")
    expected = (
        ("01037", -23.54562128, -46.63929205, "sÃ£o paulo", "BR"),
        ("01037", 45.06593318, 9.3415281, "outside", "BR"),
    )


class TestTranslations(_Olist):
    file_name = "product_category_name_translation.csv"
    entity = "categories"
    header = "\ufeffproduct_category_name,product_category_name_english"
    lines = ("beleza_saude,health_beauty", "bebes,baby")
    columns = ("category", "name")
    expected = (("beleza_saude", "health_beauty"), ("bebes", "baby"))


def test_the_entities_of_the_nine_files_are_all_different():
    assert len({file.entity for file in FILES.values()}) == len(FILES) == 9


def test_a_file_that_is_none_of_the_nine_fails_alone_and_lists_them(tmp_path):
    shop = Shop.make(tmp_path, SETTINGS.format(path="raw"))
    shop.write("olist_order_dataset.csv", "order_id\no1\n")
    shop.write("olist_customers_dataset.csv", f"{CUSTOMERS}\nc1,u1,01151,x,SP\n")
    report = shop.ingest()
    assert [row.outcome for row in report.rows] == ["loaded", "failed"]
    assert "did you mean 'olist_orders_dataset.csv'" in report.failed[0].reason
    assert all(name in report.failed[0].reason for name in FILES)


@pytest.mark.parametrize(
    "local_time",
    [
        "2017-10-15 00:30:00",  # the clock jumped from midnight to one
        "2018-02-17 23:30:00",  # stood twice on the clock
        "2017-07-01 00:00:00",
        "2017-12-31 23:59:59",
    ],
)
def test_days_in_the_shops_zone_are_those_of_the_file(tmp_path, local_time):
    shop = Shop.make(tmp_path, SETTINGS.format(path="raw"))
    shop.write("olist_orders_dataset.csv", f"{ORDERS}\no1,c1,shipped,{local_time},,,,\n")
    shop.ingest()
    ((at,),) = shop.rows("ordered_at", entity="orders")
    with connect() as connection:
        local = connection.execute(
            "select timezone('America/Sao_Paulo', timezone('UTC', ?::timestamp))", [at]
        ).fetchone()
    assert str(local[0].date()) == local_time[:10]


def test_broken_reviews_cost_only_themselves(tmp_path):
    shop = Shop.make(tmp_path, SETTINGS.format(path="raw"))
    good = 'r{0},o{0},5,,"a\nb",2018-01-18 00:00:00,'
    bad = [
        "r2,o2,6,,,2018-01-18 00:00:00,",
        "r3,o3,,,,2018-01-18 00:00:00,",
        'r4,o4,5,,"never closed,2018-01-18 00:00:00,',
    ]
    shop.write(
        "olist_order_reviews_dataset.csv",
        "\n".join([REVIEWS, good.format(1), *bad, good.format(5)]) + "\n",
    )
    report = shop.ingest()
    assert (report.total("rows_read"), report.total("rows_accepted")) == (5, 2)
    assert [(item.raw, item.rules) for item in shop.quarantine()] == [
        (bad[0], ("score_out_of_range",)),
        (bad[1], ("score_missing",)),
        (bad[2], ("broken_quotes",)),
    ]


# --- the real files ---------------------------------------------------------------------------------------


def _read(folder, name):
    """A file's records as Python's csv module reads them, without looking at the product."""
    packed = folder / f"{name}.zst"
    if packed.exists():
        with packed.open("rb") as stream:
            text = zstandard.ZstdDecompressor().stream_reader(stream).read().decode("utf-8-sig")
    else:
        text = (folder / name).read_bytes().decode("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    return header, [tuple(row) for row in rows if row]


@pytest.fixture(scope="module")
def folder(real_data):
    if not (real_data / "olist").is_dir():
        pytest.skip(f"no olist in {real_data}")
    return real_data / "olist"


@pytest.fixture(scope="module")
def loaded_shop(folder, tmp_path_factory):
    shop = Shop.make(tmp_path_factory.mktemp("olist"), SETTINGS.format(path=folder))
    shop.ingest()
    return shop


@pytest.fixture(scope="module")
def lake(loaded_shop):
    """Runs SQL in which every entity is a view."""
    with connect(threads=2) as connection:
        files = Lake(loaded_shop.project.lake)
        for file in FILES.values():
            paths = [item.path for item in files.files(file.entity)]
            connection.execute(f"create view {file.entity} as {read_sql(file.entity, paths)}")
        yield lambda sql: connection.execute(sql).fetchall()


COUNTS = {
    "olist_orders_dataset.csv": 99_441,
    "olist_order_items_dataset.csv": 112_650,
    "olist_order_payments_dataset.csv": 103_886,
    "olist_order_reviews_dataset.csv": 99_224,
    "olist_customers_dataset.csv": 99_441,
    "olist_products_dataset.csv": 32_951,
    "product_category_name_translation.csv": 71,
    "olist_sellers_dataset.csv": 3_095,
    "olist_geolocation_dataset.csv": 1_000_163,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_every_record_is_accounted_for(folder, loaded_shop, name):
    _, rows = _read(folder, name)
    (row,) = [row for row in loaded_shop.ledger() if row.entity == FILES[name].entity]
    # two spellings of one number are one place
    distinct = {(*r[:1], float(r[1]), float(r[2]), *r[3:]) for r in rows} if "geo" in name else set(rows)
    assert (row.outcome, row.rows_read, row.rows_accepted, row.rows_quarantined, row.rows_duplicate) == (
        "loaded",
        len(rows),
        len(distinct),
        0,
        len(rows) - len(distinct),
    )
    assert len(rows) == COUNTS[name]


def test_items_and_payments_add_up_to_the_cent(folder, lake):
    header, items = _read(folder, "olist_order_items_dataset.csv")
    price, freight = header.index("price"), header.index("freight_value")
    expected_rows = (
        sum(Decimal(row[price]) for row in items),
        sum(Decimal(row[freight]) for row in items),
    )
    assert expected_rows == (Decimal("13591643.70"), Decimal("2251909.54"))
    assert lake("select sum(quantity * unit_price), sum(freight) from order_items") == [expected_rows]
    header, payments = _read(folder, "olist_order_payments_dataset.csv")
    paid = sum(Decimal(row[header.index("payment_value")]) for row in payments)
    assert lake("select sum(amount) from payments") == [(paid,)] == [(Decimal("16008872.12"),)]


def test_people_scores_and_statuses_are_those_of_the_files(folder, lake):
    _, customers = _read(folder, "olist_customers_dataset.csv")
    people = len({row[1] for row in customers})
    assert lake("select count(distinct person_id) from customers") == [(people,)] == [(96_096,)]
    _, reviews = _read(folder, "olist_order_reviews_dataset.csv")
    scores = Counter(int(row[2]) for row in reviews)
    assert dict(lake("select score, count(*) from reviews group by all")) == scores
    assert [scores[score] for score in (5, 4, 3, 2, 1)] == [57_328, 19_142, 8_179, 3_151, 11_424]
    _, orders = _read(folder, "olist_orders_dataset.csv")
    assert dict(lake("select status, count(*) from orders group by all")) == Counter(row[2] for row in orders)


@pytest.mark.slow
def test_texts_survive_letter_by_letter(folder, lake):
    _, reviews = _read(folder, "olist_order_reviews_dataset.csv")
    expected_rows = Counter((row[0], row[1], row[4].strip() or None) for row in reviews)
    landed = lake(
        "select review_id, order_id, trim(json_extract_string(properties, '$.review_comment_message'), "
        "' \t\r\n\f\v') from reviews"
    )
    assert Counter((review, order, text or None) for review, order, text in landed) == expected_rows
    _, customers = _read(folder, "olist_customers_dataset.csv")
    assert set(lake("select customer_id, person_id, zip_prefix, city, region from customers")) == set(
        customers
    )
    assert lake("select count(*) from customers where zip_prefix like '0%'")[0][0] > 10_000


def test_every_day_and_time_is_that_of_the_file_in_the_shops_zone(folder, lake):
    _, orders = _read(folder, "olist_orders_dataset.csv")
    names = ("ordered_at", "approved_at", "shipped_at", "delivered_at", "promised_at")
    local = ", ".join(
        f"strftime(timezone('America/Sao_Paulo', timezone('UTC', {name})), '%Y-%m-%d %H:%M:%S')"
        for name in names
    )
    landed = {
        (row[0], *(found or "" for found in row[1:])) for row in lake(f"select order_id, {local} from orders")
    }
    assert landed == {(row[0], *row[3:]) for row in orders}
