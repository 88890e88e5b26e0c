"""Rules that each row of a file must meet, as SQL over its typed columns and their texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.contracts import Column, Entity, Rule
from shopwright.contracts.schema import Kind
from shopwright.core.sql import quote_name, quote_text
from shopwright.ingest.texts import failed_name, raw_name
from shopwright.ingest.times import is_unset

if TYPE_CHECKING:
    from collections.abc import Container

    from shopwright.ingest.adapters.mapping import Mapping

FAILED = "_sql_failed"
"""End of the names of rules about a shop's own expressions."""

IGNORED = -1
"""``_broken`` of a row that is neither loaded nor quarantined."""

ERASED = -2
"""``_broken`` of a row about an erased person, which is left out too, whatever is wrong with it."""


def row_rules(
    entity: Entity,
    columns: tuple[Column, ...],
    mapping: Mapping,
    texts: Container[str],
    *,
    stated: dict[str, str],
    latest: str,
) -> list[Rule]:
    """Return the rules that a row of a file must meet, beside those about the form of its record.

    Args:
        entity: what its rows become.
        columns: columns that the file fills.
        mapping: how it is read.
        texts: names of the columns that have a text.
        stated: SQL of each column as the source states it.
        latest: timestamp literal (UTC) beyond which a row's time is in the future.
    """
    custom = [column.name for column in columns if column.name in mapping.custom_expressions]
    return [
        *_failed_expressions(custom),
        *_unreadable(tuple(column for column in columns if column.name in texts), stated),
        *_contract(entity, columns),
        *_future(entity, columns, latest),
    ]


def broken_bits(rules: list[Rule], ignored: str | None, erased: str | None = None) -> str:
    """Return SQL of the column that says which rules a row breaks, or that it is left out.

    Args:
        rules: the rules.
        ignored: SQL of whether the source ignores the row; None where it ignores none.
        erased: SQL of whether the row is about an erased person; None where none is.
    """
    bits = " | ".join(
        f"(case when {rule.condition} then 0 else {1 << bit} end)" for bit, rule in enumerate(rules)
    )
    if ignored is not None:
        bits = f"case when {ignored} then {IGNORED} else ({bits}) end"
    if erased is not None:
        bits = f"case when {erased} then {ERASED} else ({bits}) end"
    return f"({bits})::{'bigint' if len(rules) < 63 else 'hugeint'} as _broken"


def _failed_expressions(names: list[str]) -> list[Rule]:
    return [
        Rule(f"{name}{FAILED}", f"(not {failed_name(name)})", f"The expression of `{name}` can be evaluated.")
        for name in names
    ]


def _unreadable(columns: tuple[Column, ...], stated: dict[str, str]) -> list[Rule]:
    """Return the rules on values that cannot be read as their type; a value that was filled in does not count."""
    typed = [column for column in columns if not column.kind.is_text]
    return [
        Rule(
            f"{column.name}_unreadable",
            f"({_read(column, stated)} is not null or {raw_name(column)} is null{_or_unset(column)})",
            f"`{column.name}` can be read as {column.kind}.",
        )
        for column in typed
    ]


def _or_unset(column: Column) -> str:
    return (
        f" or {is_unset(raw_name(column))}" if column.kind is Kind.TIMESTAMP and not column.required else ""
    )


def _read(column: Column, stated: dict[str, str]) -> str:
    """Return SQL of a column as the source states it, by name where nothing is filled in."""
    return (
        stated[column.name]
        if column.name in ("line_amount", "quantity", "value")
        else quote_name(column.name)
    )


def _contract(entity: Entity, columns: tuple[Column, ...]) -> list[Rule]:
    """Return the contract's rules; a required column that nothing fills is missing in every row."""
    mapped = {column.name for column in columns}
    rules = [rule for column in columns for rule in column.rules()]
    rules += [
        Rule(f"{column.name}_missing", "false", f"`{column.name}` has a value.")
        for column in entity.stored_columns
        if column.required and column.name not in mapped
    ]
    rules += entity.rules
    return [
        Rule(rule.name, f"(({rule.condition}) is not false)", rule.meaning, rule.follows) for rule in rules
    ]


def _future(entity: Entity, columns: tuple[Column, ...], latest: str) -> list[Rule]:
    name = entity.time_column
    if name is None or name not in {column.name for column in columns}:
        return []
    holds = f"(({quote_name(name)} <= {quote_text(latest)}::timestamp) is not false)"
    return [Rule(f"{name}_in_future", holds, f"`{name}` is not ahead of the clock.")]
