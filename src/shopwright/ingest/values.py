"""SQL of the typed value of each column, over its text, and the limits that it must keep to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shopwright.contracts.sales import IS_DAY
from shopwright.contracts.schema import Kind
from shopwright.core.currencies import MAGNITUDES, magnitude
from shopwright.ingest.adapters.privacy import DROP
from shopwright.ingest.event_types import NAME, TYPE, read_name, read_type
from shopwright.ingest.ids import read_id
from shopwright.ingest.number_signs import read_number
from shopwright.ingest.texts import raw_name
from shopwright.ingest.times import is_unset, read_is_day, read_timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping as MappingABC

    from shopwright.contracts import Column
    from shopwright.ingest.adapters.mapping import Mapping


def read_value(column: Column, mapping: Mapping) -> str:
    """Return SQL of the value of a column; null where its text cannot be read."""
    raw = raw_name(column)
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


def read_full_price(columns: tuple[Column, ...], mapping: Mapping) -> str:
    """Return SQL of the price of an event with all its decimals; null without one."""
    prices = [column for column in columns if column.name == "price"]
    return read_value(replace(prices[0], kind=Kind.PRICE), mapping) if prices else "null"


def _is_number(raw: str) -> str:
    """Return SQL that excludes ``1_000`` and ``0x10``: the engine reads them as numbers, but an export with them is broken."""
    return f"not (contains({raw}, '_') or contains({raw}, 'x'))"


def fill_values(mapping: Mapping, texts: MappingABC[str, str]) -> dict[str, str]:
    """Return SQL of columns that follow from how they or another one is written."""
    names = {column.name for column in mapping.entity.stored_columns}
    days = {
        f"{column.name}{IS_DAY}": read_is_day(raw_name(column), mapping)
        for column in mapping.entity.stored_columns
        if column.name in texts and f"{column.name}{IS_DAY}" in names - texts.keys()
    }
    # null, not false, for a moment: rows of files read before such columns were known stay the same
    filled = {name: f"nullif({sql}, false)" for name, sql in days.items() if sql is not None}
    if NAME in names and TYPE in texts:
        event_type = mapping.entity.column(TYPE)
        stated = raw_name(mapping.entity.column(NAME)) if NAME in texts else None
        filled[TYPE] = read_type(event_type, raw_name(event_type))
        filled[NAME] = read_name(raw_name(event_type), stated)
    return {name: sql for name, sql in filled.items() if mapping.privacy.get(name) != DROP}


def limit_column(column: Column, mapping: Mapping, texts: MappingABC[str, str]) -> Column:
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
