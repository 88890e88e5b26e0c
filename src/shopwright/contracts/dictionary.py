"""The data dictionary: the contracts as one Markdown page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.contracts import ENTITIES
from shopwright.core.markdown import format_codes, format_table

if TYPE_CHECKING:
    from shopwright.contracts import Column, Entity, Rule

_INTRODUCTION = """\
# Data dictionary

<!-- Written by `make docs` from shopwright.contracts; edit there. -->

The canonical entities that a shop's data is loaded into. Ingest converts each raw row to this form. A row that breaks a
rule is quarantined under the rule's name; all other rows are loaded. Text is stored as the source writes it. Timestamps
are UTC. Money is exact to four decimals, never a floating-point number; its unit is the currency in the row's `currency`
column, or else the shop's. An empty cell means unknown, which is not zero.

A personal column may say who somebody is, alone or with others. A source keeps such a column as it is unless its
`[sources.privacy]` says `drop` or `hash` (see [settings](settings.md#sources)).

To change a column or a rule, edit `src/shopwright/contracts/`; this page is generated from it."""

_RULE_HEADER = ("rule", "an accepted row")

_RECORD_RULES = (
    ("`*_unreadable`", "The column's text can be read as its type: a number, a timestamp, true or false."),
    (
        "`*_in_future`",
        "The row's time is not ahead of the clock by more than `max_future_hours` of `[ingest]`.",
    ),
    ("`too_few_fields`, `too_many_fields`", "A line of a delimited file has as many fields as the header."),
    ("`broken_quotes`", "Quotes around a field are closed, and doubled within it."),
    ("`invalid_utf8`, `nul_byte`", "The text is valid in the file's encoding and has no NUL byte."),
    ("`record_too_long`", "The record is no longer than `max_record_bytes` of `[ingest]`."),
    (
        "`not_json`, `nested_too_deep`",
        "A JSON record can be parsed, and is not nested more than 1,000 levels deep.",
    ),
    ("`*_not_a_value`", "A required text in JSON or Parquet is one value, not an object or a list."),
)
"""Rules that ingest adds to those of the contracts, for records of any entity."""


def render() -> str:
    """Write the data dictionary.

    Returns:
        Markdown, ending in a newline: an overview, then per entity its grain, key, columns and rules.
    """
    sections = [_INTRODUCTION, _overview(), *(_section(entity) for entity in ENTITIES), _record_rules()]
    return "\n\n".join(sections) + "\n"


def _record_rules() -> str:
    return "\n\n".join(
        [
            "## Rules for any record",
            "Ingest checks these for each record before those of its entity:",
            format_table(_RULE_HEADER, _RECORD_RULES),
        ]
    )


def _overview() -> str:
    return format_table(
        ("entity", "one row is", "key"),
        (
            (f"[`{entity.name}`](#{entity.name})", entity.grain, format_codes(entity.key))
            for entity in ENTITIES
        ),
    )


def _section(entity: Entity) -> str:
    facts = [f"One row is {entity.grain}.", f"Key: {format_codes(entity.key)}."]
    if entity.time_column is not None:
        facts.append(f"Its time is `{entity.time_column}`.")
    columns = format_table(
        ("column", "type", "unit", "required", "personal", "values", "meaning"),
        map(_column_cells, entity.columns),
    )
    return "\n\n".join([f"## {entity.name}", " ".join(facts), columns, *_rules(entity)])


def _column_cells(column: Column) -> tuple[str, ...]:
    required = "computed on read" if column.derived is not None else "yes" if column.required else ""
    personal = "yes" if column.is_personal else ""
    return (
        f"`{column.name}`",
        column.kind,
        column.unit or "",
        required,
        personal,
        _values(column),
        column.meaning,
    )


def _values(column: Column) -> str:
    """Return what values the column may have: a list, a range, or an empty text for any value of its type."""
    low, high = column.minimum, column.maximum
    if column.allowed:
        return format_codes(column.allowed)
    if low is not None and high is not None:
        return f"{low} to {high}"
    if low is not None:
        return f"{low} or more"
    return "" if high is None else f"{high} or less"


def _rules(entity: Entity) -> list[str]:
    """Return the section of the rules that a row must meet; nothing where there are none."""
    rows = [_rule_cells(rule) for rule in entity.all_rules()]
    if not rows:
        return []
    return [
        "A row that breaks one of these is quarantined under its name:",
        format_table(_RULE_HEADER, rows),
    ]


def _rule_cells(rule: Rule) -> tuple[str, str]:
    return f"`{rule.name}`", rule.meaning
