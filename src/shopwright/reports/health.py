"""Reports on the data itself: files loaded, rows quarantined, data tests, freshness."""

from __future__ import annotations

from shopwright.reports.report import Column, Report

_LEDGER_RULE = "Every row read is accepted, quarantined, a duplicate or ignored. Rows replayed from quarantine are not counted again."
_NOT_REPLAYED = "filter (where outcome <> 'replayed')"
_FILE_COUNT_SQL = f"count(distinct (source, file)) {_NOT_REPLAYED}"
_FILE_COUNT = Column("file_count", "Files loaded, including identical and failed ones.", "count")
_ROWS_READ = Column("rows_read", "Rows read.", "count")
_ROWS_ACCEPTED = Column("rows_accepted", "Rows accepted on loading.", "count")
_ROWS_QUARANTINED = Column(
    "rows_quarantined", "Rows that broke a rule on loading, replayed since or not.", "count"
)
_ROWS_DUPLICATE = Column("rows_duplicate", "Rows that repeat an earlier one.", "count", "Duplicate rows")
_ROWS_IGNORED = Column(
    "rows_ignored", "Rows of event types that their source ignores.", "count", "Ignored rows"
)
_QUARANTINE_RATE = Column("quarantine_rate", "Share of rows read that were quarantined.", "share")
_LAST_BUILD = (
    "invocation_id = (select invocation_id from gold.fct_data_tests order by executed_at desc limit 1)"
)

_SUMMARY = Report(
    "health_summary",
    "Data health",
    f"The ledger of all files and the data tests of the last build in one row. {_LEDGER_RULE}",
    requires=("fct_ingest_ledger",),
    columns=(
        _FILE_COUNT,
        _ROWS_READ,
        _ROWS_ACCEPTED,
        _ROWS_QUARANTINED,
        _ROWS_DUPLICATE,
        _ROWS_IGNORED,
        _QUARANTINE_RATE,
        Column(
            "unbalanced_file_count",
            "Files whose rows read are not the sum of accepted, quarantined, duplicate and ignored rows; 0 unless the ledger is damaged.",
            "count",
            "Files that do not add up",
        ),
        Column("failed_file_count", "Files that could not be read.", "count", "Failed files"),
        Column("passed_test_count", "Data tests of the last build that passed.", "count", "Tests passed"),
        Column(
            "warned_test_count",
            "Data tests that found something doubtful but usable.",
            "count",
            "Tests with warnings",
        ),
    ),
    sql=f"""
        select
            {_FILE_COUNT_SQL} as file_count,
            coalesce(sum(rows_read) {_NOT_REPLAYED}, 0)::bigint as rows_read,
            coalesce(sum(rows_accepted) {_NOT_REPLAYED}, 0)::bigint as rows_accepted,
            coalesce(sum(rows_quarantined) {_NOT_REPLAYED}, 0)::bigint as rows_quarantined,
            coalesce(sum(rows_duplicate) {_NOT_REPLAYED}, 0)::bigint as rows_duplicate,
            coalesce(sum(rows_ignored) {_NOT_REPLAYED}, 0)::bigint as rows_ignored,
            sum(rows_quarantined) {_NOT_REPLAYED} / nullif(sum(rows_read) {_NOT_REPLAYED}, 0) as quarantine_rate,
            count(*) filter (where not is_balanced) as unbalanced_file_count,
            count(*) filter (where outcome = 'failed') as failed_file_count,
            (select count(*) from gold.fct_data_tests where {_LAST_BUILD} and status = 'pass') as passed_test_count,
            (select count(*) from gold.fct_data_tests where {_LAST_BUILD} and status <> 'pass') as warned_test_count
        from gold.fct_ingest_ledger
    """,
)

_LEDGER = Report(
    "ledger",
    "Ledger by source",
    f"Files and rows loaded from each source. {_LEDGER_RULE}",
    requires=("fct_ingest_ledger",),
    columns=(
        Column("source", "Name of the source.", "text"),
        Column("entity", "Entity of its rows, such as orders.", "text"),
        _FILE_COUNT,
        _ROWS_READ,
        _ROWS_ACCEPTED,
        _ROWS_QUARANTINED,
        _ROWS_DUPLICATE,
        _ROWS_IGNORED,
        _QUARANTINE_RATE,
        Column("last_ingested_at", "Time when the newest file was loaded.", "time", "Last loaded"),
    ),
    sql=f"""
        select
            source,
            entity,
            {_FILE_COUNT_SQL} as file_count,
            coalesce(sum(rows_read) {_NOT_REPLAYED}, 0)::bigint as rows_read,
            coalesce(sum(rows_accepted) {_NOT_REPLAYED}, 0)::bigint as rows_accepted,
            coalesce(sum(rows_quarantined) {_NOT_REPLAYED}, 0)::bigint as rows_quarantined,
            coalesce(sum(rows_duplicate) {_NOT_REPLAYED}, 0)::bigint as rows_duplicate,
            coalesce(sum(rows_ignored) {_NOT_REPLAYED}, 0)::bigint as rows_ignored,
            sum(rows_quarantined) {_NOT_REPLAYED} / nullif(sum(rows_read) {_NOT_REPLAYED}, 0) as quarantine_rate,
            max(ingested_at) as last_ingested_at
        from gold.fct_ingest_ledger
        group by source, entity
        order by source, entity
    """,
)

_LATEST_FILES = Report(
    "ledger_files",
    "Recently loaded files",
    "The 100 newest entries of the ledger, one per file and entity, including replays. Every row read is accepted,"
    " quarantined, a duplicate or ignored.",
    requires=("fct_ingest_ledger",),
    columns=(
        Column("ingested_at", "Time of loading.", "time", "Loaded"),
        Column("source", "Name of the source.", "text"),
        Column("entity", "Entity of its rows, such as orders.", "text"),
        Column("file", "Name of the file.", "text"),
        Column("outcome", "loaded, empty, failed, replayed or identical.", "text"),
        _ROWS_READ,
        _ROWS_ACCEPTED,
        _ROWS_QUARANTINED,
        _ROWS_DUPLICATE,
        _ROWS_IGNORED,
        Column("reason", "Reason of the failure; undefined where there was none.", "text"),
    ),
    sql="""
        select
            ingested_at, source, entity, parse_filename(file) as file, outcome, rows_read, rows_accepted, rows_quarantined,
            rows_duplicate, rows_ignored, reason
        from gold.fct_ingest_ledger
        order by batch_seq desc, fct_ingest_ledger.file, entity
        limit 100
    """,
)

_FRESHNESS = Report(
    "freshness",
    "Freshness by source",
    "The newest timestamp in the data of each source, and when it was last loaded. A source without timestamps has no newest"
    " one.",
    requires=("fct_freshness",),
    columns=(
        Column("source", "Name of the source.", "text"),
        Column("entity", "Entity of its rows, such as orders.", "text"),
        Column("row_count", "Rows in the lake.", "count"),
        Column("last_event_at", "Newest timestamp in its rows.", "time", "Newest timestamp"),
        Column("last_ingested_at", "Time of the last load.", "time", "Last loaded"),
        Column("days_behind", "Time from the newest timestamp to the last load.", "days"),
    ),
    sql="""
        select source, entity, row_count, last_event_at, last_ingested_at, hours_behind / 24 as days_behind
        from gold.fct_freshness
        order by source, entity
    """,
)

_TESTS = Report(
    "data_tests",
    "Data tests by table",
    "Data tests of the last build. A failing test prevents publication, so the tests of a published build passed or warned.",
    requires=("fct_data_tests",),
    columns=(
        Column("model_name", "Tested table; (several) for a test across tables.", "text", "Table"),
        Column("passed_test_count", "Tests that passed.", "count", "Tests passed"),
        Column(
            "warned_test_count",
            "Tests that found something doubtful but usable.",
            "count",
            "Tests with warnings",
        ),
        Column("failing_row_count", "Rows that failed a test.", "count"),
    ),
    sql=f"""
        select
            coalesce(model_name, '(several)') as model_name,
            count(*) filter (where status = 'pass') as passed_test_count,
            count(*) filter (where status <> 'pass') as warned_test_count,
            coalesce(sum(failing_rows), 0)::bigint as failing_row_count
        from gold.fct_data_tests
        where {_LAST_BUILD}
        group by fct_data_tests.model_name
        order by warned_test_count desc, 1
    """,
)

HEALTH_REPORTS = (_SUMMARY, _LEDGER, _LATEST_FILES, _FRESHNESS, _TESTS)
