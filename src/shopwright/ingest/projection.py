"""SQL that turns a file's text into typed canonical columns and flags the rules that each row breaks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shopwright.contracts.schema import Kind
from shopwright.core.sql import quote_name
from shopwright.ingest.adapters.privacy import PROPERTIES, field_choices
from shopwright.ingest.amounts import settle
from shopwright.ingest.event_types import ignored_sql
from shopwright.ingest.ids import is_exponent
from shopwright.ingest.notes import NOBODY, ROUNDED_IDS, UNSET_TIMES
from shopwright.ingest.other_ids import find_other_ids, read_properties
from shopwright.ingest.privacy import hash_text
from shopwright.ingest.row_rules import FAILED, broken_bits, row_rules
from shopwright.ingest.texts import failed_name, guarded_expression, raw_name, read_texts
from shopwright.ingest.times import is_unset
from shopwright.ingest.values import fill_values, limit_column, read_full_price, read_value
from shopwright.tombstones import row_condition

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Mapping as MappingABC

    from shopwright.contracts import Column, Entity, Rule
    from shopwright.ingest.adapters.mapping import Mapping
    from shopwright.ingest.other_ids import OtherId
    from shopwright.ingest.texts import Reference


@dataclass(frozen=True, slots=True)
class Projection:
    """Compiled form of one mapping over one file's columns."""

    columns: tuple[Column, ...]
    """Canonical columns that the file fills; all others are null."""
    texts: str
    """Text of each mapped canonical column, ``_raw_`` and its name, as SQL over the file's columns."""
    typed: str
    """Canonical columns, as SQL over their texts."""
    bits: str
    """``_broken``, with a bit per rule in ``rules``, 0 for a good row and ``IGNORED`` or ``ERASED`` for one to be left out,
    and ``_notes``, over the canonical columns and texts."""
    rules: tuple[str, ...]
    meanings: tuple[str, ...]
    """Description of each rule."""
    structural: int
    """Number of rules, the first ones, that are about the form of the record."""
    follows: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Columns whose own faults explain a rule's, by rule."""
    notes: tuple[tuple[str, str], ...] = ()
    """What is noted of values, by kind and column; the bits of ``_notes`` say of which row, where there are any."""
    hashed: frozenset[str] = frozenset()
    """Columns that are hashed when a row is complete."""
    counts_copies: bool = False
    """Whether equal rows are numbered as copies (``copy_number``) instead of dropped as duplicates."""
    states_whole_orders: bool = False
    """Whether the file states all rows of each order that it names."""

    def rows(self, source: str, extra: str = "") -> str:
        """Return SQL of the typed rows of a file, with the bits of what is wrong with them and to be noted of them.

        Args:
            source: SQL of the file's columns.
            extra: further columns of it that are passed on, each after a comma.
        """
        # Each step is a query of its own: the optimizer compares all expressions of one with one another, and names that
        # stand for expressions would be replaced by them.
        names = ", ".join(self._written(column.name) for column in self.columns)
        texts = f"select {self.texts}{extra} from {source}"
        return f"select {names}, {self.bits}{extra} from (select *, {self.typed} from ({texts}))"

    def _written(self, name: str) -> str:
        """Return SQL of a column as it is stored; rules and notes are about what is not hashed yet."""
        quoted = quote_name(name)
        return f"{hash_text(quoted)} as {quoted}" if name in self.hashed else quoted

    @property
    def written_names(self) -> str:
        """The columns that are written of a good row, as SQL."""
        names = [quote_name(column.name) for column in self.columns]
        return ", ".join([*names, "_notes"] if self.notes else names)

    def broken_rules(self, bits: int) -> list[str]:
        """Return the names of the rules whose bits are set, without those that follow from others.

        A record of the wrong form has no other faults, and an unreadable value is not reported as missing too.
        """
        names = [rule for bit, rule in enumerate(self.rules) if bits >> bit & 1]
        malformed = [name for name in names if name in self.rules[: self.structural]]
        if malformed:
            return malformed
        failed = {name.removesuffix(FAILED) for name in names if name.endswith(FAILED)}
        unreadable = {name.removesuffix("_unreadable") for name in names if name.endswith("_unreadable")}
        faulty = unreadable | {
            name.removesuffix(ending)
            for name in names
            for ending in ("_missing", "_out_of_range")
            if name.endswith(ending)
        }
        return [
            name
            for name in names
            if name.removesuffix("_missing") not in failed | unreadable
            and not any(column in failed | faulty for column in self.follows.get(name, ()))
        ]


def compile_projection(
    mapping: Mapping,
    reference: Reference,
    *,
    latest: str,
    properties: str | None = None,
    structural: tuple[Rule, ...] = (),
) -> Projection:
    """Compile a mapping for a file.

    Args:
        mapping: which columns become which.
        reference: returns the SQL of a column of the file.
        latest: timestamp literal (UTC) beyond which a row's time is in the future.
        properties: SQL of the ``properties`` object, of columns that the mapping does not name.
        structural: rules about the form of the file's records, checked before the contract's.
    """
    entity = mapping.entity
    choices = field_choices(mapping.privacy)
    others = find_other_ids(mapping, reference, choices)
    texts = read_texts(mapping, reference, properties if not others else properties or "null::varchar")
    filled = fill_values(mapping, texts)
    columns = tuple(
        limit_column(column, mapping, texts)
        for column in entity.stored_columns
        if column.name in {*texts, *filled}
    )
    written = tuple(column for column in columns if column.name in texts)
    stated = {column.name: filled.get(column.name) or read_value(column, mapping) for column in columns}
    if PROPERTIES in texts:
        stated[PROPERTIES] = read_properties(mapping, others, choices)
    notes = _notes(written, texts, mapping)
    rules = [*structural, *row_rules(entity, columns, mapping, texts, stated=stated, latest=latest)]
    settled = settle(
        entity, stated, full_price=read_full_price(columns, mapping), keeps_signs=mapping.keeps_signs
    )
    typed = [f"{sql} as {quote_name(name)}" for name, sql in settled.items()]
    return Projection(
        columns=columns,
        texts=", ".join(
            [*_texts(written, texts, others, notes), *_failures(columns, mapping), *_absent(entity, columns)]
        ),
        typed=", ".join(typed),
        bits=", ".join(
            [
                *_note_bits(notes),
                broken_bits(rules, ignored_sql(mapping, texts), _erased_sql(mapping, columns)),
            ]
        ),
        rules=tuple(rule.name for rule in rules),
        meanings=tuple(rule.meaning for rule in rules),
        structural=len(structural),
        follows={rule.name: rule.follows for rule in rules if rule.follows},
        notes=tuple((note.kind, note.column) for note in notes),
        hashed=mapping.hashed_columns & {column.name for column in columns},
        counts_copies=mapping.counts_copies,
        states_whole_orders=mapping.states_whole_orders,
    )


def _texts(
    written: tuple[Column, ...], texts: MappingABC[str, str], others: list[OtherId], notes: list[_Note]
) -> Iterator[str]:
    """Yield the SQL of the texts of a record: of columns, of ids that lost, and of what is noted before values are typed."""
    yield from (f"{texts[column.name]} as {raw_name(column)}" for column in written)
    yield from (f"{other.text} as _other_{index}" for index, other in enumerate(others))
    yield from (f"{note.condition} as _noted_{bit}" for bit, note in enumerate(notes) if not note.is_typed)


def _erased_sql(mapping: Mapping, columns: tuple[Column, ...]) -> str | None:
    """Return SQL of whether a row is about an erased person, who may be known by the hash that is stored of an id."""
    scope = mapping.shop.erasures
    if scope is None:
        return None
    filled = [column.name for column in columns]
    condition = row_condition(mapping.entity, filled, scope)
    hashed = mapping.hashed_columns & set(filled)
    if not hashed or condition is None:
        return condition
    stored = row_condition(
        mapping.entity,
        filled,
        scope,
        value=lambda name: hash_text(quote_name(name)) if name in hashed else quote_name(name),
    )
    return f"({condition} or {stored})"


@dataclass(frozen=True, slots=True)
class _Note:
    """A change of a value that the ledger counts."""

    kind: str
    column: str
    condition: str
    """SQL over the file's columns, or over the typed ones beside their texts."""
    is_typed: bool = False


def _notes(columns: tuple[Column, ...], texts: MappingABC[str, str], mapping: Mapping) -> list[_Note]:
    notes = []
    for column in columns:
        raw, name = raw_name(column), quote_name(column.name)
        if column.kind is Kind.TIMESTAMP and not column.required:
            notes.append(_Note(UNSET_TIMES, column.name, f"({is_unset(texts[column.name])})"))
        elif column.kind.is_id and mapping.fields[column.name].constant is None:
            if not column.required:
                nobody = f"({raw} is not null and {name} is null)"
                notes.append(_Note(NOBODY, column.name, nobody, is_typed=True))
            notes.append(
                _Note(ROUNDED_IDS, column.name, f"({raw} <> {name} and {is_exponent(raw)})", is_typed=True)
            )
    return notes


def _note_bits(notes: list[_Note]) -> list[str]:
    bits = " | ".join(
        f"(case when {note.condition if note.is_typed else f'_noted_{bit}'} then {1 << bit} else 0 end)"
        for bit, note in enumerate(notes)
    )
    return [f"({bits})::bigint as _notes"] if notes else []


def _failures(columns: tuple[Column, ...], mapping: Mapping) -> list[str]:
    """Return whether the shop's own expressions of these columns fail."""
    names = [column.name for column in columns if column.name in mapping.custom_expressions]
    return [f"({guarded_expression(mapping.fields[name])} is null) as {failed_name(name)}" for name in names]


def _absent(entity: Entity, columns: tuple[Column, ...]) -> list[str]:
    """Return nulls for columns that the file does not fill and that a rule of the entity refers to."""
    mapped = {column.name for column in columns}
    return [
        f"null::{column.kind.sql_type} as {quote_name(column.name)}"
        for column in entity.stored_columns
        if column.name not in mapped and any(column.name in rule.condition for rule in entity.rules)
    ]
