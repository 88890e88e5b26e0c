"""A table or query of a Postgres server; columns with canonical names need no mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.ingest.adapters.mapped import build_field, find_entity
from shopwright.ingest.adapters.mapping import Adapter, CsvShape, FileKind, Mapping
from shopwright.settings import FieldSettings

if TYPE_CHECKING:
    from shopwright.settings import SourceSettings

NULL = r"\NULL"
"""How a null is written. A text with this value is quoted, so it stays a text, and an empty text stays empty."""


def _mapping_for(source: SourceSettings, _: str) -> Mapping:
    entity = find_entity(source)
    by_name = {
        column.name: FieldSettings(column=column.name)
        for column in entity.stored_columns
        if column.name not in source.map
    }
    fields = {
        name: build_field(source, entity, name, settings) for name, settings in (by_name | source.map).items()
    }
    required = tuple(name for name in by_name if entity.column(name).required)
    mapped = tuple(column for name in source.map for column in fields[name].columns)
    return Mapping(
        entity=entity,
        kind=FileKind.CSV,
        fields=fields,
        csv=CsvShape(null=NULL),
        required_columns=tuple(dict.fromkeys((*mapped, *required))),
        optional=frozenset(by_name),
        timezone=source.timezone,
    )


POSTGRES = Adapter("postgres", "a table or query of a Postgres server", _mapping_for)
