"""The message of a failed model names model, column and value, in the words of this engine version."""

from __future__ import annotations

import duckdb
import pytest

from shopwright.warehouse.dbt_runner import NodeResult, join_first_lines
from shopwright.warehouse.model_failures import format_model_failure

ROWS = """(select 100000000::decimal(18, 4) as price, 1000000::bigint as quantity, 'abc' as text, '2024-13-01' as day,
    1235::decimal(18, 4) as factor) as rows"""


def failure(select: str) -> str:
    """Return the message of a model with this query, as dbt passes the engine's error on."""
    with duckdb.connect() as connection, pytest.raises(duckdb.Error) as raised:
        connection.execute(
            f"create table int_lines as (\nselect\n    quantity,\n    {select}\nfrom {ROWS})"
        ).fetchall()
    text = f"Runtime Error in model int_lines (models/sales/int_lines.sql)\n  {raised.value}"
    result = NodeResult("int_lines", "model", "error", 0.1, 0, join_first_lines(text), "")
    return format_model_failure(result)


@pytest.mark.parametrize(
    ("select", "message"),
    [
        (
            "cast(price * quantity as decimal(18, 4)) as line_amount",
            "line_amount: 100000000000000.0000 does not fit DECIMAL(18,4)",
        ),
        ("cast(price * quantity as integer) as units", "units: 100000000000000 does not fit INT32"),
        ("cast(text as integer) as line_count", "text: 'abc' cannot be read as INT32"),
        ("cast(day as date) as booked_date", "day: '2024-13-01' is no valid time"),
        (
            "price * factor * factor",
            "the multiplication of two numbers with the digits 1000000000000 and 12350000 does not fit DECIMAL(18)",
        ),
    ],
)
def test_a_value_that_cannot_be_computed_is_named(select: str, message: str) -> None:
    assert failure(select) == f"model int_lines: {message}"


def test_an_expression_without_a_name_is_quoted() -> None:
    assert failure("coalesce(cast(price * quantity as decimal(18, 4)), 0)").startswith(
        "model int_lines: coalesce(cast(price * quantity as decimal(18, 4)), 0): 100000000000000.0000 does not fit"
    )


def test_any_other_error_is_as_the_engine_says_it() -> None:
    assert failure("gone").startswith('model int_lines: Referenced column "gone" not found')
