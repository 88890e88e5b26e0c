"""How an export goes wrong: which rows get which fault, decided before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopwright.simulate.arrays import join

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shopwright.simulate.arrays import Flags, Floats, Ints
    from shopwright.simulate.config import Dirt
    from shopwright.simulate.events import Events

FAULTS = (
    "negative_price",
    "duplicate",
    "late_file",
    "bad_timestamp",
    "unknown_event_type",
    "missing_user",
    "torn_line",
    "wrong_encoding",
)
"""Kinds of dirt, each with a rate in the configuration; the first is dealt first, as not every row can have it."""
CODE = {name: code for code, name in enumerate(FAULTS, start=1)}
"""Code of each fault in a row's ``fault``; 0 is a sound row."""


@dataclass(frozen=True)
class Rows:
    """Rows of one file in the order they are written."""

    events: Events
    number: Ints
    """Position of the event in the whole simulation, from 0; a repeated row repeats it."""
    fault: Ints

    @property
    def size(self) -> int:
        """Number of rows."""
        return self.events.size

    @property
    def is_clean(self) -> bool:
        """Whether no row has a fault."""
        return not self.fault.any()

    def take(self, kept: Ints) -> Rows:
        """Those rows, in that order."""
        return Rows(self.events.take(kept), self.number[kept], self.fault[kept])

    def counts(self) -> dict[str, int]:
        """Rows by fault. For a repeated row only its copy counts."""
        return count_faults(self.fault)


def count_faults(fault: Ints) -> dict[str, int]:
    """Rows by fault. For a repeated row only its copy counts."""
    found = np.bincount(fault, minlength=len(FAULTS) + 1)
    found[CODE["duplicate"]] //= 2
    return {name: int(found[code]) for name, code in CODE.items()}


def join_rows(parts: list[Rows]) -> Rows:
    """All rows of the parts, one part after the other."""
    if len(parts) == 1:
        return parts[0]
    return Rows(
        join([part.events for part in parts]),
        np.concatenate([part.number for part in parts]),
        np.concatenate([part.fault for part in parts]),
    )


def deal_faults(events: Events, dirt: Dirt, *, is_last: bool, rng: np.random.Generator) -> Ints:
    """Draws a fault for each row: exactly the configured share of each kind, at most one a row.

    Args:
        events: the rows of one month.
        dirt: the shares.
        is_last: whether no later file follows, so that no row can be late.
        rng: source of chance.

    Returns:
        A code a row. A kind stays below its share only where too few rows can have it.
    """
    rates = {name: getattr(dirt, f"{name}_rate") for name in FAULTS}
    if is_last:
        rates["late_file"] = 0.0
    return deal(rates, events.size, rng, able={"negative_price": events.cents > 0})


def deal(
    rates: Mapping[str, float], size: int, rng: np.random.Generator, *, able: Mapping[str, Flags]
) -> Ints:
    """Draws a fault for each row.

    Args:
        rates: share of the rows that get each fault, in the order in which they are dealt.
        size: number of rows.
        rng: source of chance.
        able: the rows that can have a fault, where not all can.

    Returns:
        A code a row; 0 is a sound row.
    """
    fault = np.zeros(size, dtype=np.uint8)
    order = rng.permutation(size)
    for name, rate in rates.items():
        candidates = order[able[name][order]] if name in able else order
        fault[candidates[: round(rate * size)]] = CODE[name]
        order = order[fault[order] == 0]
    return fault


def repeat_duplicates(rows: Rows) -> Rows:
    """Writes every duplicate twice, the copy right after its original."""
    return rows.take(twice_where_duplicate(rows.fault))


def twice_where_duplicate(fault: Ints) -> Ints:
    """Positions of all rows in order, those of duplicates twice."""
    return np.repeat(np.arange(len(fault)), np.where(fault == CODE["duplicate"], 2, 1))


def split_late(
    rows: Rows, month: int, months: int, rng: np.random.Generator
) -> tuple[Rows, list[tuple[int, Rows]]]:
    """Takes the late rows out.

    Returns:
        The rows that stay, and for each later month the rows that turn up in its file.
    """
    is_late = rows.fault == CODE["late_file"]
    late = rows.take(np.flatnonzero(is_late))
    target = rng.integers(month + 1, months, late.size) if late.size else np.zeros(0, dtype=np.int64)
    moved = [(int(to), late.take(np.flatnonzero(target == to))) for to in np.unique(target)]
    return rows.take(np.flatnonzero(~is_late)), moved


def spoil_csv(line: bytes, fault: int, luck: float) -> bytes:
    """Spoils one line of a rees46 file.

    Args:
        line: without its line end.
        fault: code of a torn line or a wrong encoding.
        luck: from 0 up to 1; where the line is torn.

    Returns:
        The line cut before its last comma, or with the byte E9 at the start of its brand.

    Example:
        >>> spoil_csv(b"t,view,1,2,,brand,9.99,5,s", CODE["torn_line"], 0.2)
        b't,vie'
    """
    if fault == CODE["torn_line"]:
        return line[: 1 + int(luck * line.rindex(b","))]
    fields = line.split(b",")
    fields[5] = b"\xe9" + fields[5]
    return b",".join(fields)


def spoil_json(line: bytes, fault: int, luck: float) -> bytes:
    r"""Spoils one line of an event stream: cut before its end, or with the byte E9 in its channel.

    Example:
        >>> spoil_json(b'{"channel":"email"}', CODE["wrong_encoding"], 0.0)
        b'{"channel":"\xe9email"}'
    """
    if fault == CODE["torn_line"]:
        return line[: 1 + int(luck * (len(line) - 1))]
    where = b'"channel":"' if b'"channel":"' in line else b'":"'
    return line.replace(where, where + b"\xe9", 1)


def draw_luck(fault: Ints, rng: np.random.Generator) -> dict[int, tuple[int, float]]:
    """For each row whose text is spoilt: its fault, and where."""
    spoilt = np.flatnonzero(fault >= CODE["torn_line"])
    luck: Floats = rng.random(len(spoilt))
    faults = fault[spoilt].tolist()
    return dict(zip(spoilt.tolist(), zip(faults, luck.tolist(), strict=True), strict=True))
