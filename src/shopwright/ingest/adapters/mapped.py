"""Any CSV, JSON, Parquet or XLSX file, by column names in ``shopwright.toml``: no Python needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.contracts import BY_NAME, Entity
from shopwright.core.errors import ConfigurationError, near_match
from shopwright.ingest.adapters.mapping import (
    DATA_ENDINGS,
    EPOCH,
    ISO_8601,
    WORKBOOK_ENDING,
    Adapter,
    CsvShape,
    Field,
    FileKind,
    Mapping,
    states_whole_orders,
)
from shopwright.ingest.event_types import keep_own_names

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
    fields = {name: build_field(source, entity, name, settings) for name, settings in source.map.items()}
    columns = tuple(dict.fromkeys(column for field in fields.values() for column in field.columns))
    return Mapping(
        entity=entity,
        kind=FileKind(source.format) if source.format else _kind_of(source, file_name),
        fields=fields,
        csv=CsvShape(
            header=source.header,
            delimiter=source.delimiter or ("\t" if ".tsv" in file_name.casefold() else ","),
            columns=source.columns,
        ),
        required_columns=columns,
        timestamp_formats=source.timestamp_formats or (ISO_8601, EPOCH),
        timezone=source.timezone,
        encoding=source.encoding,
        counts_copies=_counts_copies(entity, fields),
        states_whole_orders=_states_whole_orders(source, entity, fields),
    )


def _counts_copies(entity: Entity, fields: dict[str, Field]) -> bool:
    """Return whether equal rows are numbered as copies: order lines without a number may be equal and yet be two."""
    names = {item.name for item in entity.stored_columns}
    return "copy_number" in names and not {"line_number", "copy_number"} & fields.keys()


def _states_whole_orders(source: SourceSettings, entity: Entity, fields: dict[str, Field]) -> bool:
    """Return whether a file states all lines of an order: without line numbers nothing else tells old from new."""
    if source.states and entity.whole is None:
        raise ConfigurationError(
            f"source '{source.name}': states is about parts of an order, such as order_items; its entity is {entity.name}"
        )
    has_numbers = entity.optional_key is None or entity.optional_key in fields
    return states_whole_orders(source, entity, default=not has_numbers)


def find_entity(source: SourceSettings) -> Entity:
    """Return the entity that a source names.

    Raises:
        ConfigurationError: there is no entity with this name.
    """
    if source.entity not in BY_NAME:
        hint = near_match(source.entity, BY_NAME)
        raise ConfigurationError(f"source '{source.name}': no entity '{source.entity}'{hint}")
    return BY_NAME[source.entity]


def _entity(source: SourceSettings) -> Entity:
    entity = find_entity(source)
    unmapped = [item.name for item in entity.stored_columns if item.required and item.name not in source.map]
    if unmapped:
        raise ConfigurationError(
            f"source '{source.name}': [sources.map] lacks required columns of {entity.name}: {', '.join(unmapped)}"
        )
    return entity


def build_field(source: SourceSettings, entity: Entity, name: str, settings: FieldSettings) -> Field:
    """Return the origin of a canonical column.

    Args:
        source: the source; its ``event_types`` translate values of ``event_type``.
        entity: the entity that the column belongs to.
        name: name of the column.
        settings: what ``[sources.map]`` says of it.

    Raises:
        ConfigurationError: the entity has no such column.
    """
    names = [item.name for item in entity.stored_columns]
    if name not in names:
        hint = near_match(name, names)
        raise ConfigurationError(f"source '{source.name}': {entity.name} has no column '{name}'{hint}")
    values = keep_own_names(source.event_types) if name == "event_type" else {}
    return Field(
        columns=settings.columns,
        constant=settings.value,
        sql=settings.sql,
        is_custom=settings.sql is not None,
        values=values,
    )


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
