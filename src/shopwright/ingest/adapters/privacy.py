"""Checks of what a source drops or hashes, by canonical column and by field that no mapping names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shopwright.contracts.schema import Kind
from shopwright.core.errors import ConfigurationError, near_match

if TYPE_CHECKING:
    from collections.abc import Mapping as MappingABC
    from collections.abc import Sequence

    from shopwright.contracts import Column, Entity
    from shopwright.settings import SourceSettings

DROP, HASH, KEEP = "drop", "hash", "keep"
PROPERTIES = "properties"
"""Name of everything that no mapping names; with a dot and a name behind it, of one such field."""
_FIELD = f"{PROPERTIES}."


@dataclass(frozen=True, slots=True)
class FieldChoices:
    """What happens to the fields of one object."""

    other: str = KEEP
    """Of those that are not named."""
    by_name: MappingABC[str, str] = field(default_factory=dict)

    def named(self, *choices: str) -> list[str]:
        """Return the names of fields with one of these choices."""
        return [name for name, choice in self.by_name.items() if choice in choices]

    def choice(self, name: str) -> str:
        """Return what happens to a field."""
        return self.by_name.get(name, self.other)

    @property
    def is_needed(self) -> bool:
        """Whether anything is dropped or hashed."""
        return self.other != KEEP or bool(self.named(DROP, HASH))

    @property
    def drops_all(self) -> bool:
        """Whether no field stays."""
        return self.other == DROP and not self.named(KEEP, HASH)

    @property
    def hashes(self) -> bool:
        """Whether any field is hashed."""
        return self.other == HASH or bool(self.named(HASH))


def field_choices(privacy: MappingABC[str, str]) -> FieldChoices:
    """Return what happens to the fields that no mapping names."""
    by_name = {name.removeprefix(_FIELD): item for name, item in privacy.items() if name.startswith(_FIELD)}
    return FieldChoices(privacy.get(PROPERTIES, KEEP), by_name)


def check_privacy(source: SourceSettings, entities: Sequence[Entity]) -> None:
    """Check a source's `[sources.privacy]`.

    Args:
        source: the source.
        entities: those that its files can become.

    Raises:
        ConfigurationError: it names no column, drops one that rows need, or hashes one that is no free text.
    """
    columns = [column for entity in entities for column in entity.stored_columns]
    names = list(dict.fromkeys([*(column.name for column in columns), PROPERTIES]))
    for name, choice in source.privacy.items():
        if name.startswith(_FIELD):
            _check_field(source, name, columns)
        elif name not in names:
            what = entities[0].name if len(entities) == 1 else f"adapter {source.adapter}"
            hint = near_match(name, names) or f"; a field that no mapping names is {_FIELD}{name}"
            raise ConfigurationError(
                f"source '{source.name}': privacy names '{name}', which is no column of {what}{hint}"
            )
        elif choice == DROP:
            _check_dropped(source, name, entities)
        elif choice == HASH:
            _check_hashed(source, name, columns)
    _check_expressions(source)


def _check_field(source: SourceSettings, name: str, columns: Sequence[Column]) -> None:
    """Refuse the name of a field that is mapped: it would be believed to be dropped."""
    # of several columns for a person, those that lose against the first are kept in properties
    people = {column.name for column in columns if column.kind is Kind.PERSON_ID}
    mapped = {
        column: canonical
        for canonical, item in source.map.items()
        for column in (item.columns[:1] if canonical in people else item.columns)
    }
    column = name.removeprefix(_FIELD)
    canonical = mapped.get(column) or mapped.get(name)
    if canonical is not None:
        raise ConfigurationError(
            f"source '{source.name}': privacy names '{name}', but {column} is mapped; name {canonical} instead"
        )


def _check_dropped(source: SourceSettings, name: str, entities: Sequence[Entity]) -> None:
    for entity in entities:
        if name in (*entity.stored_key, *(item.name for item in entity.stored_columns if item.required)):
            raise ConfigurationError(
                f"source '{source.name}': privacy drops '{name}', without which there is no row of "
                f"{entity.name}; a text can be hashed"
            )
        dropped = [item for item in entity.identifying if source.privacy.get(item) == DROP]
        mapped = [item for item in entity.identifying if not source.map or item in source.map]
        if name in dropped and not set(mapped) - set(dropped):
            raise ConfigurationError(
                f"source '{source.name}': privacy drops '{name}', and a row of {entity.name} needs one of "
                f"{', '.join(entity.identifying)}; hash it"
            )


def _check_hashed(source: SourceSettings, name: str, columns: Sequence[Column]) -> None:
    for column in columns:
        if column.name == name and not _is_hashable(column):
            what = "has fixed values" if column.kind.is_text else f"is no text but a {column.kind}"
            raise ConfigurationError(
                f"source '{source.name}': privacy hashes '{name}', which {what}; drop it or keep it"
            )


def _is_hashable(column: Column) -> bool:
    return column.kind.is_text and column.kind is not Kind.CURRENCY and not column.allowed


def _check_expressions(source: SourceSettings) -> None:
    """Ask what becomes of the fields that an expression reads, since nobody can tell which they are."""
    protected = {name for name, choice in source.privacy.items() if choice != KEEP}
    computed = [name for name, item in source.map.items() if item.sql and name in protected]
    if computed and not any(name.split(".")[0] == PROPERTIES for name in source.privacy):
        raise ConfigurationError(
            f"source '{source.name}': '{computed[0]}' is computed by sql, so what it reads is stored in properties too; "
            f"say in [sources.privacy] what happens to {PROPERTIES}, or to {_FIELD}NAME for each such field"
        )


def select_privacy(source: SourceSettings, entity: Entity) -> dict[str, str]:
    """Return what a source drops and hashes of an entity; what is kept anyway is left out."""
    stored = {column.name for column in entity.stored_columns}
    if PROPERTIES not in stored:
        return {name: item for name, item in source.privacy.items() if name in stored and item != KEEP}
    other = source.privacy.get(PROPERTIES, KEEP)
    return {
        name: item
        for name, item in source.privacy.items()
        if (name.startswith(_FIELD) and item != other) or (name in stored and item != KEEP)
    }


def describe_privacy(source: SourceSettings) -> str | None:
    """Return one line about what a source drops and hashes; None where it keeps everything."""
    lists = [
        (done, [name for name, item in source.privacy.items() if item == choice])
        for choice, done in ((DROP, "dropped"), (HASH, "hashed"))
    ]
    parts = [f"{', '.join(names)} {done}" for done, names in lists if names]
    if not parts:
        return None
    return f"source {source.name}: {'; '.join(parts)}; quarantined records are stored as they came"
