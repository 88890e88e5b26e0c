"""Ids of persons that lost against another column's: kept in ``properties``, so that none of them is thrown away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopwright.contracts.schema import Kind
from shopwright.core.sql import quote_text
from shopwright.ingest.adapters.privacy import DROP, HASH, PROPERTIES, FieldChoices
from shopwright.ingest.ids import read_id
from shopwright.ingest.privacy import hash_text, protect_fields, with_name, without_paths
from shopwright.ingest.texts import raw_name, trim

if TYPE_CHECKING:
    from shopwright.contracts import Column
    from shopwright.ingest.adapters.mapping import Mapping
    from shopwright.ingest.texts import Reference


@dataclass(frozen=True, slots=True)
class OtherId:
    """A column of the file that may lose against another one as the id of a person."""

    name: str
    """Its key in ``properties``, where ids that lost are kept."""
    text: str
    """SQL over the file's columns."""
    column: Column
    """The column that it may lose."""
    is_hashed: bool


def find_other_ids(mapping: Mapping, reference: Reference, choices: FieldChoices) -> list[OtherId]:
    """Return the columns that may lose; one that lost is dropped or hashed as the id is, and as its own name says."""
    if not any(column.name == PROPERTIES for column in mapping.entity.stored_columns):
        return []
    others: dict[str, OtherId] = {}
    decided: dict[str, set[str | None]] = {}
    for canonical, item in mapping.fields.items():
        column = mapping.entity.column(canonical)
        for name in item.columns[1:] if column.kind is Kind.PERSON_ID else ():
            key = name.removeprefix(f"{PROPERTIES}.")
            decided[name] = decided.get(name, set()) | {
                mapping.privacy.get(canonical),
                choices.choice(key),
            }
            others[name] = OtherId(key, trim(reference(name)), column, HASH in decided[name])
    return [other for name, other in others.items() if DROP not in decided[name]]


def read_properties(mapping: Mapping, others: list[OtherId], choices: FieldChoices) -> str:
    """Return SQL of ``properties``, over its text, with nothing in it that is to be dropped or hashed."""
    raw = raw_name(mapping.entity.column(PROPERTIES))
    text = raw
    # a field within another one is mapped, and is still a part of the whole of the other
    paths = [
        name
        for canonical, item in mapping.fields.items()
        for name in item.columns
        if mapping.privacy.get(canonical) and "." in name and not name.startswith(f"{PROPERTIES}.")
    ]
    if paths and mapping.kind.is_nested:
        text = without_paths(raw, paths)
    if choices.is_needed:
        text = with_name("fields", text, protect_fields("fields", choices))
    if not others:
        return text
    return with_name("fields", text, _with_other_ids("fields", others, mapping))


def _with_other_ids(properties: str, others: list[OtherId], mapping: Mapping) -> str:
    """Return SQL of ``properties`` with the ids that lost, so that none of them is thrown away."""
    has_lost = " or ".join(
        f"_other_{index} <> {raw_name(other.column)}" for index, other in enumerate(others)
    )
    pairs = ", ".join(
        f"{quote_text(other.name)}, case when _other_{index} <> {raw_name(other.column)} "
        f"then {_lost_id(f'_other_{index}', other, mapping)} end"
        for index, other in enumerate(others)
    )
    is_object = f"case when json_valid({properties}) then json_type({properties}) = 'OBJECT' end"
    target = f"case when {is_object} then {properties} else json_merge_patch('{{}}', json_object('properties', {properties})) end"
    return f"case when {has_lost} then json_merge_patch({target}, json_object({pairs}))::varchar else {properties} end"


def _lost_id(text: str, other: OtherId, mapping: Mapping) -> str:
    return hash_text(read_id(text, other.column, nobody=mapping.nobody)) if other.is_hashed else text
