"""Answers that take long to compute and hold until the data changes, kept until then."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from _thread import LockType
    from collections.abc import Callable, Hashable

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Place(Generic[Answer]):
    """Where the answer to one question is kept once there is one."""

    lock: LockType = field(default_factory=Lock)
    answers: list[Answer] = field(default_factory=list)


class SnapshotCache(Generic[Answer]):
    """The answers to questions as of one state of the data; those of an earlier state are forgotten."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._state: Hashable = None
        self._answers: dict[Hashable, _Place[Answer]] = {}

    def get(self, state: Hashable, question: Hashable, compute: Callable[[], Answer]) -> Answer:
        """The answer, computed where there is none of this state. Threads that ask the same meanwhile wait for it."""
        with self._lock:
            if state != self._state:
                self._answers, self._state = {}, state
            place = self._answers.setdefault(question, _Place())
        with place.lock:
            if not place.answers:
                place.answers.append(compute())
            return place.answers[0]
