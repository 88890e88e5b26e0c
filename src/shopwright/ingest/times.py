"""SQL that reads a time: an instant, a local time of the source, or a day of the shop."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shopwright.core.sql import quote_text
from shopwright.ingest.adapters.mapping import EPOCH, ISO_8601

if TYPE_CHECKING:
    from shopwright.ingest.adapters.mapping import Mapping

_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = "[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?"
_OFFSET = "([zZ]| ?UTC|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)"
"""What counts as ISO 8601. The engine's cast accepts more: 'infinity', and ambiguous zones such as IST."""

_BASIC_DAY = "[0-9]{8}"
_LOOSE_LOCAL = "([0-9]{4}-[0-9]{2}-[0-9]{2}[T ]|[0-9]{8}[T ]?)[0-9]{2}:?[0-9]{2}(:?[0-9]{2}([.,][0-9]+)?)?"
_LOOSE_OFFSET = " ?([zZ]|UTC|GMT|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)"
"""Rarer spellings: basic ISO 8601, a comma before the fraction, and a blank before the offset."""

_LOOSE_STEPS = (
    ("^([0-9]{4})([0-9]{2})([0-9]{2})", r"\1-\2-\3"),
    ("^(.{10})[T ]?([0-9]{2}):?([0-9]{2})", r"\1 \2:\3"),
    ("^(.{16}):?([0-9]{2})", r"\1:\2"),
    ("^(.{19}),", r"\1."),
    (" ?(UTC|GMT|[zZ])$", "+00"),
    (" ([+-][0-9:]+)$", r"\1"),
)
"""Replacements that turn a rarer spelling into the one that the engine casts."""

_DIGITS = "([0-9]{10}|[0-9]{13}|[0-9]{16}|[0-9]{19})([.][0-9]*)?"
"""Seconds, milliseconds, microseconds or nanoseconds since 1970, from September 2001 to 2286."""
_FLOAT = "[1-9][.][0-9]+[eE][+]?(0?9|12|15|18)"
"""The same, as a program writes large numbers."""

_MIDNIGHT = "([T ]00:00(:00([.,]0+)?)?( ?([zZ]|UTC|GMT|[+-]00(:?00)?))?)?"
UNSET = (
    f"(0000-00-00.*|0001-01-01.*|0?1/0?1/0001.*|(1970-01-01|1900-01-01|1899-12-3[01]){_MIDNIGHT}|0+([.]0+)?"
    "|-62135596800(000)?|(?i:nat|nan|null|none|undefined|n/a))"
)
"""How sources write a moment that is not set."""

_DIRECTIVES = re.compile(r"%-?[a-zA-Z]")
_OF_TIME = frozenset("HIMSfgnpcTX")
"""Letters of strptime directives that state a time of the day."""


def read_timestamp(raw: str, mapping: Mapping) -> str:
    """Return SQL of the instant, UTC, that a text says; null where it is in none of the mapping's formats."""
    attempts = [_parse(raw, item, mapping) for item in mapping.timestamp_formats]
    return attempts[0] if len(attempts) == 1 else f"coalesce({', '.join(attempts)})"


def read_is_day(raw: str, mapping: Mapping) -> str | None:
    """Return SQL of whether a text says only a day; None where no format of the mapping can."""
    formats = mapping.timestamp_formats
    if not any(item == ISO_8601 or _is_day_format(item) for item in formats):
        return None
    cases = " ".join(
        f"when ({_parse(raw, item, mapping)}) is not null then {_is_day(raw, item)}" for item in formats
    )
    return f"case {cases} end"


def is_unset(raw: str) -> str:
    """Return SQL of whether a text says that a moment is not set."""
    return f"regexp_full_match({raw}, '{UNSET}')"


def _is_day(raw: str, timestamp_format: str) -> str:
    if timestamp_format == ISO_8601:
        return f"regexp_full_match({raw}, '{_DAY}|{_BASIC_DAY}')"
    return str(_is_day_format(timestamp_format)).lower()


def _is_day_format(timestamp_format: str) -> bool:
    if timestamp_format == EPOCH:
        return False
    letters = {directive[-1] for directive in _DIRECTIVES.findall(timestamp_format.replace("%%", ""))}
    return not letters & _OF_TIME


def _states_zone(timestamp_format: str) -> bool:
    """Return whether a strptime format has an offset or a zone, or ends in the name of UTC."""
    text = timestamp_format.replace("%%", "")
    return "%z" in text or "%Z" in text or re.search(r"%[SfM] ?(Z|UTC|GMT)$", text) is not None


def _parse(raw: str, timestamp_format: str, mapping: Mapping) -> str:
    if timestamp_format == EPOCH:
        return _epoch(raw)
    if timestamp_format == ISO_8601:
        return _iso(raw, zone=mapping.timezone, shop_zone=mapping.shop.timezone)
    value = f"try_strptime({raw}, {quote_text(timestamp_format)})"
    if _is_day_format(timestamp_format):
        return _from_zone(value, mapping.shop.timezone)
    if _states_zone(timestamp_format):
        # with an offset or a zone the engine returns an instant, without one a timestamp
        return f"make_timestamp(epoch_us({value}))" if "%z" in timestamp_format.lower() else value
    return _from_zone(value, mapping.timezone)


def _epoch(raw: str) -> str:
    # whatever the unit, the first sixteen digits are microseconds
    def instant(digits: str) -> str:
        return f"make_timestamp(left(rpad(replace({digits}, '.', ''), 16, '0'), 16)::bigint)"

    return (
        f"case when regexp_full_match({raw}, '{_DIGITS}') then {instant(raw)} "
        f"when regexp_full_match({raw}, '{_FLOAT}') "
        f"then {instant(f'try_cast({raw} as decimal(38,9))::varchar')} end"
    )


def _iso(raw: str, *, zone: str, shop_zone: str) -> str:
    # a cast straight to a timestamp would drop the offset; times without an offset are in the source's zone
    loose = raw
    for pattern, replacement in _LOOSE_STEPS:
        loose = f"regexp_replace({loose}, '{pattern}', '{replacement}')"
    if zone == shop_zone == "UTC":
        usual = [(f"{_DAY}({_TIME})?({_OFFSET})?", _instant(raw))]
    else:
        usual = [
            (f"{_DAY}{_TIME}", _from_zone(f"try_cast({raw} as timestamp)", zone)),
            (f"{_DAY}({_TIME})?{_OFFSET}", _instant(raw)),
            (_DAY, _from_zone(f"try_cast({raw} as timestamp)", shop_zone)),
        ]
    branches = [
        *usual,
        (_BASIC_DAY, _from_zone(f"try_strptime({raw}, '%Y%m%d')", shop_zone)),
        (_LOOSE_LOCAL, _from_zone(f"try_cast({loose} as timestamp)", zone)),
        (_LOOSE_LOCAL + _LOOSE_OFFSET, _instant(loose)),
    ]
    cases = " ".join(
        f"when regexp_full_match({raw}, '{pattern}') then {value}" for pattern, value in branches
    )
    return f"case {cases} end"


def _instant(text: str) -> str:
    return f"make_timestamp(epoch_us(try_cast({text} as timestamptz)))"


def _from_zone(local: str, zone: str) -> str:
    return local if zone == "UTC" else f"timezone('UTC', timezone({quote_text(zone)}, {local}))"
