"""How an export goes wrong: which rows get which fault, decided before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopwright.simulate.arrays import concat

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
    "missing_event_type",
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

    def take(self, selected: Ints) -> Rows:
        """Return those rows, in that order."""
        return Rows(self.events.take(selected), self.number[selected], self.fault[selected])

    def counts(self) -> dict[str, int]:
        """Return rows by fault. For a repeated row only its copy counts."""
        return count_faults(self.fault)


def count_faults(fault: Ints) -> dict[str, int]:
    """Return rows by fault. For a repeated row only its copy counts."""
    counts = np.bincount(fault, minlength=len(FAULTS) + 1)
    counts[CODE["duplicate"]] //= 2
    return {name: int(counts[code]) for name, code in CODE.items()}


def concat_rows(tables: list[Rows]) -> Rows:
    """Return all rows of the parts, one part after the other."""
    if len(tables) == 1:
        return tables[0]
    return Rows(
        concat([table.events for table in tables]),
        np.concatenate([table.number for table in tables]),
        np.concatenate([table.fault for table in tables]),
    )


def draw_faults(events: Events, dirt: Dirt, *, is_last: bool, rng: np.random.Generator) -> Ints:
    """Draw a fault for each row: exactly the configured share of each kind, at most one a row.

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
    return draw_fault_codes(rates, events.size, rng, eligible={"negative_price": events.cents > 0})


def draw_fault_codes(
    rates: Mapping[str, float], size: int, rng: np.random.Generator, *, eligible: Mapping[str, Flags]
) -> Ints:
    """Draw a fault for each row.

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
        candidates = order[eligible[name][order]] if name in eligible else order
        fault[candidates[: round(rate * size)]] = CODE[name]
        order = order[fault[order] == 0]
    return fault


def repeat_duplicates(rows: Rows) -> Rows:
    """Write every duplicate twice, the copy right after its original."""
    return rows.take(repeat_index(rows.fault))


def repeat_index(fault: Ints) -> Ints:
    """Return positions of all rows in order, those of duplicates twice."""
    return np.repeat(np.arange(len(fault)), np.where(fault == CODE["duplicate"], 2, 1))


def split_late(
    rows: Rows, month: int, months: int, rng: np.random.Generator
) -> tuple[Rows, list[tuple[int, Rows]]]:
    """Take the late rows out.

    Returns:
        The rows that stay, and for each later month the rows that turn up in its file.
    """
    is_late = rows.fault == CODE["late_file"]
    late = rows.take(np.flatnonzero(is_late))
    target = rng.integers(month + 1, months, late.size) if late.size else np.zeros(0, dtype=np.int64)
    moved = [(int(to), late.take(np.flatnonzero(target == to))) for to in np.unique(target)]
    return rows.take(np.flatnonzero(~is_late)), moved


def corrupt_csv_line(line: bytes, fault: int, position: float) -> bytes:
    """Corrupt one line of a rees46 file.

    Args:
        line: without its line end.
        fault: code of a torn line or a wrong encoding.
        position: where the line is torn, from 0 up to 1.

    Returns:
        The line cut before its last comma, or with the byte E9 at the start of its brand.

    Example:
        >>> corrupt_csv_line(b"t,view,1,2,,brand,9.99,5,s", CODE["torn_line"], 0.2)
        b't,vie'
    """
    if fault == CODE["torn_line"]:
        return line[: 1 + int(position * line.rindex(b","))]
    fields = line.split(b",")
    fields[5] = b"\xe9" + fields[5]
    return b",".join(fields)


def corrupt_json_line(line: bytes, fault: int, position: float) -> bytes:
    r"""Corrupt one line of an event stream: cut before its end, or with the byte E9 in its channel.

    Example:
        >>> corrupt_json_line(b'{"channel":"email"}', CODE["wrong_encoding"], 0.0)
        b'{"channel":"\xe9email"}'
    """
    if fault == CODE["torn_line"]:
        return line[: 1 + int(position * (len(line) - 1))]
    marker = b'"channel":"' if b'"channel":"' in line else b'":"'
    return line.replace(marker, marker + b"\xe9", 1)


def draw_line_faults(fault: Ints, rng: np.random.Generator) -> dict[int, tuple[int, float]]:
    """Draw a position for each row whose text is corrupted; return row to its fault and position."""
    corrupted = np.flatnonzero(fault >= CODE["torn_line"])
    position: Floats = rng.random(len(corrupted))
    faults = fault[corrupted].tolist()
    return dict(zip(corrupted.tolist(), zip(faults, position.tolist(), strict=True), strict=True))
