"""One reading of a view finds what three data tests found."""

from __future__ import annotations

from pathlib import Path

import duckdb
import jinja2
import pytest

import shopwright

MACRO = Path(shopwright.__file__).parent / "dbt/macros/tests/sound.sql"
SOUND = "(1, 'a', 5, 9), (2, 'a', 1, 1)"


def broken(rows: str) -> list[str | None]:
    text = MACRO.read_text(encoding="utf-8").replace("{% test sound(", "{% macro sound(")
    text = text.replace("{% endtest %}", "{% endmacro %}")
    call = "{{ sound('given', ['day', 'who'], {'recency': [1, 180], 'tenure': ['recency', none]}, 'recency <> 7') }}"
    with duckdb.connect() as connection:
        connection.execute(
            f"create table given as select * from (values {rows}) as t (day, who, recency, tenure)"
        )
        found = connection.execute(jinja2.Template(text + call).render()).fetchall()
    return [row[-1] for row in found]


def test_sound_rows_pass() -> None:
    assert broken(SOUND) == []


@pytest.mark.parametrize(
    ("row", "told"),
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
def test_each_defect_is_found_and_named(row: str, told: str | None) -> None:
    assert broken(f"{SOUND}, {row}") == [told]
