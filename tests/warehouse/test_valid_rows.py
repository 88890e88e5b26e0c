"""The data test ``valid_rows`` finds in one scan of a view what three data tests find."""

from __future__ import annotations

from pathlib import Path

import duckdb
import jinja2
import pytest

import shopwright

MACRO = Path(shopwright.__file__).parent / "dbt/macros/tests/valid_rows.sql"
VALID_ROWS = "(1, 'a', 5, 9), (2, 'a', 1, 1)"


def failed_checks(rows: str) -> list[str | None]:
    text = MACRO.read_text(encoding="utf-8").replace("{% test valid_rows(", "{% macro valid_rows(")
    text = text.replace("{% endtest %}", "{% endmacro %}")
    call = "{{ valid_rows('snapshots', ['day', 'user_id'], {'recency': [1, 180], 'tenure': ['recency', none]}, 'recency <> 7') }}"
    with duckdb.connect() as connection:
        connection.execute(
            f"create table snapshots as select * from (values {rows}) as t (day, user_id, recency, tenure)"
        )
        failing_rows = connection.execute(jinja2.Template(text + call).render()).fetchall()
    return [row[-1] for row in failing_rows]


def test_valid_rows_pass() -> None:
    assert failed_checks(VALID_ROWS) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("(1, 'a', 5, 9)", None),
        ("(3, null, 5, 9)", "key is null"),
        ("(3, 'a', 0, 9)", "recency below 1"),
        ("(3, 'a', 181, 999)", "recency above 180"),
        ("(3, 'a', 9, 5)", "tenure below recency"),
        ("(3, 'a', 7, 9)", "condition is false"),
    ],
    ids=["twice", "no-key", "low", "high", "column", "condition"],
)
def test_every_defect_is_reported_by_its_name(row: str, message: str | None) -> None:
    assert failed_checks(f"{VALID_ROWS}, {row}") == [message]
