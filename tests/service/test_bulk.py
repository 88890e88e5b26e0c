"""Many sessions at once: every format in and out, the same scores, and a wrong row that is named."""

from __future__ import annotations

import asyncio
import errno
import io
import json

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from shopwright.service import state
from shopwright.service.app import create_app
from shopwright.service.bulk import BulkFormat, readers
from shopwright.service.routes import bulk as bulk_route
from tests.service.example_shop import DATA_DATE, SESSION

ROWS = [
    SESSION
    | {"session_id": f"s{place}", "total_views": place % 13, "device": ("mobile", "desktop", None)[place % 3]}
    for place in range(200)
]
CSV_HEADER = "total_views,total_carts,session_duration_minutes,experiment_group"


def written(kind, rows=ROWS):
    """Rows as a body of a format."""
    if kind is BulkFormat.JSON:
        return json.dumps(rows).encode()
    if kind is BulkFormat.NDJSON:
        return b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    table, out = pa.Table.from_pylist(rows), io.BytesIO()
    if kind is BulkFormat.CSV:
        pacsv.write_csv(table, out)
    elif kind is BulkFormat.PARQUET:
        pq.write_table(table, out)
    else:
        with pa.ipc.new_stream(out, table.schema) as stream:
            stream.write_table(table)
    return out.getvalue()


def read(kind, content):
    """Rows of an answer of a format."""
    if kind is BulkFormat.JSON:
        return json.loads(content)["sessions"]
    if kind is BulkFormat.NDJSON:
        return [json.loads(line) for line in content.splitlines()]
    if kind is BulkFormat.CSV:
        return pacsv.read_csv(io.BytesIO(content)).to_pylist()
    if kind is BulkFormat.PARQUET:
        return pq.read_table(io.BytesIO(content)).to_pylist()
    with pa.ipc.open_stream(content) as stream:
        return stream.read_all().to_pylist()


def sent(client, kind, body, **headers):
    return client.post("/bulk_predict", content=body, headers={"Content-Type": str(kind)} | headers)


@pytest.fixture(scope="module")
def singly(client):
    """Probability of each row, asked for one by one."""
    return [client.post("/predict", json=row).json()["probability"] for row in ROWS]


@pytest.mark.parametrize("kind", list(BulkFormat))
def test_all_formats_score_as_single_requests_do(client, singly, kind):
    answer = sent(client, kind, written(kind))
    assert answer.headers["content-type"].partition(";")[0] == kind
    rows = read(kind, answer.content)
    assert [row["probability"] for row in rows] == pytest.approx(singly, abs=1e-12)
    assert [row["session_id"] for row in rows] == [row["session_id"] for row in ROWS]
    assert answer.headers["x-model-version"] == "1"
    assert answer.headers["x-data-date"] == DATA_DATE


@pytest.mark.parametrize("wanted", list(BulkFormat))
def test_the_answer_is_of_the_format_that_is_accepted(client, singly, wanted):
    rows = read(wanted, sent(client, BulkFormat.CSV, written(BulkFormat.CSV), Accept=str(wanted)).content)
    assert [row["probability"] for row in rows] == pytest.approx(singly, abs=1e-12)
    if wanted is not BulkFormat.JSON:
        assert str(rows[0]["data_date"]) == DATA_DATE


def test_small_batches_give_the_same_answer(client, monkeypatch):
    whole = sent(client, BulkFormat.JSON, written(BulkFormat.JSON)).content
    monkeypatch.setattr(readers, "JSON_BATCH_ROWS", 7)
    monkeypatch.setattr(readers, "_CHUNK_BYTES", 11)
    assert sent(client, BulkFormat.JSON, written(BulkFormat.JSON)).content == whole


def test_a_csv_runs_no_formula(client):
    names = ["=1+1", "+1", "-1", "@x", "\tx", "plain", '="a"']
    rows = [SESSION | {"session_id": name} for name in names]
    answer = sent(client, BulkFormat.JSON, written(BulkFormat.JSON, rows), Accept="text/csv").content
    found = [row["session_id"] for row in read(BulkFormat.CSV, answer)]
    assert found == [name if name == "plain" else f"'{name}" for name in names]


def test_scores_by_band_are_counted(set_up):
    client = set_up()
    sent(client, BulkFormat.CSV, written(BulkFormat.CSV))
    lines = client.get("/metrics").text.splitlines()
    counts = [float(line.split()[-1]) for line in lines if line.startswith("shopwright_scores_total{")]
    assert sum(counts) == len(ROWS)


@pytest.mark.parametrize(
    ("rows", "field", "words"),
    [
        ("3,1,2.5,a\n3,x,2,a", "body.total_carts", "row 2, total_carts: expected a number"),
        ("3,1,2.5,a\n3,1,nan,a", "body.1.session_duration_minutes", "row 2, session_duration_minutes"),
        ("3,1,2.5,a\n3,1,inf,a", "body.1.session_duration_minutes", "expected a number from 0"),
        ("3,-1,2.5,a", "body.0.total_carts", "whole number"),
        ("3,,2.5,a", "body.0.total_carts", "total_carts: required"),
        ("3,1.5,2.5,a", "body.0.total_carts", "whole number"),
        (f"3,1,2.5,{'x' * 201}", "body.0.experiment_group", "200 characters"),
        ("3,1,2.5", "body", "Expected 4 columns, got 3"),
    ],
)
def test_a_wrong_row_of_a_csv_is_named(client, rows, field, words):
    answer = sent(client, BulkFormat.CSV, f"{CSV_HEADER}\n{rows}\n".encode())
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert words in answer.json()["detail"]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (f"{CSV_HEADER},shoe_size", "'shoe_size': unknown field"),
        (f"{CSV_HEADER},devic", "did you mean 'device'"),
        (CSV_HEADER.replace("total_views,", ""), "total_views: required"),
        (f"{CSV_HEADER},total_carts", "total_carts: duplicate"),
        ("", "the body is empty"),
    ],
)
def test_wrong_columns_are_named(client, header, words):
    for kind in (BulkFormat.CSV, BulkFormat.PARQUET, BulkFormat.ARROW):
        if kind is BulkFormat.CSV:
            body = f"{header}\n{','.join('1' * len(header.split(',')))}\n".encode() if header else b"\n"
        elif "duplicate" in words or "empty" in words:
            continue
        else:
            texts = {"experiment_group", "shoe_size", "devic"}
            rows = [{name: "a" if name in texts else 1.0 for name in header.split(",")}]
            body = written(kind, rows)
        answer = sent(client, kind, body)
        assert (answer.status_code, words in answer.json()["detail"]) == (422, True), answer.text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "expected an array"),
        (b"{}", "expected an array"),
        (b"[1]", "row 1: expected a session"),
        (b"[{}]", "row 1, total_views: required"),
        (json.dumps([SESSION]).encode()[:-1], "is not closed"),
        (json.dumps([SESSION]).encode() + b" x", "unexpected content after"),
        (json.dumps([SESSION, SESSION | {"total_views": True}]).encode(), "row 2, total_views"),
        (json.dumps([SESSION | {"total_views": float("nan")}]).encode(), "row 1: invalid JSON"),
        (json.dumps([SESSION | {"total_views": 10**400}]).encode(), "row 1, total_views"),
        (json.dumps([SESSION | {"device": "\ud800"}]).encode(), "row 1, device: expected valid Unicode"),
        (json.dumps([SESSION | {"\ud800": 1}]).encode(), "unknown field"),
        (b'[{"a":' + b"[" * 100_000, "row 1: invalid JSON"),
        (b"[\xff]", "not UTF-8"),
    ],
)
def test_a_wrong_list_is_refused(client, body, words):
    answer = sent(client, BulkFormat.JSON, body)
    assert (answer.status_code, words in answer.json()["detail"]) == (422, True), answer.text


@pytest.mark.parametrize("kind", [BulkFormat.PARQUET, BulkFormat.ARROW])
@pytest.mark.parametrize("body", [b"", b"PAR1xxxxPAR1", b"\xff" * 64, b"x" * 500])
def test_what_is_no_file_of_its_format_is_refused(client, kind, body):
    assert sent(client, kind, body).status_code == 422


@pytest.mark.parametrize("kind", [BulkFormat.PARQUET, BulkFormat.ARROW])
def test_columns_of_another_kind_are_refused(client, kind):
    texts = written(kind, [SESSION | {"total_views": "7"}])
    assert "total_views: expected numbers" in sent(client, kind, texts).json()["detail"]
    numbers = written(kind, [SESSION | {"device": 7}])
    assert "device: expected texts" in sent(client, kind, numbers).json()["detail"]


def test_a_long_text_that_many_rows_share_is_refused_before_it_is_written_out(client):
    rows = 300_000  # 60 GB, if each had a text of its own
    columns = {name: pa.repeat(pa.scalar(value), rows) for name, value in SESSION.items()}
    columns["device"] = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0), rows), ["x" * 200_000])
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    assert "200 characters" in sent(client, BulkFormat.PARQUET, out.getvalue()).json()["detail"]


def test_a_file_that_unpacks_to_more_than_its_rows_can_hold_is_refused_unread(client, monkeypatch):
    rows = [SESSION | {"session_id": str(place) + "x" * 100_000} for place in range(50)]
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out, compression="zstd", use_dictionary=False)
    assert len(out.getvalue()) < 20_000
    monkeypatch.setattr(pq.ParquetFile, "iter_batches", None)
    assert "decompresses to more" in sent(client, BulkFormat.PARQUET, out.getvalue()).json()["detail"]


@pytest.mark.parametrize("kind", [BulkFormat.PARQUET, BulkFormat.ARROW])
def test_columns_of_lists_are_refused_unread(client, kind, monkeypatch):
    table = pa.table(
        {name: [[0] * 1_000] if name == "total_views" else [value] for name, value in SESSION.items()}
    )
    out = io.BytesIO()
    if kind is BulkFormat.PARQUET:
        pq.write_table(table, out)
    else:
        with pa.ipc.new_stream(out, table.schema) as stream:
            stream.write_table(table)
    monkeypatch.setattr(readers, "cast_columns", None)
    assert "total_views: expected numbers" in sent(client, kind, out.getvalue()).json()["detail"]


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
@pytest.mark.parametrize("is_dictionary", [False, True])
def test_compressed_streams_are_refused_unread(client, codec, is_dictionary, monkeypatch):
    table = pa.Table.from_pylist(ROWS)
    if is_dictionary:
        place = table.schema.get_field_index("device")
        table = table.set_column(place, "device", table["device"].dictionary_encode())
    for options in (pa.ipc.IpcWriteOptions(), pa.ipc.IpcWriteOptions(compression=codec)):
        out = io.BytesIO()
        with pa.ipc.new_stream(out, table.schema, options=options) as stream:
            stream.write_table(table)
        answer = sent(client, BulkFormat.ARROW, out.getvalue())
        if options.compression:
            assert "send a stream without compression" in answer.json()["detail"]
        else:
            assert answer.status_code == 200
            monkeypatch.setattr(pa.ipc, "open_stream", None)


def test_an_empty_list_has_an_empty_answer(client):
    assert sent(client, BulkFormat.JSON, b"[]").json()["sessions"] == []
    assert sent(client, BulkFormat.NDJSON, b"\n\n").content == b""


def test_unknown_formats_are_refused(client):
    assert sent(client, "text/html", b"x").status_code == 415
    assert sent(client, BulkFormat.CSV, b"x", Accept="image/png").status_code == 406


def test_too_many_rows_and_bytes_are_refused(set_up):
    client = set_up(max_bulk_rows=10, max_bulk_bytes=1024)
    rows = "1,1,1,a\n" * 11
    assert sent(client, BulkFormat.CSV, f"{CSV_HEADER}\n{rows}".encode()).status_code == 413
    assert sent(client, BulkFormat.CSV, f"{CSV_HEADER}\n{rows * 20}".encode()).status_code == 413


def test_a_line_of_column_names_without_an_end_is_refused(client):
    answer = sent(client, BulkFormat.CSV, b"a," * 300_000)
    assert (answer.status_code, answer.json()["detail"]) == (
        422,
        "the header row is longer than 65,536 bytes",
    )


def test_who_finds_no_free_door_is_sent_away(own):
    client = TestClient(create_app(own))
    doors = client.app.state.service.bulk_limit
    for _ in range(state.MAX_PENDING_BULK_JOBS):
        asyncio.run(doors.acquire())
    answer = sent(client, BulkFormat.CSV, written(BulkFormat.CSV))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    doors.release()
    assert sent(client, BulkFormat.CSV, written(BulkFormat.CSV)).status_code == 200
    assert sent(client, BulkFormat.CSV, b"not,known\n1,2\n").status_code == 422
    assert sent(client, BulkFormat.CSV, written(BulkFormat.CSV)).status_code == 200


class _Full(io.BytesIO):
    """A file on a full disk, which refuses to be closed too where something was still to be written."""

    def __init__(self, _):
        super().__init__()

    def write(self, _):
        raise OSError(errno.ENOSPC, "No space left on device")

    def close(self):
        if not self.closed:
            super().close()
            raise OSError(errno.ENOSPC, "No space left on device")


def _memory(_):
    return io.BytesIO()


@pytest.mark.parametrize("fails", ["body", "answer"])
def test_a_disk_without_room_is_told(client, monkeypatch, fails):
    kinds = iter([_memory, _Full] if fails == "body" else [_Full, _memory])

    def opened(size):
        return next(kinds)(size)

    with monkeypatch.context() as patch:
        patch.setattr(bulk_route, "SpooledTemporaryFile", opened)
        answer = sent(client, BulkFormat.CSV, written(BulkFormat.CSV))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "disk of the service is full" in answer.json()["detail"]
    assert sent(client, BulkFormat.CSV, written(BulkFormat.CSV)).status_code == 200
