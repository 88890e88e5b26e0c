"""A corpus of hostile exports: each record with what must become of it, stated without asking the product."""

# ruff: noqa: DTZ001  # naive UTC, as the lake is read

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

SETTINGS = """
[[sources]]
name = "hostile"
adapter = "mapped"
path = "raw"
[sources.map]
event_at = "when"
event_type = "what"
user_id = "who"
product_id = "product"
price = "price"
search_query = "note"
[sources.event_types]
look = "product_view"
"""
COLUMNS = ("when", "what", "who", "product", "price", "note")
HEADER = ",".join(COLUMNS).encode()
LOADED_COLUMNS = ("event_at", "event_type", "user_id", "product_id", "price", "search_query")

INJECTIONS = (
    "'; drop table landing; --",
    "' or '1'='1",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd",
    "${jndi:ldap://x}",
    "{{ 7 * 7 }}",
    "%s%n",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "\\",
    "NULL",
    "🛒👩‍👩‍👧 Zoë ﷽ \u202e",
)


@dataclass(frozen=True)
class Entry:
    """One record: its bytes, and the row that lands or else the rules that it breaks."""

    raw: bytes
    row: tuple | None = None
    rules: tuple[str, ...] = ()
    is_copy: bool = False


def entry(number: int, *rules: str, lands: dict | None = None, **cells: str) -> Entry:
    """A record of plain cells; without rules it lands as the cells say, or as ``lands`` says."""
    at = datetime(2024, 3, 1, 10, number // 60, number % 60)
    fields = {
        "when": f"{at.isoformat()}Z",
        "what": "look",
        "who": f"u{number}",
        "product": "p",
        "price": "1.50",
        "note": "",
    } | cells
    row = {
        "when": at,
        "what": "product_view",
        "who": fields["who"],
        "product": fields["product"],
        "price": Decimal("1.5000"),
        "note": fields["note"] or None,
    } | (lands or {})
    return Entry(",".join(fields.values()).encode(), None if rules else tuple(row.values()), rules)


def raw(text: bytes | str, *rules: str) -> Entry:
    """A record that never becomes a row."""
    return Entry(text if isinstance(text, bytes) else text.encode(), None, rules)


def copy(of: Entry) -> Entry:
    """The same record once more."""
    return Entry(of.raw, None, (), is_copy=True)


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _prices() -> list[Entry]:
    good = {"0": 0, "0.00": 0, "1e3": 1000, "+5": 5, ".5": "0.5", "100000000": 100_000_000, " 7 ": 7}
    high = ("-1", "-0.01", "100000000.01", "99999999999999")
    none = (
        "NaN",
        "nan",
        "inf",
        "-Infinity",
        "1_000",
        "0x10",
        "0X1F",
        "0b1",
        "1e400",
        "$5",
        "5 EUR",
        "1 000",
        "--1",
        "٣",
    )
    entries = [
        entry(number, price=text, lands={"price": Decimal(value).quantize(Decimal("0.0001"))})
        for number, (text, value) in enumerate(good.items())
    ]
    entries += [entry(20 + number, "price_out_of_range", price=text) for number, text in enumerate(high)]
    entries += [entry(30 + number, "price_unreadable", price=text) for number, text in enumerate(none)]
    return [
        *entries,
        entry(59, price="", lands={"price": None}),
        entry(58, what="purchase", price="", lands={"what": "purchase", "price": None}),
    ]


READABLE_TIMES = {
    "2024-03-01T10:00:00Z": datetime(2024, 3, 1, 10),
    "2024-03-01 10:00:00 UTC": datetime(2024, 3, 1, 10),
    "2024-03-01T10:00:00+02:00": datetime(2024, 3, 1, 8),
    "2024-03-01 10:00:00-0530": datetime(2024, 3, 1, 15, 30),
    "2024-03-01T10:00:00.250Z": datetime(2024, 3, 1, 10, 0, 0, 250_000),
    "2024-03-01 10:00": datetime(2024, 3, 1, 10),
    "2024-03-01": datetime(2024, 3, 1),
    "2024-03-01 05:00:00 -0500": datetime(2024, 3, 1, 10),
    "20240301T100000Z": datetime(2024, 3, 1, 10),
    "20240301": datetime(2024, 3, 1),
    "1709287200": datetime(2024, 3, 1, 10),
    "1709287200000": datetime(2024, 3, 1, 10),
    "2024-02-29T23:59:59Z": datetime(2024, 2, 29, 23, 59, 59),
}
UNREADABLE_TIMES = (
    "01/03/2024 10:00",
    "3/1/2024",
    "2024/03/01",
    "170928720",
    "20241301",
    "2023-02-29T10:00:00Z",
    "2024-13-01",
    "2024-03-01 25:00:00",
    "2024-03-01 10:00:00 IST",
    "2024-03-01T10:00:00+25:00",
    "infinity",
    "epoch",
    "now",
    "0000-00-00 00:00:00",
    "yesterday",
    "2024-03-01Tgarbage",
)


def _times() -> list[Entry]:
    entries = [
        entry(number, when=text, lands={"when": at})
        for number, (text, at) in enumerate(READABLE_TIMES.items())
    ]
    entries += [
        entry(20 + number, "event_at_unreadable", when=text) for number, text in enumerate(UNREADABLE_TIMES)
    ]
    return [
        *entries,
        entry(50, "event_at_missing", when=""),
        entry(51, "event_at_out_of_range", when="1970-01-01T00:00:00Z"),
        entry(52, "event_at_out_of_range", "event_at_in_future", when="2999-12-31T00:00:00Z"),
        entry(53, "event_at_in_future", when="2026-01-02T00:00:01Z"),
        entry(54, when="2026-01-02T00:00:00Z", lands={"when": datetime(2026, 1, 2)}),
    ]


def _shapes() -> list[Entry]:
    first = entry(0)
    return [
        first,
        raw("2024-03-01T10:00:01Z,look,u", "too_few_fields"),
        entry(2, note=quoted("a, b"), lands={"note": "a, b"}),
        raw("2024-03-01T10:00:03Z,look,u3,p,1.50,a,b", "too_many_fields"),
        copy(first),
        raw("    ", "too_few_fields"),
        raw(",,,,,", "event_at_missing", "event_type_missing", "user_id_missing"),
        raw(HEADER, "event_at_unreadable", "price_unreadable"),
        raw("\ttorn", "too_few_fields"),
        entry(4, who="  u4  ", lands={"who": "u4"}),
        entry(5, "user_id_missing", who="   "),
        entry(6, "product_id_missing", product=""),
        entry(7, what="hover", lands={"what": "other"}),
        entry(8, "price_out_of_range", what="Purchase", price="-5"),
        raw("2024-03-01T10:00:0", "too_few_fields"),
    ]


def _quotes() -> list[Entry]:
    return [
        entry(0, note=quoted('say "hi", then go'), lands={"note": 'say "hi", then go'}),
        entry(1, note='5" nail', lands={"note": '5" nail'}),
        entry(2, note='6" nail', lands={"note": '6" nail'}),
        entry(3, note=quoted('"'), lands={"note": '"'}),
        entry(4, note='""', lands={"note": None}),
        entry(5, note='a "b" c', lands={"note": 'a "b" c'}),
        raw('2024-03-01T10:00:06Z,look,u6,p,1.50,"a"b', "broken_quotes"),
        raw('2024-03-01T10:00:07Z,look,u7,p,1.50,"never closed', "broken_quotes"),
        entry(8),
        entry(9, note='"' + "x" * 3000 + '"', lands={"note": "x" * 3000}),
        entry(10),
    ]


def _line_breaks() -> list[Entry]:
    return [
        entry(0, note=quoted("one\ntwo"), lands={"note": "one\ntwo"}),
        entry(1, note=quoted("a\r\n\r\nb"), lands={"note": "a\r\n\r\nb"}),
        entry(2),
        raw('2024-03-01T10:00:03Z,look,u3,p,-1,"x\ny",z', "too_many_fields"),
        entry(4, "price_out_of_range", price="-1", note=quoted('say\n"hi"\n')),
        raw('2024-03-01T10:00:05Z,look,u5,p,1,"torn', "broken_quotes"),
        entry(6, note=quoted("c\rd"), lands={"note": "c\rd"}),
        entry(7),
    ]


def _bytes() -> list[Entry]:
    return [
        entry(0, who="Zoë"),
        raw(entry(1).raw.replace(b"u1", b"caf\xe9"), "invalid_utf8"),
        raw(entry(2).raw.replace(b"u2", b"a\0b"), "nul_byte"),
        raw(b"\0\0\0\0", "nul_byte"),
        raw(entry(3).raw + b"x" * 10_000_000, "record_too_long"),
        raw(b"\xff\xfe\x00", "nul_byte"),
        raw(b"\xc3(,,,,,", "invalid_utf8"),
        entry(4, note="🛒"),
    ]


def _injections() -> list[Entry]:
    entries = []
    for number, text in enumerate(INJECTIONS):
        names_nothing = ("user_id_missing", "product_id_missing") if text == "NULL" else ()
        entries += [
            entry(number, *names_nothing, who=text, product=text, note=text),
            entry(number + 20, "event_at_unreadable", when=text),
            entry(number + 40, what=text, lands={"what": "other"}),
            entry(number + 60, "price_unreadable", price=text),
        ]
    return entries


CSV = {
    "prices": _prices(),
    "times": _times(),
    "shapes": _shapes(),
    "quotes": _quotes(),
    "line breaks in quotes": _line_breaks(),
    "odd bytes": _bytes(),
    "injections": _injections(),
    "broken alone": [raw("x", "too_few_fields")],
    "bad last": [entry(0), raw("2024-03-01T10:0", "too_few_fields")],
}
HAS_LINE_BREAKS = {"line breaks in quotes"}


def csv_file(entries: list[Entry], end: bytes, *, blanks: int = 0, mark: bytes = b"") -> bytes:
    """A file of a header and the entries; ``blanks`` empty lines behind each record."""
    return mark + b"".join(line + end * (1 + blanks) for line in (HEADER, *(item.raw for item in entries)))


def csv_lines(entries: list[Entry], *, blanks: int = 0) -> list[int]:
    """The line on which each entry begins."""
    lines, line = [], 2 + blanks
    for item in entries:
        lines.append(line)
        line += len(re.findall(rb"\r\n|\r|\n", item.raw)) + 1 + blanks
    return lines


def _json(number: int, *rules: str, lands: dict | None = None, **values: object) -> Entry:
    sample = entry(number)
    plain = dict(zip(COLUMNS, sample.raw.decode().split(","), strict=True)) | values
    row = dict(zip(COLUMNS, sample.row, strict=True)) | (lands or {})
    return Entry(json.dumps(plain).encode(), None if rules else tuple(row.values()), rules)


EMPTY_VALUES = ("event_at_missing", "event_type_missing", "user_id_missing")

JSON = [
    _json(0),
    _json(1, price=2.5, lands={"price": Decimal("2.5000")}),
    _json(2, who=12345678901234567890123, lands={"who": "12345678901234567890123"}),
    _json(3, who="Zoë 🛒 \"'; drop table landing", lands={"who": "Zoë 🛒 \"'; drop table landing"}),
    _json(4, "user_id_missing", who=None),
    _json(5, "user_id_not_a_value", who={"id": 5}),
    _json(6, "user_id_not_a_value", who=[5]),
    _json(7, "price_unreadable", price={"amount": 1}),
    _json(8, "price_unreadable", price=True),
    _json(9, "nul_character", who="a\0b"),
    _json(10, "event_at_unreadable", when=170928720),
    _json(11, "price_out_of_range", what="hover", price=-3),
    _json(12, note="line one\nline two", lands={"note": "line one\nline two"}),
    raw("5", "not_an_object"),
    raw('"text"', "not_an_object"),
    raw("null", "not_an_object"),
    raw("[]", "not_an_object"),
    raw("{}", *EMPTY_VALUES),
    raw('{"deep":' * 300 + "1" + "}" * 300, *EMPTY_VALUES),
    _json(13),
]
TORN_JSON = [
    raw('{"when": "2024-03-01T10:00:00Z", "wh', "not_json"),
    raw("not json at all", "not_json"),
    raw('{"a": 1} {"b": 2}', "not_json"),
    raw('{"a": 1}garbage', "not_json"),
    raw("<html>", "not_json"),
]
