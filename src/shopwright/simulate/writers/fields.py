"""Fields of a row that is written as JSON lines or Parquet.

Each field is stated once, with what it is in a typed file and how JSON spells it.
"""

from __future__ import annotations

from dataclasses import dataclass

from shopwright.core.sql import quote_list, quote_name, quote_text
from shopwright.simulate.dirt import CODE

NO_TIMES = [
    "not a time",
    "",
    "1970-01-01T00:00:00.000Z",
    "2999-12-31T23:59:59.000Z",
    "2025-02-30T27:61:00.000Z",
]
NO_TYPED_TIMES = "[NULL, TIMESTAMP '1970-01-01', TIMESTAMP '2999-12-31 23:59:59']"


@dataclass(frozen=True)
class Field:
    """One field of a row; a null is an absent key."""

    name: str
    typed: str
    """SQL of the value in a typed file."""
    text: str | None = None
    """SQL of the value as JSON spells it, without quotes, where it differs."""
    is_quoted: bool = True

    def json(self, comma: str) -> str:
        """Return SQL of the key and the value, or of nothing where the value is null."""
        quote = '"' if self.is_quoted else ""
        head, value = quote_text(f'{comma}"{self.name}":{quote}'), f"({self.text or self.typed})::VARCHAR"
        return f"coalesce({head} || {value} || '{quote}', '')"


def json_select(fields: list[Field]) -> str:
    """Return query that prints each row as one JSON object; the first field is never null."""
    fields_sql = [field.json("," if position else "") for position, field in enumerate(fields)]
    return f"SELECT '{{' || {' || '.join(fields_sql)} || '}}' AS line FROM columns"


def typed_select(fields: list[Field]) -> str:
    """Return query with one typed column a field."""
    return (
        f"SELECT {', '.join(f'{field.typed} AS {quote_name(field.name)}' for field in fields)} FROM columns"
    )


def timestamp_field(name: str, column: str) -> Field:
    """Return a time, from a column of milliseconds."""
    time = f"make_timestamp({column} * 1000)"
    return Field(name, time, f"strftime({time}, '%Y-%m-%dT%H:%M:%S.%gZ')")


def optional_timestamp_field(name: str, column: str) -> Field:
    """Return a time that may be unknown: a column of milliseconds, below 0 for none."""
    return timestamp_field(name, f"(CASE WHEN {column} >= 0 THEN {column} END)")


def item(values: tuple[str, ...], column: str) -> str:
    """Return SQL of one of the values, by its position."""
    return f"({quote_list(list(values))})[{column} + 1]"


def money(column: str) -> str:
    """Return SQL of an amount, from a column of cents."""
    return f"({column}::DECIMAL(12, 0) * 0.01::DECIMAL(3, 2))"


def unless(fault: str, broken: str, value: str) -> str:
    """Return SQL of the broken value in rows with the fault, and of the sound one in all others."""
    return f"CASE WHEN fault = {CODE[fault]} THEN {broken} ELSE {value} END"


def or_bad_timestamp(value: Field, number: str) -> Field:
    """Return the time or, in rows with that fault, none that is one; ``number`` is the column that tells which."""
    return Field(
        value.name,
        unless("bad_timestamp", f"({NO_TYPED_TIMES})[{number} % 3 + 1]", value.typed),
        unless("bad_timestamp", f"({quote_list(NO_TIMES)})[{number} % {len(NO_TIMES)} + 1]", str(value.text)),
    )
