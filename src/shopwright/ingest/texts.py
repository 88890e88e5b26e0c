"""SQL of the text of each column that a file fills."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.contracts.schema import Kind
from shopwright.core.sql import quote_name, quote_text
from shopwright.ingest.adapters.privacy import PROPERTIES, field_choices
from shopwright.ingest.amounts import settled_names
from shopwright.ingest.ids import is_nobody

if TYPE_CHECKING:
    from collections.abc import Callable

    from shopwright.contracts import Column
    from shopwright.ingest.adapters.mapping import Field, Mapping

    Reference = Callable[[str], str]
    """SQL text of a file's column, by its name; null where the column is empty."""


def read_texts(mapping: Mapping, reference: Reference, properties: str | None) -> dict[str, str]:
    """Return SQL of the text of each column that the file, or a rule about amounts, fills, and that is stored."""
    entity = mapping.entity
    texts = {
        name: _text(
            item,
            reference,
            trim if mapping.trims else _trim_blank if entity.needs_text(entity.column(name)) else str,
            passes_over=_names_nobody(entity.column(name), mapping),
        )
        for name, item in mapping.stored_fields.items()
    }
    if field_choices(mapping.privacy).drops_all:
        texts.pop(PROPERTIES, None)
    elif properties is not None and any(column.name == PROPERTIES for column in entity.stored_columns):
        texts.setdefault(PROPERTIES, properties)
    for name in settled_names(entity, texts):
        texts.setdefault(name, "null::varchar")
    return texts


def _text(
    field: Field,
    reference: Reference,
    clean: Callable[[str], str],
    *,
    passes_over: Callable[[str], str] | None,
) -> str:
    """Return SQL of a field's text: the first of its columns that has a value, and one that names somebody where one does."""
    if field.constant is not None:
        return quote_text(field.constant)
    candidates = (
        [clean(f"({guarded_expression(field)}.value)" if field.is_custom else f"({field.sql})::varchar")]
        if field.sql
        else [clean(reference(name)) for name in field.columns]
    )
    if passes_over and len(candidates) > 1:
        named = [f"case when {passes_over(text)} then null else {text} end" for text in candidates]
        candidates = [*named, *candidates]  # where all of them name nobody, that is noted
    value = candidates[0] if len(candidates) == 1 else f"coalesce({', '.join(candidates)})"
    if not field.values:
        return value
    cases = " ".join(f"when {quote_text(old)} then {quote_text(new)}" for old, new in field.values.items())
    return f"case {value} {cases} else {value} end"


def _names_nobody(column: Column, mapping: Mapping) -> Callable[[str], str] | None:
    if column.kind is not Kind.PERSON_ID:
        return None
    return lambda text: is_nobody(text, column, mapping.nobody)


def raw_name(column: Column) -> str:
    """Return the quoted name of the text of a column."""
    return quote_name(f"_raw_{column.name}")


def failed_name(name: str) -> str:
    """Return the quoted name of whether the shop's own expression of a column failed."""
    return quote_name(f"_failed_{name}")


def guarded_expression(field: Field) -> str:
    """Return SQL of a structure with the value of a shop's own expression; null, not an error, where that fails."""
    return f"try(struct_pack(value := ({field.sql}\n)::varchar))"


def trim(text: str) -> str:
    """Return SQL of a text without blanks around it; null where nothing is left."""
    return f"nullif(trim({text}), '')"


def _trim_blank(text: str) -> str:
    """Return SQL that trims only what begins with a blank."""
    # a comparison costs a tenth of a trim, and few values begin with a blank
    return f"case when {text} < '!' then {trim(text)} else {text} end"
