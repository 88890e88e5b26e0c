"""Decimal commas and thousands signs: which ones a file uses, and reading numbers with them.

A number read with the wrong sign is wrong by a factor of a thousand and looks right, so a file is read only where its
numbers prove which sign is which, or where the source says so.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from shopwright.core.engine import EngineError
from shopwright.core.errors import SourceFileError
from shopwright.core.sql import quote_name, quote_text
from shopwright.ingest.adapters.mapping import FileKind, NumberSigns
from shopwright.ingest.records import split_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shopwright.ingest.adapters.mapping import Mapping
    from shopwright.ingest.read_job import ReadJob
    from shopwright.ingest.streaming import QuarantinedRow

_USUAL = {",": ". '\u00a0\u202f\u2019", ".": ", '\u00a0\u202f\u2019"}
"""Signs between thousands by decimal sign: with a comma a dot, and in any country blanks and apostrophes."""

_COMMA_PROOF = "[+-]?[0-9]+,([0-9]{1,2}|[0-9]{4,})|[+-]?[0-9]{1,3}([.][0-9]{3})+,[0-9]+"
"""Numbers whose comma can only be a decimal sign: 19,90 and 1.234,567, but not 1,250."""
_DOT_PROOF = "[+-]?[0-9]+[.]([0-9]{1,2}|[0-9]{4,})|[+-]?[0-9]{1,3}(,[0-9]{3})+[.][0-9]+"
_DOTTED = "[+-]?[0-9]{1,3}([.][0-9]{3})+"
"""Numbers that are a thousand times as much in a country whose decimal sign is a comma: 1.250."""

_NUMBERS = ("DECIMAL", "BIGINT", "DOUBLE")
"""How the SQL types of numbers begin."""


def read_number(raw: str, signs: NumberSigns) -> str:
    """Return SQL of a number as the engine writes it; null where it has other signs.

    Args:
        raw: SQL of a text.
        signs: those of its file.
    """
    if signs.is_mixed:
        return (
            f"case when not contains({raw}, ',') then case when not regexp_full_match({raw}, '{_DOTTED}') then {raw} end "
            f"when regexp_full_match({raw}, '{_DOT_PROOF}') then replace({raw}, ',', '') "
            f"when regexp_full_match({raw}, '{_COMMA_PROOF}') then replace(replace({raw}, '.', ''), ',', '.') end"
        )
    if signs.decimal is None and signs.thousands is None:
        return raw
    decimal = signs.decimal or ("," if signs.thousands == "." else ".")
    grouping = quote_text(f"[{signs.thousands or _USUAL[decimal]}]")[1:-1]
    point = "[.]" if decimal == "." else decimal
    shape = f"[+-]?([0-9]{{1,3}}({grouping}[0-9]{{3}})+|[0-9]+)({point}[0-9]+)?"
    plain = f"regexp_replace({raw}, '{grouping}', '', 'g')"
    return (
        f"case when regexp_full_match({raw}, '{shape}') then replace({plain}, '{decimal}', '.') "
        f"when not (contains({raw}, ',') or contains({raw}, '.')) then {raw} end"
    )


def detect_signs(job: ReadJob, columns: Sequence[str], source: str) -> NumberSigns:
    """Find out which signs the numbers of a delimited file have, where its source does not say.

    Args:
        job: the file.
        columns: its columns.
        source: SQL that reads them as texts; read only where a number can hold a comma at all.

    Raises:
        SourceFileError: the numbers may mean two things.
    """
    signs = job.mapping.numbers
    names = [name for name in numeric_columns(job.mapping) if name in columns]
    can_hold_commas = job.mapping.csv.delimiter != "," or job.facts.has_quotes
    if signs.decimal or signs.thousands or not names or not can_hold_commas:
        return signs
    if job.split_records is not None:
        # The file that would prove its signs may be gone: of a few rows, only numbers that can mean one thing are read.
        return NumberSigns(is_mixed=True)
    row: Sequence[Any] | None
    try:
        row = job.connection.execute(f"select {_evidence_sql(names)} from {source}").fetchone()
    except EngineError:
        row = _evidence_by_record(job, columns, names)
    if row is None:
        return signs
    has_comma, has_dot, *examples = row
    if has_comma:
        return _proven(has_comma=True, has_dot=has_dot)
    ambiguous = next(((name, text) for name, text in zip(names, examples, strict=True) if text), None)
    if ambiguous and not has_dot and job.mapping.csv.delimiter == ";":
        name, text = ambiguous
        raise SourceFileError(
            job.label,
            f"{text} in column '{name}' may have a decimal dot, or a dot between thousands; say which by "
            'decimal = "." or decimal = "," of the source',
        )
    return signs


def _evidence_sql(names: Sequence[str]) -> str:
    """Return SQL of whether a comma and a dot are proven decimal signs, then per column a number that may mean two things."""
    texts = [f"trim({quote_name(name)})" for name in names]
    proofs = [
        f"coalesce(bool_or({' or '.join(f'regexp_full_match({text}, {quote_text(shape)})' for text in texts)}), false)"
        for shape in (_COMMA_PROOF, _DOT_PROOF)
    ]
    dotted = [
        f"min(case when regexp_full_match({text}, {quote_text(_DOTTED)}) then {text} end)" for text in texts
    ]
    return ", ".join([*proofs, *dotted])


def _evidence_by_record(job: ReadJob, columns: Sequence[str], names: Sequence[str]) -> list[Any]:
    """Return the same for a file that the engine cannot read, record by record."""
    positions = [list(columns).index(name) for name in names]
    has_comma = has_dot = False
    dotted: list[str | None] = [None] * len(names)
    for record in job.records():
        fields = split_fields(record.text or "", job.mapping.csv.delimiter) or []
        for index, position in enumerate(positions):
            text = fields[position].strip() if position < len(fields) else ""
            has_comma = has_comma or bool(re.fullmatch(_COMMA_PROOF, text))
            has_dot = has_dot or bool(re.fullmatch(_DOT_PROOF, text))
            dotted[index] = dotted[index] or (text if re.fullmatch(_DOTTED, text) else None)
    return [has_comma, has_dot, *dotted]


def numeric_columns(mapping: Mapping) -> list[str]:
    """Return the columns of a file that become numbers."""
    return list(
        dict.fromkeys(
            name
            for canonical, item in mapping.fields.items()
            if mapping.entity.column(canonical).kind.sql_type.startswith(_NUMBERS) and not item.sql
            for name in item.columns
        )
    )


def purely_numeric_columns(mapping: Mapping) -> list[str]:
    """Return the columns of a file that become numbers, and no text besides."""
    others = {
        name
        for canonical, item in mapping.fields.items()
        if not mapping.entity.column(canonical).kind.sql_type.startswith(_NUMBERS)
        for name in item.columns
    }
    return [name for name in numeric_columns(mapping) if name not in others]


def read_text_number(text: str, signs: NumberSigns) -> str:
    """Return SQL of a number that is a text where numbers need not be: as the engine writes it, or as no number at all."""
    return f"coalesce({read_number(f'trim({text})', signs)}, '?' || {text})"


def detect_text_signs(job: ReadJob, names: Sequence[str], source: str) -> NumberSigns:
    """Find out which signs the texts in a file's columns have, where the file can also hold numbers as such.

    Args:
        job: the file.
        names: columns that hold texts and become numbers.
        source: SQL that reads them.
    """
    signs = job.mapping.numbers
    if signs != NumberSigns() or not names:
        return signs
    row = job.connection.execute(f"select {_evidence_sql(names)} from {source}").fetchone()
    return NumberSigns() if row is None else _proven(has_comma=row[0], has_dot=row[1])


def detect_replayed_signs(job: ReadJob) -> NumberSigns:
    """Return the signs of a few JSON records that are replayed: only numbers that can mean one thing are read."""
    signs = job.mapping.numbers
    if signs != NumberSigns() or job.split_records is None or job.mapping.has_lines:
        return signs
    texts = _texts(job.mapping, (record.text or "" for record in job.split_records))
    return NumberSigns(is_mixed=True) if any(re.fullmatch(_COMMA_PROOF, text) for text in texts) else signs


def detect_json_signs(job: ReadJob, quarantined: Sequence[QuarantinedRow]) -> NumberSigns | None:
    """Return the signs that a JSON file must be read with again; None where it was read with the right ones.

    Its texts are looked at only once some of its rows are quarantined for a number with a decimal comma: most files have none,
    and reading them twice would double their cost. What the collector told its senders about an event stays as it is.
    """
    mapping = job.mapping
    is_settled = mapping.numbers != NumberSigns() or job.split_records is not None or mapping.has_lines
    if mapping.kind is not FileKind.JSON or is_settled:
        return None
    unread = (row.raw for row in quarantined if any(rule.endswith("_unreadable") for rule in row.rules))
    if not any(re.fullmatch(_COMMA_PROOF, text) for text in _texts(mapping, unread)):
        return None
    texts = _texts(mapping, (record.text or "" for record in job.records()))
    return _proven(has_comma=True, has_dot=any(re.fullmatch(_DOT_PROOF, text) for text in texts))


def _proven(*, has_comma: bool, has_dot: bool) -> NumberSigns:
    if not has_comma:
        return NumberSigns()
    return NumberSigns(is_mixed=True) if has_dot else NumberSigns(decimal=",")


def _texts(mapping: Mapping, records: Iterable[str]) -> Iterator[str]:
    """Yield the texts of JSON records in the place of numbers."""
    paths = [name.split(".") for name in purely_numeric_columns(mapping)]
    for record in records:
        try:
            document = json.loads(record)
        except (ValueError, RecursionError):
            continue  # is in quarantine itself
        for path in paths:
            value = document
            for key in path:
                value = value.get(key) if isinstance(value, dict) else None
            if isinstance(value, str):
                yield value.strip()
