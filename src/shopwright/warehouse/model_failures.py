"""What a failed model says: the model, the column and the value that the engine could not compute."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shopwright.warehouse.dbt_runner import NodeResult

MAX_LENGTH = 80
"""Longest value or expression that a message quotes in full."""

_HEADING = re.compile(r"^(Runtime|Database|Compilation) Error in \S+ \S+ \(.*?\) *")
"""How dbt begins the message of a model: its name and file."""
_ERROR = re.compile(r"^[A-Z][A-Za-z ]+ Error: ")
"""How the engine begins its own."""
_LINE = re.compile(r" LINE \d+: (.*?)( \^)?$")
"""The line of SQL that the engine quotes."""
_ALIAS = re.compile(r"\bas (\w+),?$")
_SOURCE_COLUMN = re.compile(r"when casting from source column (\w+)")

_CAUSES = (
    (re.compile(r"Casting value \"?(.+?)\"? to type (.+?) failed"), "{0} does not fit {1}"),
    (re.compile(r"Failed to cast \w+ value (\S+) to type (\w+)"), "{0} does not fit {1}"),
    (re.compile(r"Type \S+ with value (\S+) can't be cast .*destination type (\w+)"), "{0} does not fit {1}"),
    (re.compile(r"Could not convert string ['\"](.*?)['\"] to (\w+)"), "'{0}' cannot be read as {1}"),
    (re.compile(r"(?:date|timestamp|time) field value out of range: \"(.*?)\""), "'{0}' is no valid time"),
    (
        # the engine writes decimals in such messages as whole numbers
        re.compile(r"Overflow in (\w+) of (\S+) \((\S+) \S+ (\S+?)\)"),
        "the {0} of two numbers with the digits {2} and {3} does not fit {1}",
    ),
)
"""Messages of the engine about single values, and how they read here."""


def format_model_failure(result: NodeResult) -> str:
    """Return one line about a model that failed: its name, the column and the value where the engine names them.

    Example:
        ``model int_sessions: gross_amount: 100000000000000.0000 does not fit DECIMAL(18,4)``
    """
    message = _ERROR.sub("", _HEADING.sub("", result.message))
    line = _LINE.search(message)
    cause = _find_cause(message)
    if cause is None:
        return f"{result.kind} {result.name}: {message}"
    column = _SOURCE_COLUMN.search(message) or (line and _ALIAS.search(line[1].strip()))
    subject = f"{column[1]}: " if column else f"{_shorten(line[1].strip())}: " if line else ""
    return f"{result.kind} {result.name}: {subject}{cause}"


def _find_cause(message: str) -> str | None:
    for pattern, text in _CAUSES:
        if match := pattern.search(message):
            return text.format(*map(_shorten, match.groups()))
    return None


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 1]}…"
