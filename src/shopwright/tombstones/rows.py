"""SQL that tells whether a row is about an erased person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopwright.contracts.schema import Kind
from shopwright.core.sql import quote_name
from shopwright.tombstones.book import DEVICE_TIME, HASH_DIGITS, ORDER, PERSON
from shopwright.tombstones.texts import EMAIL

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from shopwright.contracts import Column, Entity
    from shopwright.core.engine import Connection
    from shopwright.tombstones.book import Tombstones

_KEY, _BITS, _SIZE, _HASHES = "erasure_key", "erasure_bits", "erasure_size", "erasure_hashes"
"""The engine's variables: a message that repeats SQL shows their names, never a value."""

_BITS_PER_HASH = 4096
_MIN_BITS, _MAX_BITS = 1 << 16, 1 << 28


@dataclass(frozen=True, slots=True)
class RowScope:
    """What a condition has to look at."""

    has_emails: bool = False
    has_moments: bool = False


def scope_of(tombstones: Tombstones) -> RowScope | None:
    """Return what is to be looked at; None where nobody was erased."""
    erasures = tombstones.erasures
    if not erasures:
        return None
    return RowScope(
        any(erasure.has_emails for erasure in erasures), any(erasure.has_moments for erasure in erasures)
    )


def declare(connection: Connection, tombstones: Tombstones) -> None:
    """Give the engine what conditions compare with."""
    hashes = sorted(tombstones.hashes)
    size = min(max(_MIN_BITS, _BITS_PER_HASH * len(hashes)), _MAX_BITS)
    connection.execute(f"set variable {_KEY} = $key", {"key": tombstones.key})
    connection.execute(f"set variable {_HASHES} = $hashes::varchar[]", {"hashes": hashes})
    connection.execute(f"set variable {_SIZE} = {size}::ubigint")
    # one bit looked up spares most rows a search of the list, however many people were erased
    connection.execute(
        f"set variable {_BITS} = (select bitstring_agg(bit, 0, {size - 1}) from "
        f"(select distinct (hash(item) % {size})::bigint as bit from unnest(getvariable('{_HASHES}')) as t(item)))"
    )


def is_erased(value: str, kind: str = PERSON) -> str:
    """Return SQL of whether a value has a tombstone; false for null.

    Args:
        value: SQL of a text.
        kind: ``PERSON``, ``ORDER`` or ``DEVICE_TIME``.
    """
    digest = f"left(sha256(getvariable('{_KEY}') || '{kind}:' || {value}), {HASH_DIGITS})"
    bit = f"get_bit(getvariable('{_BITS}'), (hash({digest}) % getvariable('{_SIZE}'))::integer)"
    return (
        f"coalesce(case when ({value}) is null then false when {bit} = 1 "
        f"then list_contains(getvariable('{_HASHES}'), {digest}) else false end, false)"
    )


def has_erased_email(text: str) -> str:
    """Return SQL of whether a free text has the e-mail address of an erased person."""
    decoded = f"replace(lower({text}), '%40', '@')"
    return (
        f"(case when contains({text}, '@') or contains({text}, '%40') then len(list_filter("
        f"regexp_extract_all({decoded}, '{EMAIL}'), lambda address: {is_erased('address')})) > 0 else false end)"
    )


def row_condition(
    entity: Entity,
    column_names: Collection[str],
    scope: RowScope,
    *,
    value: Callable[[str], str] = quote_name,
    person: Callable[[str], str] = is_erased,
    order: Callable[[str], str] = lambda text: is_erased(text, ORDER),
    device_time: Callable[[str], str] = lambda text: is_erased(text, DEVICE_TIME),
) -> str | None:
    """Return SQL of whether a row is about an erased person; None where rows of this form never are.

    A row of a known user is about that user alone, whatever device it came from. A row that names nobody is about the
    person whose order it is.

    Args:
        entity: whose row it is.
        column_names: columns that there are; all others are null.
        scope: what to look at.
        value: returns SQL of a column.
        person: returns SQL of whether an id of a person has a tombstone.
        order: the same for a number of an order.
        device_time: the same for a visitor at a moment.
    """
    columns = {column.name: column for column in entity.stored_columns if column.name in column_names}
    id_columns = [name for name, column in columns.items() if column.kind is Kind.PERSON_ID]
    conditions = []
    if "user_id" in id_columns and "visitor_id" in id_columns:  # of a known user on a device, the user counts
        conditions += [person(f"coalesce({value('user_id')}, {value('visitor_id')})")]
        if scope.has_moments:
            at = f"{value('visitor_id')} || '|' || epoch_us({quote_name(str(entity.time_column))})"
            conditions += [f"({value('user_id')} is null and {device_time(at)})"]
    else:
        conditions += [person(value(name)) for name in id_columns]
    owner_columns = [name for name in id_columns if name != "visitor_id"]
    unowned = "".join(f"{value(name)} is null and " for name in owner_columns)
    conditions += [
        f"({unowned}{order(quote_name(name))})"
        for name, column in columns.items()
        if column.kind is Kind.ORDER_ID
    ]
    if scope.has_emails:
        conditions += [
            has_erased_email(quote_name(name)) for name, column in columns.items() if _is_free(column)
        ]
    return f"coalesce({' or '.join(conditions)}, false)" if conditions else None


def _is_free(column: Column) -> bool:
    """Return whether a column is a text in which a person may be named."""
    return column.is_personal and column.kind in (Kind.TEXT, Kind.JSON)
