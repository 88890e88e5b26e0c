"""Hostile exports: every record ends in exactly one place, no wrong row is accepted, nothing crashes."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import hostile
import pytest
import zstandard
from hostile import (
    CSV,
    HEADER,
    INJECTIONS,
    JSON,
    LOADED_COLUMNS,
    SETTINGS,
    TORN_JSON,
    csv_file,
    csv_lines,
    entry,
)

from shopwright.core.engine import connect
from shopwright.core.sql import quote_text
from shopwright.testing import Shop


def take(folder, name, content, settings=SETTINGS):
    shop = Shop.make(folder, settings)
    shop.write(name, content)
    shop.ingest()
    return shop


def check(shop, entries, lines):
    """Read, accepted, quarantined and duplicate are what the corpus says; so are rows, lines, text and rules."""
    accepted = [item.row for item in entries if item.row]
    bad = [(line, item) for line, item in zip(lines, entries, strict=True) if item.rules]
    copies = sum(item.is_copy for item in entries)
    (row,) = shop.ledger()
    counts = (row.rows_read, row.rows_accepted, row.rows_quarantined, row.rows_duplicate)
    assert counts == (len(entries), len(accepted), len(bad), copies)
    assert sorted(shop.rows(*LOADED_COLUMNS), key=repr) == sorted(accepted, key=repr)
    quarantined = shop.quarantine()
    assert [item.line_number for item in quarantined] == [line for line, _ in bad]
    assert [item.raw.encode(item.raw_encoding) for item in quarantined] == [item.raw for _, item in bad]
    assert [set(item.rules) for item in quarantined] == [set(item.rules) for _, item in bad]


@pytest.mark.parametrize("name", CSV)
@pytest.mark.parametrize(
    ("end", "blanks", "mark"),
    [(b"\n", 0, b""), (b"\r\n", 0, b"\xef\xbb\xbf"), (b"\n", 1, b""), (b"\r", 0, b""), (b"\r\n", 2, b"")],
    ids=["lf", "crlf with mark", "blank lines", "cr", "crlf with blank lines"],
)
def test_every_record_of_a_hostile_csv_ends_where_it_belongs(tmp_path, name, end, blanks, mark):
    shop = take(tmp_path, "day.csv", csv_file(CSV[name], end, blanks=blanks, mark=mark))
    check(shop, CSV[name], csv_lines(CSV[name], blanks=blanks))


def test_mixed_line_ends_are_all_line_ends(tmp_path):
    entries = CSV["shapes"]
    ends = [b"\n", b"\r\n", b"\r"]
    content = HEADER + b"\n" + b"".join(item.raw + ends[at % 3] for at, item in enumerate(entries))
    check(take(tmp_path, "day.csv", content), entries, csv_lines(entries))


def test_a_last_record_without_a_line_end_counts(tmp_path):
    entries = CSV["shapes"]
    check(take(tmp_path, "day.csv", csv_file(entries, b"\n")[:-1]), entries, csv_lines(entries))


def test_all_of_it_in_one_file_changes_nothing(tmp_path):
    entries = [item for name in CSV for item in CSV[name]]
    rules_seen = set()
    once = [
        hostile.copy(item) if item.row and (item.row in rules_seen or rules_seen.add(item.row)) else item
        for item in entries
    ]
    check(take(tmp_path, "day.csv", csv_file(once, b"\n")), once, csv_lines(once))


@pytest.mark.parametrize("name", ["prices", "times", "shapes", "injections"])
def test_the_same_records_without_a_header(tmp_path, name):
    columns = json.dumps(hostile.COLUMNS)
    settings = SETTINGS.replace('path = "raw"', f'path = "raw"\nheader = false\ncolumns = {columns}')
    entries = CSV[name]
    content = b"\xef\xbb\xbf" + b"".join(item.raw + b"\n" for item in entries)
    check(take(tmp_path, "day.csv", content, settings), entries, [line - 1 for line in csv_lines(entries)])


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n", b"\n   \n"], ids=["lf", "crlf", "blank", "spaces"])
def test_every_line_of_hostile_json_ends_where_it_belongs(tmp_path, end):
    entries = [*JSON, *TORN_JSON, hostile.copy(JSON[0])]
    shop = take(tmp_path, "day.jsonl", b"".join(item.raw + end for item in entries))
    step = end.count(b"\n")
    check(shop, entries, [1 + step * at for at in range(len(entries))])


def test_json_lines_with_a_mark_that_begin_with_an_array(tmp_path):
    array = hostile.raw("[1, 2]", "not_an_object")
    entries = [array, JSON[0], array, JSON[1]]
    content = b"\xef\xbb\xbf" + b"\n".join(item.raw for item in entries)
    check(take(tmp_path, "day.json", content), entries, [1, 2, 3, 4])


@pytest.mark.parametrize("between", [b",", b",\n", b"\n,\n  "], ids=["one line", "lines", "commas first"])
def test_every_element_of_a_hostile_array_ends_where_it_belongs(tmp_path, between):
    entries = [*JSON, TORN_JSON[0], JSON[0], TORN_JSON[0]]
    entries[-2] = hostile.copy(JSON[0])
    shop = take(tmp_path, "day.json", b"[" + between.join(item.raw for item in entries) + b"]")
    last = shop.quarantine()[-1]
    assert last.raw.encode() in (TORN_JSON[0].raw, TORN_JSON[0].raw + b"]")
    quarantined = [item for item in shop.quarantine() if item.line_number != last.line_number]
    bad = [(at, item) for at, item in enumerate(entries[:-1], start=1) if item.rules]
    assert [(item.line_number, item.raw.encode()) for item in quarantined] == [
        (at, item.raw) for at, item in bad
    ]
    assert [set(item.rules) for item in quarantined] == [set(item.rules) for _, item in bad]
    assert sorted(shop.rows(*LOADED_COLUMNS), key=repr) == sorted(
        (item.row for item in entries if item.row), key=repr
    )
    assert len({item.quarantine_id for item in shop.quarantine()}) == len(bad) + 1


def test_an_array_torn_inside_a_nested_list_loses_nothing_behind_it(tmp_path):
    torn = b'{"when": "2024-03-01", "list": [{"x": 1}, {"x": 2}], "who'
    shop = take(tmp_path, "day.json", b"[" + JSON[0].raw + b",\n" + torn + b"\n," + JSON[1].raw + b"]")
    assert sorted(shop.rows(*LOADED_COLUMNS), key=repr) == sorted([JSON[0].row, JSON[1].row], key=repr)
    assert b"".join(item.raw.encode() for item in shop.quarantine()).count(b'"x"') == 2


def test_an_element_that_is_nested_without_end_is_put_aside(tmp_path):
    deep = b"[" * 100_000 + b"]" * 100_000
    shop = take(tmp_path, "day.json", b"[" + JSON[0].raw + b"," + deep + b"]")
    assert shop.rows(*LOADED_COLUMNS) == [JSON[0].row]
    assert [item.rules for item in shop.quarantine()] == [("not_json",)]


def test_of_a_repeated_key_the_first_value_counts_on_every_path(tmp_path):
    line = JSON[0].raw.replace(b'"who": "u0"', b'"who": "u0", "who": "other"')
    fast = take(tmp_path / "fast", "day.jsonl", line + b"\n")
    slow = take(tmp_path / "slow", "day.jsonl", line + b"\n\n")
    assert fast.rows(*LOADED_COLUMNS) == slow.rows(*LOADED_COLUMNS) == [JSON[0].row]


def _parquet(folder: Path, select: str) -> bytes:
    parquet_file = folder / "made.parquet"
    with connect() as connection:
        connection.execute(f"copy ({select}) to {quote_text(str(parquet_file))} (format parquet)")
    return parquet_file.read_bytes()


GOOD_ROW = (
    "timestamptz '2024-03-01 12:00:00+02' as \"when\", 'look' as what, 17 as who, 5 as product, "
    "1.5::float as price, null as note"
)


@pytest.mark.parametrize(
    ("changed", "landed"),
    [
        ("", ("17", "5", "1.5000")),
        ("17.0::double as who", ("17", "5", "1.5000")),
        ("12345678901234567890123::decimal(38,0) as who", ("12345678901234567890123", "5", "1.5000")),
        ("timestamp_ns '2024-03-01 10:00:00' as \"when\"", ("17", "5", "1.5000")),
        ("2.5::decimal(9,2) as price", ("17", "5", "2.5000")),
        ("null::double as price", ("17", "5", None)),
    ],
)
def test_odd_parquet_types_are_read_by_their_text(tmp_path, changed, landed):
    name = changed.split(" as ")[-1].strip('"')
    other_columns = [part for part in GOOD_ROW.split(", ") if part.split(" as ")[-1].strip('"') != name]
    content = _parquet(tmp_path, f"select {', '.join([*other_columns, *filter(None, [changed])])}")
    shop = take(tmp_path / "shop", "day.parquet", content)
    ((at, user, product, price),) = shop.rows("event_at", "user_id", "product_id", "price")
    assert (at.isoformat(), user, product, str(price) if price is not None else None) == (
        "2024-03-01T10:00:00",
        *landed,
    )


def test_bad_rows_of_a_parquet_file_are_put_aside_by_their_number(tmp_path):
    bad = [
        ("'nan'::float as price", "price_unreadable"),
        ("-1 as price", "price_out_of_range"),
        ("null as who", "user_id_missing"),
        ("timestamptz '1970-01-01 00:00:00+00' as \"when\"", "event_at_out_of_range"),
    ]
    rows = [GOOD_ROW]
    for changed, _ in bad:
        name = changed.split(" as ")[-1].strip('"')
        parts = GOOD_ROW.split(", ")
        rows.append(
            ", ".join(changed if part.split(" as ")[-1].strip('"') == name else part for part in parts)
        )
    content = _parquet(tmp_path, " union all ".join(f"select {row}" for row in rows))
    shop = take(tmp_path / "shop", "day.parquet", content)
    quarantined = shop.quarantine()
    assert [(item.line_number, item.rules) for item in quarantined] == [
        (number, (rule,)) for number, (_, rule) in enumerate(bad, start=2)
    ]
    assert [json.loads(item.raw)["product"] for item in quarantined] == [5, 5, 5, 5]
    assert len(shop.rows("user_id")) == 1


def test_an_object_in_a_parquet_column_is_no_user(tmp_path):
    row = GOOD_ROW.replace("17 as who", "{'id': 17} as who")
    shop = take(tmp_path / "shop", "day.parquet", _parquet(tmp_path, f"select {row}"))
    assert [item.rules for item in shop.quarantine()] == [("user_id_not_a_value",)]


def test_columns_with_the_engines_own_names_are_only_columns(tmp_path):
    names = [
        "_line",
        "_broken",
        "rowid",
        "filename",
        "doc",
        "fields",
        "_raw_who",
        "x'); drop table landing; --",
        '"',
    ]
    extra = ", ".join(f"{at} as " + '"' + name.replace('"', '""') + '"' for at, name in enumerate(names))
    shop = take(tmp_path / "shop", "day.parquet", _parquet(tmp_path, f"select {GOOD_ROW}, {extra}"))
    ((properties,),) = shop.rows("properties")
    assert json.loads(properties) == {name: at for at, name in enumerate(names)}


@pytest.mark.parametrize("blanks", [0, 1], ids=["fast", "slow"])
def test_hostile_column_names_of_a_csv_are_only_columns(tmp_path, blanks):
    names = ["_line", "_broken", "rowid", "doc", "fields", "_raw_who", "=1+1", "a'b", '"q"', "é🛒", ""]
    header = HEADER + b"," + ",".join(hostile.quoted(name) for name in names).encode()
    line = entry(0).raw + b"," + ",".join(map(str, range(len(names)))).encode()
    shop = take(tmp_path, "day.csv", (b"\n" * (1 + blanks)).join([header, line, b""]))
    assert shop.rows(*LOADED_COLUMNS) == [entry(0).row]
    ((properties,),) = shop.rows("properties")
    names[-1] = "column_17"
    assert json.loads(properties) == {name: str(at) for at, name in enumerate(names)}


@pytest.mark.parametrize("name", [*INJECTIONS[:4], "new\nline", "*[x]?", "a!b.zip!c", "-rf", "%41", "é🛒"])
def test_hostile_file_names_are_only_names(tmp_path, name):
    name = name.replace("/", "_")
    shop = take(tmp_path, f"{name}.csv", csv_file([entry(0), entry(1, "user_id_missing", who="")], b"\n"))
    (row,) = shop.ledger()
    assert (Path(row.file).name, row.rows_accepted, row.rows_quarantined) == (f"{name}.csv", 1, 1)
    assert shop.replay().still_open == 1


def test_a_file_name_that_is_no_utf8_is_shown_escaped(tmp_path):
    shop = Shop.make(tmp_path, SETTINGS)
    (tmp_path / "raw" / b"caf\xe9.csv".decode("utf-8", "surrogateescape")).write_bytes(
        csv_file([entry(0)], b"\n")
    )
    shop.ingest()
    assert [(Path(row.file).name, row.rows_accepted) for row in shop.ledger()] == [("caf\\xe9.csv", 1)]


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"when,what,who,product,price", "column 'note' is missing"),
        (b"whn,what,who,product,price,note", "column 'when' is missing; did you mean 'whn'"),
        (b"When,what,who,product,price,note", "column 'when' is missing; did you mean 'When'"),
        (b"when,what,who,product,price,note,who", "column 'who' appears twice"),
        (b"when,what,who,product,price,note,Who", "appears twice"),
        (b"when;what;who;product;price;note", "column 'when' is missing"),
        (b'when,"what', "cannot be read as column names"),
        (b"PK\x03\x04\0\0", "cannot be read as column names"),
    ],
)
def test_a_wrong_header_stops_that_file_alone_and_says_what_is_wrong(tmp_path, header, reason):
    shop = Shop.make(tmp_path, SETTINGS)
    shop.write("bad.csv", header + b"\n" + entry(0).raw + b"\n")
    shop.write("good.csv", csv_file([entry(1)], b"\n"))
    report = shop.ingest()
    assert [row.outcome for row in report.rows] == ["failed", "loaded"]
    assert reason in report.failed[0].reason
    assert shop.rows(*LOADED_COLUMNS) == [entry(1).row]


@pytest.mark.parametrize("content", [b"", HEADER, HEADER + b"\n", b"\xef\xbb\xbf" + HEADER + b"\r\n\r\n"])
def test_a_file_without_records_is_empty(tmp_path, content):
    (row,) = take(tmp_path, "day.csv", content).ledger()
    assert (row.outcome, row.rows_read) == ("empty", 0)


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


PLAIN = csv_file([entry(number) for number in range(50)], b"\n")
ZSTD = zstandard.ZstdCompressor().compress(PLAIN)
FLIPPED = bytes(byte ^ 0xFF if 60 < at < 90 else byte for at, byte in enumerate(_zip({"a.csv": PLAIN})))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("day.csv.gz", gzip.compress(PLAIN)[:-20]),
        ("day.csv.gz", gzip.compress(PLAIN) + b"tail"),
        ("day.csv.gz", b"no gzip"),
        ("day.csv.zst", ZSTD[:-10]),
        ("day.csv.zst", b"no zstandard"),
        ("day.csv.zst", ZSTD + ZSTD[:10]),
        ("day.zip", b"no zip"),
        ("day.csv.zip", FLIPPED),
        ("day.zip", _zip({"inner.zip": _zip({"a.csv": PLAIN})})),
        ("day.zip", _zip({"read.me": b"nothing here"})),
        ("day.parquet", b"PAR1" + b"x" * 50 + b"PAR1"),
        ("day.parquet", b"no parquet"),
    ],
)
def test_a_corrupt_file_fails_whole_and_is_read_when_it_is_mended(tmp_path, name, content):
    shop = Shop.make(tmp_path, SETTINGS)
    shop.write(name, content)
    report = shop.ingest()
    assert [row.outcome for row in report.rows] == ["failed"]
    assert shop.rows("user_id") == []
    assert len(shop.ingest().failed) == 1
    assert len(shop.ledger()) == 1
    (shop.raw / name).unlink()
    shop.write("day.csv", PLAIN)
    assert shop.ingest().total("rows_accepted") == 50


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("day.csv.gz", gzip.compress(PLAIN)),
        ("day.csv.GZ", gzip.compress(PLAIN[:500]) + gzip.compress(PLAIN[500:])),
        ("day.csv.zst", ZSTD),
        (
            "DAY.CSV.ZST",
            zstandard.ZstdCompressor().compress(PLAIN[:500])
            + zstandard.ZstdCompressor().compress(PLAIN[500:]),
        ),
        ("day.zip", _zip({"a.csv": PLAIN, "__MACOSX/a.csv": b"junk", "read.me": b"junk"})),
        ("day.ZIP", _zip({"deep/a.csv.gz": gzip.compress(PLAIN)})),
        ("a/b/day.csv", PLAIN),
    ],
)
def test_however_a_file_is_packed_it_gives_the_same_rows(tmp_path, name, content):
    shop = take(tmp_path, name, content)
    assert shop.rows(*LOADED_COLUMNS) == [entry(number).row for number in range(50)]
