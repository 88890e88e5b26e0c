"""A lake that an older version wrote is read, and written on."""

from __future__ import annotations

from shopwright.ingest.ledger import LedgerRow
from shopwright.lake.tables import LEDGER, TABLES, TableColumn
from shopwright.testing import Shop

SOURCE = '[[sources]]\nname = "clicks"\nadapter = "event_stream"\npath = "raw"\n'
EVENT = '{"user_id": "u1", "timestamp": "2024-03-10", "event_type": "page_view", "event_id": "%s"}\n'


def test_a_ledger_with_a_column_that_is_gone_is_read_and_continued(tmp_path, monkeypatch):
    shop = Shop.make(tmp_path, SOURCE)
    shop.write("a.jsonl", EVENT % 1)
    with monkeypatch.context() as patch:
        column = TableColumn(
            "simulated_effect", "VARCHAR", "string", "Gone since effects are simulated before ingest."
        )
        patch.setitem(TABLES, "ledger", (*LEDGER, column))
        patch.setattr(LedgerRow, "simulated_effect", '{"share": 0.05}', raising=False)
        shop.ingest()
    shop.write("b.jsonl", EVENT % 2)
    report = shop.ingest()
    assert (report.skipped, report.total("rows_accepted")) == (1, 1)
    assert [row.file.rsplit("/", 1)[-1] for row in shop.ledger()] == ["a.jsonl", "b.jsonl"]
