"""SQL that turns a file's text into typed canonical columns and flags the rules that each row breaks."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from shopwright.contracts import Column, Entity, Rule
from shopwright.contracts.sales import IS_DAY
from shopwright.contracts.schema import Kind
from shopwright.core.currencies import MAGNITUDES, magnitude
from shopwright.core.sql import quote_name, quote_text
from shopwright.ingest.adapters.privacy import DROP, HASH, PROPERTIES, FieldChoices, field_choices
from shopwright.ingest.amounts import settle, settled_names
from shopwright.ingest.event_types import NAME, TYPE, ignored_sql, read_name, read_type
from shopwright.ingest.ids import is_exponent, is_nobody, read_id
from shopwright.ingest.notes import NOBODY, ROUNDED_IDS, UNSET_TIMES
from shopwright.ingest.number_signs import read_number
from shopwright.ingest.privacy import hash_text, protect_fields, with_name, without_paths
from shopwright.ingest.times import is_unset, read_is_day, read_timestamp

if TYPE_CHECKING:
    from shopwright.ingest.adapters.mapping import Field, Mapping

_FAILED = "_sql_failed"
"""End of the names of rules about a shop's own expressions."""

IGNORED = -1
"""``_broken`` of a row that is neither loaded nor quarantined."""

Reference = Callable[[str], str]
"""SQL text of a file's column, by its name; null where the column is empty."""


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
    """``_broken``, with a bit per rule in ``rules``, 0 for a good row and ``IGNORED`` for one to be ignored, and ``_notes``,
    over the canonical columns and texts."""
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
        failed = {name.removesuffix(_FAILED) for name in names if name.endswith(_FAILED)}
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
    others = _other_ids(mapping, reference, choices)
    texts = _texts(mapping, reference, properties if not others else properties or "null::varchar")
    filled = _filled(mapping, texts)
    columns = tuple(
        _limited(column, mapping, texts)
        for column in entity.stored_columns
        if column.name in {*texts, *filled}
    )
    written = tuple(column for column in columns if column.name in texts)
    custom = [column.name for column in columns if column.name in mapping.custom_expressions]
    stated = {column.name: filled.get(column.name) or _typed(column, mapping) for column in columns}
    if PROPERTIES in texts:
        stated[PROPERTIES] = _properties(mapping, others, choices)
    notes = _notes(written, texts, mapping)
    rules = [
        *structural,
        *_failed_expressions(custom),
        *_unreadable(written, stated),
        *_contract(entity, columns),
        *_future(entity, columns, latest),
    ]
    settled = settle(
        entity, stated, full_price=_full_price(columns, mapping), keeps_signs=mapping.keeps_signs
    )
    typed = [f"{sql} as {quote_name(name)}" for name, sql in settled.items()]
    return Projection(
        columns=columns,
        texts=", ".join(
            [
                *(f"{texts[column.name]} as {_raw(column)}" for column in written),
                *(f"{other.text} as _other_{index}" for index, other in enumerate(others)),
                *(f"{note.condition} as _noted_{bit}" for bit, note in enumerate(notes) if not note.is_typed),
                *(f"({_guarded(mapping.fields[name])} is null) as {_failed(name)}" for name in custom),
                *_absent(entity, columns),
            ]
        ),
        typed=", ".join(typed),
        bits=", ".join([*_note_bits(notes), _broken_bits(rules, ignored_sql(mapping, texts))]),
        rules=tuple(rule.name for rule in rules),
        meanings=tuple(rule.meaning for rule in rules),
        structural=len(structural),
        follows={rule.name: rule.follows for rule in rules if rule.follows},
        notes=tuple((note.kind, note.column) for note in notes),
        hashed=mapping.hashed_columns & {column.name for column in columns},
        counts_copies=mapping.counts_copies,
        states_whole_orders=mapping.states_whole_orders,
    )


def _texts(mapping: Mapping, reference: Reference, properties: str | None) -> dict[str, str]:
    """Return SQL of the text of each column that the file, or a rule about amounts, fills, and that is stored."""
    entity = mapping.entity
    texts = {
        name: _text(
            item,
            reference,
            _trim if mapping.trims else _trim_blank if entity.needs_text(entity.column(name)) else str,
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


def _broken_bits(rules: list[Rule], ignored: str | None) -> str:
    """Return SQL of the column that says which rules a row breaks, or that it is ignored."""
    bits = " | ".join(
        f"(case when {rule.condition} then 0 else {1 << bit} end)" for bit, rule in enumerate(rules)
    )
    if ignored is not None:
        bits = f"case when {ignored} then {IGNORED} else ({bits}) end"
    return f"({bits})::{'bigint' if len(rules) < 63 else 'hugeint'} as _broken"


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
        raw, name = _raw(column), quote_name(column.name)
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


def _filled(mapping: Mapping, texts: MappingABC[str, str]) -> dict[str, str]:
    """Return SQL of columns that follow from how they or another one is written."""
    names = {column.name for column in mapping.entity.stored_columns}
    days = {
        f"{column.name}{IS_DAY}": read_is_day(_raw(column), mapping)
        for column in mapping.entity.stored_columns
        if column.name in texts and f"{column.name}{IS_DAY}" in names - texts.keys()
    }
    # null, not false, for a moment: rows of files read before such columns were known stay the same
    filled = {name: f"nullif({sql}, false)" for name, sql in days.items() if sql is not None}
    if NAME in names and TYPE in texts:
        event_type = mapping.entity.column(TYPE)
        stated = _raw(mapping.entity.column(NAME)) if NAME in texts else None
        filled[TYPE] = read_type(event_type, _raw(event_type))
        filled[NAME] = read_name(_raw(event_type), stated)
    return {name: sql for name, sql in filled.items() if mapping.privacy.get(name) != DROP}


def _limited(column: Column, mapping: Mapping, texts: MappingABC[str, str]) -> Column:
    """Return a column with the limits of the shop's settings; those of amounts follow the row's currency, or else the shop's."""
    if column.kind is Kind.TIMESTAMP and column.minimum is not None:
        return replace(column, minimum=mapping.shop.earliest, maximum=mapping.shop.latest)
    if column.kind not in (Kind.MONEY, Kind.PRICE) or column.unit != "`currency`":
        return column
    own = str(magnitude(mapping.currency))
    if "currency" not in texts:
        return replace(column, scale=own)
    cases = " ".join(
        f"when regexp_full_match(currency, '{names.replace(' ', '|')}') then {size}"
        for size, names in MAGNITUDES.items()
    )
    return replace(column, scale=f"case when currency is null then {own} {cases} else 1 end")


def _raw(column: Column) -> str:
    return quote_name(f"_raw_{column.name}")


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
        [clean(f"({_guarded(field)}.value)" if field.is_custom else f"({field.sql})::varchar")]
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


@dataclass(frozen=True, slots=True)
class _OtherId:
    """A column of the file that may lose against another one as the id of a person."""

    name: str
    """Its key in ``properties``, where ids that lost are kept."""
    text: str
    """SQL over the file's columns."""
    column: Column
    """The column that it may lose."""
    is_hashed: bool


def _other_ids(mapping: Mapping, reference: Reference, choices: FieldChoices) -> list[_OtherId]:
    """Return the columns that may lose; one that lost is dropped or hashed as the id is, and as its own name says."""
    if not any(column.name == PROPERTIES for column in mapping.entity.stored_columns):
        return []
    others: dict[str, _OtherId] = {}
    decided: dict[str, set[str | None]] = {}
    for canonical, item in mapping.fields.items():
        column = mapping.entity.column(canonical)
        for name in item.columns[1:] if column.kind is Kind.PERSON_ID else ():
            key = name.removeprefix(f"{PROPERTIES}.")
            decided[name] = decided.get(name, set()) | {
                mapping.privacy.get(canonical),
                choices.choice(key),
            }
            others[name] = _OtherId(key, _trim(reference(name)), column, HASH in decided[name])
    return [other for name, other in others.items() if DROP not in decided[name]]


def _properties(mapping: Mapping, others: list[_OtherId], choices: FieldChoices) -> str:
    """Return SQL of ``properties``, over its text, with nothing in it that is to be dropped or hashed."""
    raw = _raw(mapping.entity.column(PROPERTIES))
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


def _with_other_ids(properties: str, others: list[_OtherId], mapping: Mapping) -> str:
    """Return SQL of ``properties`` with the ids that lost, so that none of them is thrown away."""
    has_lost = " or ".join(f"_other_{index} <> {_raw(other.column)}" for index, other in enumerate(others))
    pairs = ", ".join(
        f"{quote_text(other.name)}, case when _other_{index} <> {_raw(other.column)} "
        f"then {_lost_id(f'_other_{index}', other, mapping)} end"
        for index, other in enumerate(others)
    )
    is_object = f"case when json_valid({properties}) then json_type({properties}) = 'OBJECT' end"
    target = f"case when {is_object} then {properties} else json_merge_patch('{{}}', json_object('properties', {properties})) end"
    return f"case when {has_lost} then json_merge_patch({target}, json_object({pairs}))::varchar else {properties} end"


def _lost_id(text: str, other: _OtherId, mapping: Mapping) -> str:
    return hash_text(read_id(text, other.column, nobody=mapping.nobody)) if other.is_hashed else text


def _guarded(field: Field) -> str:
    """Return SQL of a structure with the value of a shop's own expression; null, not an error, where that fails."""
    return f"try(struct_pack(value := ({field.sql}\n)::varchar))"


def _failed(name: str) -> str:
    return quote_name(f"_failed_{name}")


def _failed_expressions(names: list[str]) -> list[Rule]:
    return [
        Rule(f"{name}{_FAILED}", f"(not {_failed(name)})", f"The expression of `{name}` can be evaluated.")
        for name in names
    ]


def _trim(text: str) -> str:
    return f"nullif(trim({text}), '')"


def _trim_blank(text: str) -> str:
    """Return SQL that trims only what begins with a blank."""
    # a comparison costs a tenth of a trim, and few values begin with a blank
    return f"case when {text} < '!' then {_trim(text)} else {text} end"


def _typed(column: Column, mapping: Mapping) -> str:
    raw = _raw(column)
    match column.kind:
        case Kind.TIMESTAMP:
            time = read_timestamp(raw, mapping)
            return time if column.required else f"case when {is_unset(raw)} then null else {time} end"
        case Kind.MONEY | Kind.PRICE | Kind.QUANTITY:
            number = read_number(raw, mapping.numbers)
            return f"case when {_is_number(raw)} then try_cast({number} as {column.kind.sql_type}) end"
        case Kind.INTEGER:
            number = read_number(raw, mapping.numbers)
            number = f"case when {_is_number(raw)} then try_cast({number} as decimal(38,6)) end"
            return f"case when ({number}) = trunc({number}) then try_cast({number} as bigint) end"
        case Kind.ID | Kind.PERSON_ID | Kind.ORDER_ID:
            return read_id(raw, column, nobody=mapping.nobody, namespace=mapping.namespace)
        case Kind.NUMBER | Kind.BOOLEAN:
            return f"case when {_is_number(raw)} then try_cast({raw} as {column.kind.sql_type}) end"
    return f"upper(trim({raw}))" if column.kind is Kind.CURRENCY else raw


def _full_price(columns: tuple[Column, ...], mapping: Mapping) -> str:
    """Return SQL of the price of an event with all its decimals; null without one."""
    prices = [column for column in columns if column.name == "price"]
    return _typed(replace(prices[0], kind=Kind.PRICE), mapping) if prices else "null"


def _is_number(raw: str) -> str:
    """Return SQL that excludes ``1_000`` and ``0x10``: the engine reads them as numbers, but an export with them is broken."""
    return f"not (contains({raw}, '_') or contains({raw}, 'x'))"


def _unreadable(columns: tuple[Column, ...], stated: dict[str, str]) -> list[Rule]:
    """Return the rules on values that cannot be read as their type; a value that was filled in does not count."""
    typed = [column for column in columns if not column.kind.is_text]
    return [
        Rule(
            f"{column.name}_unreadable",
            f"({_read(column, stated)} is not null or {_raw(column)} is null{_or_unset(column)})",
            f"`{column.name}` can be read as {column.kind}.",
        )
        for column in typed
    ]


def _or_unset(column: Column) -> str:
    return f" or {is_unset(_raw(column))}" if column.kind is Kind.TIMESTAMP and not column.required else ""


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


def _absent(entity: Entity, columns: tuple[Column, ...]) -> list[str]:
    """Return nulls for columns that the file does not fill and that a rule of the entity refers to."""
    mapped = {column.name for column in columns}
    return [
        f"null::{column.kind.sql_type} as {quote_name(column.name)}"
        for column in entity.stored_columns
        if column.name not in mapped and any(column.name in rule.condition for rule in entity.rules)
    ]


def _future(entity: Entity, columns: tuple[Column, ...], latest: str) -> list[Rule]:
    name = entity.time_column
    if name is None or name not in {column.name for column in columns}:
        return []
    holds = f"(({quote_name(name)} <= {quote_text(latest)}::timestamp) is not false)"
    return [Rule(f"{name}_in_future", holds, f"`{name}` is not ahead of the clock.")]
