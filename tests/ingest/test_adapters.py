"""Every adapter we ship keeps the promises of the contract suite."""

# ruff: noqa: DTZ001  # naive UTC, as the lake is read

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal

import pytest

from shopwright.core.engine import connect
from shopwright.core.errors import ConfigurationError
from shopwright.core.sql import quote_text
from shopwright.ingest.adapters import ADAPTERS, find_adapter
from shopwright.ingest.adapters.rees46 import COLUMNS
from shopwright.testing import AdapterContract
from shopwright.testing.adapters import EXTRA

AT = [datetime(2019, 10, 1, 10, 0, second) for second in range(3)]
EXPECTED = (
    (AT[0], "product_view", "anna", "17", Decimal("35.7900")),
    (AT[1], "add_to_cart", "Ünal 🛒", "17", Decimal("0.0000")),
    (AT[2], "purchase", "anna", "18", Decimal("1.5000")),
)
COMPARED = ("event_at", "event_type", "user_id", "product_id", "price")


def _records(numbers, *, extra):
    """The samples as an event stream states them."""
    records = [
        {
            "timestamp": f"{EXPECTED[number][0].isoformat()}Z",
            "event_type": EXPECTED[number][1],
            "user_id": EXPECTED[number][2],
            "product_id": EXPECTED[number][3],
            "properties": {"price": float(EXPECTED[number][4])},
        }
        for number in numbers
    ]
    return [{**record, EXTRA: "left"} for record in records] if extra else records


class _Stream(AdapterContract):
    settings = 'adapter = "event_stream"'
    columns = COMPARED
    expected = EXPECTED


class TestRees46(AdapterContract):
    settings = 'adapter = "rees46"'
    file_name = "2019-Oct.csv"
    columns = COMPARED
    expected = EXPECTED
    words = {"product_view": "view", "add_to_cart": "cart", "purchase": "purchase"}  # noqa: RUF012

    def file(self, numbers, *, extra=False):
        lines = [",".join(COLUMNS) + (f",{EXTRA}" if extra else "")]
        for at, kind, user, product, price in (EXPECTED[number] for number in numbers):
            line = f"{at} UTC,{self.words[kind]},{product},2053013552326770905,,,{price},{user},s-1"
            lines.append(line + (",left" if extra else ""))
        return ("\r\n".join(lines) + "\r\n").encode()

    def torn(self):
        return self.file(self.all()).rstrip().rpartition(b",")[0]


class TestMappedCsv(AdapterContract):
    settings = """
adapter = "mapped"
delimiter = ";"
[sources.map]
event_at = "when"
event_type = "what"
user_id = "who"
product_id = "product"
price = "price"
[sources.event_types]
look = "product_view"
basket = "add_to_cart"
"""
    file_name = "day.csv"
    columns = COMPARED
    expected = EXPECTED
    words = {"product_view": "look", "add_to_cart": "basket", "purchase": "purchase"}  # noqa: RUF012

    def file(self, numbers, *, extra=False):
        lines = ["who;when;what;price;product" + (f";{EXTRA}" if extra else "")]
        for at, kind, user, product, price in (EXPECTED[number] for number in numbers):
            line = f"{user};{at.isoformat()}Z;{self.words[kind]};{price};{product}"
            lines.append(line + (";left" if extra else ""))
        return "\n".join(lines).encode()

    def torn(self):
        return self.file(self.all()).rpartition(b";")[0]


class TestJsonLines(_Stream):
    file_name = "events.jsonl"

    def file(self, numbers, *, extra=False):
        return "".join(json.dumps(record) + "\n" for record in _records(numbers, extra=extra)).encode()


class TestCollector(TestJsonLines):
    settings = 'adapter = "collector"'


class TestJsonArray(_Stream):
    file_name = "events.json"

    def file(self, numbers, *, extra=False):
        return json.dumps(_records(numbers, extra=extra), indent=2).encode()


class TestJsonArrayOnOneLine(_Stream):
    file_name = "events.json"

    def file(self, numbers, *, extra=False):
        return json.dumps(_records(numbers, extra=extra)).encode()


class TestParquet(_Stream):
    file_name = "events.parquet"

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path_factory):
        self.folder = tmp_path_factory.mktemp("parquet")

    def file(self, numbers, *, extra=False):
        parquet_file = self.folder / "made.parquet"
        columns = '"timestamp" timestamptz, event_type varchar, user_id varchar, product_id bigint, '
        columns += "properties struct(price decimal(10,2))" + (f", {EXTRA} varchar" if extra else "")
        with connect() as connection:
            connection.execute(f"create table made ({columns})")
            for record in _records(numbers, extra=extra):
                values = list(record.values())
                connection.execute(f"insert into made values ({', '.join('?' * len(values))})", values)
            connection.execute(f"copy made to {quote_text(str(parquet_file))} (format parquet)")
        return parquet_file.read_bytes()

    def torn(self):
        return None


class TestCatalog(AdapterContract):
    settings = 'adapter = "event_stream"'
    file_name = "catalog.jsonl"
    entity = "products"
    columns = ("product_id", "name", "price", "valid_from")
    expected = (("17", "Crème", Decimal("35.7900"), None), ("18", None, None, AT[0]))

    def file(self, numbers, *, extra=False):
        records = [
            {"product_id": 17, "name": "Crème", "price": "35.79"},
            {"product_id": 18, "updated_at": "2019-10-01T10:00:00Z"},
        ]
        more = {EXTRA: "left"} if extra else {}
        return "".join(json.dumps({**records[number], **more}) + "\n" for number in numbers).encode()


class TestUsers(AdapterContract):
    settings = 'adapter = "event_stream"'
    file_name = "users.jsonl"
    entity = "customers"
    columns = ("customer_id", "is_subscribed", "valid_from")
    expected = (("anna", True, AT[0]), ("bert", None, AT[1]))

    def file(self, numbers, *, extra=False):
        records = [
            {"user_id": "anna", "is_subscribed": True, "updated_at": "2019-10-01T12:00:00+02:00"},
            {"user_id": "bert", "updated_at": 1569924001},
        ]
        more = {EXTRA: "left"} if extra else {}
        return "".join(json.dumps({**records[number], **more}) + "\n" for number in numbers).encode()


def test_every_adapter_is_found_by_its_name():
    assert [find_adapter(adapter.name) for adapter in ADAPTERS] == list(ADAPTERS)


def test_an_unknown_adapter_is_named_with_its_near_match():
    with pytest.raises(ConfigurationError, match="no adapter 'rees64'; did you mean 'rees46'"):
        find_adapter("rees64")
