"""What is wrong with the order side's files: the same dirt as in the events, as far as an entity can have it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from shopwright.simulate.arrays import concat
from shopwright.simulate.dirt import CODE, draw_fault_codes, repeat_index

if TYPE_CHECKING:
    from shopwright.simulate.arrays import Ints
    from shopwright.simulate.config import Dirt
    from shopwright.simulate.sales.records import Records

_ANY = ("duplicate", "late_file", "torn_line", "wrong_encoding")
POSSIBLE = {
    "orders": (*_ANY, "bad_timestamp", "missing_user"),
    "order_items": _ANY,
    "payments": (*_ANY, "bad_timestamp"),
    "refunds": (*_ANY, "bad_timestamp"),
    "reviews": (*_ANY, "bad_timestamp"),
}
"""Faults that rows of each entity can have. An amount below zero is none here: it is a refund or a discount."""


class DelayedRows:
    """Rows that wait for the file of a later month."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, int], list[Records]] = defaultdict(list)

    def add(self, entity: str, rows: Records, month: Ints) -> None:
        """Put rows aside, each until its month."""
        for target in np.unique(month).tolist():
            self._waiting[entity, target].append(rows.take(month == target))

    def pop_month(self, entity: str, month: int) -> list[Records]:
        """Return the rows that waited for that month."""
        return self._waiting.pop((entity, month), [])


class FaultInjector:
    """Deals faults to the rows of one file after another."""

    def __init__(self, dirt: Dirt, months: int, rng: np.random.Generator) -> None:
        self._dirt, self._months, self._rng = dirt, months, rng
        self._late = DelayedRows()

    def inject(self, entity: str, month: int, rows: Records) -> Records:
        """Return the rows of a month's file as exported: late ones of earlier months first, its own late ones kept."""
        if self._dirt.is_clean:
            return rows
        rates = {fault: getattr(self._dirt, f"{fault}_rate") for fault in POSSIBLE[entity]}
        if month == self._months - 1:
            rates["late_file"] = 0.0
        fault = draw_fault_codes(rates, rows.size, self._rng, eligible={})
        rows = replace(rows, fault=fault)
        is_late = fault == CODE["late_file"]
        late = rows.take(is_late)
        if late.size:
            self._late.add(entity, late, self._rng.integers(month + 1, self._months, late.size))
        current = rows.take(~is_late)
        current = current.take(repeat_index(current.fault))
        return concat([*self._late.pop_month(entity, month), current])
