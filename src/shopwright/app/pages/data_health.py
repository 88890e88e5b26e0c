"""Data health: what came in, what was refused, what was tested, how new it is."""

from __future__ import annotations

from shopwright.app import data, tiles

tiles.page(
    "Data health",
    "Can the numbers be trusted: what came in, what was refused, what was tested, how new is it?",
)
tiles.figures(
    "health_summary", "rows_read", "rows_accepted", "rows_quarantined", "rows_duplicate", "quarantine_rate"
)
tiles.figures(
    "health_summary",
    "file_count",
    "failed_file_count",
    "unbalanced_file_count",
    "passed_test_count",
    "warned_test_count",
)
tiles.tile("freshness")
tiles.tile("ledger")
tiles.listing(
    "quarantine",
    "Rows in quarantine now",
    "Rows that broke a rule and were not accepted since, by file and rules, as of a minute ago at most; "
    "'shopwright quarantine show' shows them whole.",
    data.QUARANTINE,
    data.quarantine(),
    nothing="The quarantine is empty.",
)
tiles.tile("data_tests")
tiles.tile("ledger_files")
