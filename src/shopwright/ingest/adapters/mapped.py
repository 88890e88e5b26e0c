"""Any CSV, JSON, Parquet or XLSX file, through column names given in ``shopwright.toml``: no Python needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.contracts import BY_NAME, Entity
from shopwright.core.errors import ConfigurationError, near_match
from shopwright.ingest.adapters.mapping import (
    DATA_ENDINGS,
    ISO_8601,
    WORKBOOK_ENDING,
    Adapter,
    CsvShape,
    Field,
    FileKind,
    Mapping,
)

if TYPE_CHECKING:
    from shopwright.settings import FieldSettings, SourceSettings

_ENDINGS = {
    ".csv": FileKind.CSV,
    ".tsv": FileKind.CSV,
    ".txt": FileKind.CSV,
    ".json": FileKind.JSON,
    ".jsonl": FileKind.JSON,
    ".ndjson": FileKind.JSON,
    ".parquet": FileKind.PARQUET,
    WORKBOOK_ENDING: FileKind.XLSX,
}


def _mapping_for(source: SourceSettings, file_name: str) -> Mapping:
    entity = _entity(source)
    fields = {name: build_field(source, entity, name, given) for name, given in source.map.items()}
    named = tuple(dict.fromkeys(column for field in fields.values() for column in field.columns))
    return Mapping(
        entity=entity,
        kind=FileKind(source.format) if source.format else _kind_of(source, file_name),
        fields=fields,
        csv=CsvShape(
            header=source.header,
            delimiter=source.delimiter or ("\t" if ".tsv" in file_name.casefold() else ","),
            columns=source.columns,
        ),
        required_columns=named,
        timestamp_formats=source.timestamp_formats or (ISO_8601,),
        timezone=source.timezone,
        encoding=source.encoding,
        counts_copies=_counts_copies(entity, fields),
    )


def _counts_copies(entity: Entity, fields: dict[str, Field]) -> bool:
    """Lines that nothing numbers may be equal and yet be two."""
    landed = {item.name for item in entity.stored_columns}
    return "copy_number" in landed and not {"line_number", "copy_number"} & fields.keys()


def find_entity(source: SourceSettings) -> Entity:
    """The entity that a source names.

    Raises:
        ConfigurationError: there is none of that name.
    """
    if source.entity not in BY_NAME:
        hint = near_match(source.entity, BY_NAME)
        raise ConfigurationError(f"source '{source.name}': no entity '{source.entity}'{hint}")
    return BY_NAME[source.entity]


def _entity(source: SourceSettings) -> Entity:
    entity = find_entity(source)
    lacking = [item.name for item in entity.stored_columns if item.required and item.name not in source.map]
    if lacking:
        raise ConfigurationError(
            f"source '{source.name}': [sources.map] does not say where {', '.join(lacking)} of "
            f"{entity.name} come from"
        )
    return entity


def build_field(source: SourceSettings, entity: Entity, name: str, given: FieldSettings) -> Field:
    """Where a canonical column comes from, as a source's settings say.

    Raises:
        ConfigurationError: the entity has no such column.
    """
    landed = [item.name for item in entity.stored_columns]
    if name not in landed:
        hint = near_match(name, landed)
        raise ConfigurationError(f"source '{source.name}': {entity.name} has no column '{name}'{hint}")
    values = source.event_types if name == "event_type" else {}
    return Field(columns=given.columns, constant=given.value, sql=given.sql, values=values)


def _kind_of(source: SourceSettings, file_name: str) -> FileKind:
    name = file_name.casefold()
    for ending, kind in _ENDINGS.items():
        if name.endswith(ending):
            return kind
    raise ConfigurationError(
        f"source '{source.name}': cannot tell the format of {file_name}; "
        'set format = "csv", "json" or "parquet"'
    )


MAPPED = Adapter(
    "mapped",
    "any CSV, JSON, Parquet or XLSX, by column names in shopwright.toml",
    _mapping_for,
    endings=(*DATA_ENDINGS, WORKBOOK_ENDING),
)
