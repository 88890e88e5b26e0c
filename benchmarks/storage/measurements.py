"""Measurements of the storage benchmark, which the runner makes and the report prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.storage.questions import Question
    from benchmarks.storage.reading import Layout, Profile


@dataclass(frozen=True, slots=True)
class Side:
    """What one question cost one layout."""

    needed_bytes: int
    """By the files' accounts, where an array is read whole as soon as one field of it is needed."""
    needed_leaf_bytes: int
    """The same, where fields of an array that are not needed stay unread."""
    read_bytes: int
    """What DuckDB read."""
    read_leaf_bytes: int
    """What pyarrow read of the needed leaves alone."""
    profile: Profile
    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """One question, asked of both layouts."""

    question: Question
    star: Side
    nested: Side


@dataclass(frozen=True, slots=True)
class Scale:
    """All questions at one size of the shop."""

    name: str
    order_count: int
    row_group_rows: int
    star: Layout
    nested: Layout
    answers: list[Answer]
