"""Reports on the data itself: what came in, what was refused, what was tested, how new it is."""

from __future__ import annotations

from shopwright.reports.model import Column, Report

_BALANCE = (
    "Every row read is accepted, quarantined or a duplicate. Rows replayed from quarantine were read before and are not"
    " counted again."
)
_FIRST = "filter (where outcome <> 'replayed')"
_OF_FILES = f"count(distinct (source, file)) {_FIRST}"
_FILES = Column("file_count", "Files taken in, identical and failed ones included.", "count")
_READ = Column("rows_read", "Rows read.", "count")
_ACCEPTED = Column("rows_accepted", "Rows accepted when they came.", "count")
_REFUSED = Column(
    "rows_quarantined", "Rows that broke a rule when they came, replayed since or not.", "count"
)
_REPEATED = Column("rows_duplicate", "Rows that repeat one that came before.", "count")
_RATE = Column("quarantine_rate", "Quarantined rows, of those read.", "share")
_LAST_BUILD = (
    "invocation_id = (select invocation_id from gold.fct_data_tests order by executed_at desc limit 1)"
)

_SUMMARY = Report(
    "health_summary",
    "Data health",
    f"The ledger of all files and the data tests of the last build in one row. {_BALANCE}",
    needs=("fct_ingest_ledger",),
    columns=(
        _FILES,
        _READ,
        _ACCEPTED,
        _REFUSED,
        _REPEATED,
        _RATE,
        Column(
            "unbalanced_file_count",
            "Files whose rows do not add up; 0 unless the ledger is damaged.",
            "count",
        ),
        Column("failed_file_count", "Files that could not be read.", "count"),
        Column("passed_test_count", "Data tests passed by the last build.", "count"),
        Column("warned_test_count", "Data tests that found something doubtful but usable.", "count"),
    ),
    sql=f"""
        select
            {_OF_FILES},
            coalesce(sum(rows_read) {_FIRST}, 0)::bigint,
            coalesce(sum(rows_accepted) {_FIRST}, 0)::bigint,
            coalesce(sum(rows_quarantined) {_FIRST}, 0)::bigint,
            coalesce(sum(rows_duplicate) {_FIRST}, 0)::bigint,
            sum(rows_quarantined) {_FIRST} / nullif(sum(rows_read) {_FIRST}, 0),
            count(*) filter (where not is_balanced),
            count(*) filter (where outcome = 'failed'),
            (select count(*) from gold.fct_data_tests where {_LAST_BUILD} and status = 'pass'),
            (select count(*) from gold.fct_data_tests where {_LAST_BUILD} and status <> 'pass')
        from gold.fct_ingest_ledger
    """,
)

_LEDGER = Report(
    "ledger",
    "Ledger by source",
    f"What came in from each source. {_BALANCE}",
    needs=("fct_ingest_ledger",),
    columns=(
        Column("source", "Name of the source.", "text"),
        Column("entity", "What its rows are.", "text"),
        _FILES,
        _READ,
        _ACCEPTED,
        _REFUSED,
        _REPEATED,
        _RATE,
        Column("last_ingested_at", "When the newest file was taken in.", "time"),
    ),
    sql=f"""
        select
            source,
            entity,
            {_OF_FILES},
            coalesce(sum(rows_read) {_FIRST}, 0)::bigint,
            coalesce(sum(rows_accepted) {_FIRST}, 0)::bigint,
            coalesce(sum(rows_quarantined) {_FIRST}, 0)::bigint,
            coalesce(sum(rows_duplicate) {_FIRST}, 0)::bigint,
            sum(rows_quarantined) {_FIRST} / nullif(sum(rows_read) {_FIRST}, 0),
            max(ingested_at)
        from gold.fct_ingest_ledger
        group by source, entity
        order by source, entity
    """,
)

_LATEST_FILES = Report(
    "ledger_files",
    "Files taken in last",
    "The 100 newest rows of the ledger, one per file and entity, replays included. Every row read is accepted, quarantined"
    " or a duplicate.",
    needs=("fct_ingest_ledger",),
    columns=(
        Column("ingested_at", "When it was taken in.", "time"),
        Column("source", "Name of the source.", "text"),
        Column("entity", "What its rows are.", "text"),
        Column("file", "Name of the file.", "text"),
        Column("outcome", "loaded, empty, failed, replayed or identical.", "text"),
        _READ,
        _ACCEPTED,
        _REFUSED,
        _REPEATED,
        Column("reason", "Why it failed; undefined where it did not.", "text"),
    ),
    sql="""
        select
            ingested_at, source, entity, parse_filename(file), outcome, rows_read, rows_accepted, rows_quarantined,
            rows_duplicate, reason
        from gold.fct_ingest_ledger
        order by batch_seq desc, file, entity
        limit 100
    """,
)

_FRESHNESS = Report(
    "freshness",
    "Freshness by source",
    "The newest moment in the data of each source, and when it was last taken in. A source whose rows state no times has"
    " no newest moment.",
    needs=("fct_freshness",),
    columns=(
        Column("source", "Name of the source.", "text"),
        Column("entity", "What its rows are.", "text"),
        Column("row_count", "Rows in the lake.", "count"),
        Column("last_event_at", "Newest moment in its rows.", "time"),
        Column("last_ingested_at", "When it was last taken in.", "time"),
        Column("days_behind", "From the newest moment to when it was taken in.", "days"),
    ),
    sql="""
        select source, entity, row_count, last_event_at, last_ingested_at, hours_behind / 24
        from gold.fct_freshness
        order by source, entity
    """,
)

_TESTS = Report(
    "data_tests",
    "Data tests by table",
    "Data tests of the last build. A test that fails keeps the build from being published, so that published ones have"
    " passed or warned.",
    needs=("fct_data_tests",),
    columns=(
        Column("model_name", "The table that was tested.", "text"),
        Column("passed_test_count", "Tests passed.", "count"),
        Column("warned_test_count", "Tests that found something doubtful but usable.", "count"),
        Column("failing_row_count", "Rows that the tests found.", "count"),
    ),
    sql=f"""
        select
            coalesce(model_name, '(several)') as model,
            count(*) filter (where status = 'pass'),
            count(*) filter (where status <> 'pass') as warned,
            coalesce(sum(failing_rows), 0)::bigint
        from gold.fct_data_tests
        where {_LAST_BUILD}
        group by model
        order by warned desc, model
    """,
)

HEALTH = (_SUMMARY, _LEDGER, _LATEST_FILES, _FRESHNESS, _TESTS)
