"""Types of events that are none of the contract's: kept as ``other`` with their own name, or ignored where a source says so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shopwright.contracts.events import EVENT_TYPES, OTHER
from shopwright.core.sql import quote_name, quote_text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from shopwright.contracts import Column
    from shopwright.ingest.adapters.mapping import Mapping

TYPE, NAME = "event_type", "event_name"

_IGNORED = "\x01ignored"
"""What an ignored type is translated to; no file holds it, since it is no text that anyone writes."""


def ignore_event_types(mapping: Mapping, ignored: Sequence[str]) -> Mapping:
    """Return a mapping that ignores events of these types, as the source or the contract calls them.

    Args:
        mapping: how the file is read; one of another entity stays as it is.
        ignored: the types.
    """
    field = mapping.fields.get(TYPE)
    if not ignored or field is None:
        return mapping
    values = {old: new for old, new in field.values.items() if new not in ignored}
    marked = dict.fromkeys([*ignored, *(field.values.keys() - values.keys())], _IGNORED)
    return replace(mapping, fields={**mapping.fields, TYPE: replace(field, values=values | marked)})


def keep_own_names(values: dict[str, str]) -> dict[str, str]:
    """Return translations without those to ``other``: such a type becomes it by itself, and its name is kept."""
    return {old: new for old, new in values.items() if new != OTHER or old in EVENT_TYPES}


def read_type(column: Column, raw: str) -> str:
    """Return SQL of a value that is one of the allowed ones, or stands for any other one."""
    # not "in (...)": the engine turns a longer list into a join, which is slower and loses row order
    cases = " ".join(f"when {quote_text(value)} then {quote_text(value)}" for value in column.allowed)
    return f"case when {raw} is null then null else case {raw} {cases} else {quote_text(str(column.fallback))} end end"


def read_name(raw_type: str, raw_name: str | None) -> str:
    """Return SQL of the own name of an event that is none of the contract's.

    Args:
        raw_type: SQL of the type in the file.
        raw_name: SQL of the name, where the file states one.
    """
    cases = " ".join(f"when {quote_text(value)} then null" for value in (*EVENT_TYPES, OTHER))
    own = f"case {raw_type} {cases} else {raw_type} end"
    return f"coalesce({raw_name}, {own})" if raw_name else own


def ignored_sql(mapping: Mapping, columns: Collection[str]) -> str | None:
    """Return SQL of whether a row is ignored, over the columns of its texts; None where none can be."""
    field = mapping.fields.get(TYPE)
    if field is None or TYPE not in columns or _IGNORED not in field.values.values():
        return None
    return f"coalesce({quote_name(f'_raw_{TYPE}')} = {quote_text(_IGNORED)}, false)"
