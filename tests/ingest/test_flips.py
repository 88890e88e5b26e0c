"""One damaged file never stops another: bits are flipped in files of every format, beside good ones."""

from __future__ import annotations

import gzip
import io
import json
import random
import zipfile

import pytest
import zstandard
from openpyxl import Workbook

from shopwright.core.engine import connect
from shopwright.core.sql import quote_text
from shopwright.testing import Shop

SETTINGS = """
[[sources]]
name = "clicks"
adapter = "mapped"
path = "raw"
[sources.map]
event_at = "when"
event_type = "what"
user_id = "who"
[sources.event_types]
look = "page_view"
"""
ROWS = 60
COLUMNS = ("when", "what", "who")


def _rows(name):
    return [
        (f"2024-03-01T10:{row // 60:02d}:{row % 60:02d}Z", "look", f"{name}-{row}") for row in range(ROWS)
    ]


def _csv(name):
    return "\n".join(map(",".join, (COLUMNS, *_rows(name), ()))).encode()


def _objects(name):
    return [dict(zip(COLUMNS, row, strict=True)) for row in _rows(name)]


def _lines(name):
    return "".join(json.dumps(item) + "\n" for item in _objects(name)).encode()


def _zip(name, content, compression):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def _xlsx(name):
    book = Workbook()
    for row in (COLUMNS, *_rows(name)):
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _parquet(name, folder, codec):
    made = folder / "made.parquet"
    values = ", ".join(f"({', '.join(map(quote_text, row))})" for row in _rows(name))
    with connect() as connection:
        connection.execute(
            f'copy (from (values {values}) as t ("when", what, who)) to {quote_text(str(made))} '
            f"(format parquet, compression {codec}, row_group_size 2048)"
        )
    return made.read_bytes()


FORMATS = {
    "csv": lambda name, _: _csv(name),
    "csv.gz": lambda name, _: gzip.compress(_csv(name)),
    "csv.zst": lambda name, _: zstandard.ZstdCompressor().compress(_csv(name)),
    "csv.zip": lambda name, _: _zip("a.csv", _csv(name), zipfile.ZIP_DEFLATED),
    "jsonl": lambda name, _: _lines(name),
    "jsonl.zip": lambda name, _: _zip("a.jsonl", _lines(name), zipfile.ZIP_STORED),
    "json": lambda name, _: json.dumps(_objects(name)).encode(),
    "json.gz": lambda name, _: gzip.compress(json.dumps(_objects(name)).encode()),
    "xlsx": lambda name, _: _xlsx(name),
    "xlsx.zip": lambda name, _: _zip("a.xlsx", _xlsx(name), zipfile.ZIP_DEFLATED),
    "parquet": lambda name, folder: _parquet(name, folder, "snappy"),
    "parquet.gz": lambda name, folder: gzip.compress(_parquet(name, folder, "uncompressed")),
    "pq.parquet": lambda name, folder: _parquet(name, folder, "zstd"),
}


def _flip(content, rng):
    """Flip a bit, a few bytes or a run of bytes."""
    damaged = bytearray(content)
    match rng.randrange(4):
        case 0 | 1:
            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        case 2:
            for _ in range(rng.randint(2, 8)):
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        case _:
            start = rng.randrange(len(damaged))
            end = min(len(damaged), start + rng.randint(2, 64))
            damaged[start:end] = rng.randbytes(end - start)
    return bytes(damaged)


def check_flips(folder, seeds):
    """Read a damaged file for each seed, each between good ones, in one run; return how many ended in which way."""
    shop = Shop.make(folder, SETTINGS)
    formats = list(FORMATS.items())
    for seed in seeds:
        ending, make = formats[seed % len(formats)]
        content = make(f"flipped{seed}", folder)
        shop.write(f"{seed:04d}-a.{ending}", _flip(content, random.Random(seed)))
        shop.write(f"{seed:04d}-b.csv", _csv(f"good{seed}"))
    report = shop.ingest()
    good = [row for row in report.rows if row.file.endswith("-b.csv")]
    flipped = [row for row in report.rows if not row.file.endswith("-b.csv")]
    assert [(row.outcome, row.rows_accepted) for row in good] == [("loaded", ROWS)] * len(seeds)
    paths = {row.file.split("/raw/")[1].split("!")[0] for row in flipped}
    assert len(paths) == len(seeds)
    for row in report.failed:
        assert row.reason
        assert "\n" not in row.reason
        assert len(row.reason) < 600
    assert not (shop.project.work / "staging").exists()
    assert len(shop.ledger()) == len(report.rows)
    return {
        outcome: sum(row.outcome == outcome for row in flipped) for outcome in ("loaded", "empty", "failed")
    }


def test_a_flipped_file_is_one_line_of_the_ledger_and_the_next_is_read(tmp_path, capfd):
    outcomes = check_flips(tmp_path, range(39))
    assert outcomes["loaded"] > 0
    assert outcomes["failed"] > 0
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.long
@pytest.mark.parametrize("first", range(39, 539, 100))
def test_five_hundred_flips_stop_no_other_file(tmp_path, first, capfd):
    check_flips(tmp_path, range(first, first + 100))
    captured = capfd.readouterr()
    assert "Traceback" not in captured.err
    assert "panicked" not in captured.err
