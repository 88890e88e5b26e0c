"""Answers that take long to compute and hold until the data changes, kept until then."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

Answer = TypeVar("Answer")


class Kept(Generic[Answer]):
    """The answers to questions as of one state of the data; those of an earlier state are forgotten."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._state: Hashable = None
        self._answers: dict[Hashable, Answer] = {}

    def get(self, state: Hashable, question: Hashable, compute: Callable[[], Answer]) -> Answer:
        """The answer, computed where there is none of this state. Threads that ask meanwhile wait for it."""
        with self._lock:
            if state != self._state:
                self._answers, self._state = {}, state
            if question not in self._answers:
                self._answers[question] = compute()
            return self._answers[question]
