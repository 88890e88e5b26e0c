"""Every error we raise on purpose, grouped by what the caller can do about it.

::

    ShopwrightError
    ├── ConfigurationError      fix shopwright.toml, the command line or the environment
    ├── DataError               fix the data, or the mapping that reads it
    │   ├── SourceFileError     one file cannot be read as its source says
    │   ├── DataTestError       a build's tests found wrong rows; nothing was published
    │   ├── BatchError          what was sent is no batch of events: send it in the form that is documented
    │   └── MissingDataError    the shop has no data of a kind, such as clicks or orders
    ├── ArtifactError           a model's files are not the ones that were registered: serve another version
    ├── PromotionError          a model's version may not be served: train a better one, or force it with a reason
    ├── BusyError               another process holds the project: retry later
    │   └── SpoolError          collected events cannot be kept at present: send them again later
    ├── ServiceError            the service does not answer, or refuses: start it, or do what its reason says
    ├── StoppedError            a program that was started ended by itself: its log says why
    └── BuildError              the warehouse could not be built

The command line prints the message of any of these in one line and exits with 1. Anything else is a bug
and keeps its traceback.
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class ShopwrightError(Exception):
    """Base of every expected failure."""


class ConfigurationError(ShopwrightError):
    """A setting, a path or an option is wrong."""


class DataError(ShopwrightError):
    """The data is not what its contract or its mapping says."""


class SourceFileError(DataError):
    """One file cannot be read as its source describes it; other files are not affected."""

    def __init__(self, file: Path | str, reason: str) -> None:
        super().__init__(f"{Path(file).name}: {reason}")
        self.file = str(file)
        self.reason = reason


class DataTestError(DataError):
    """A build's data tests failed, so nothing was published."""

    def __init__(self, message: str, failures: list[str]) -> None:
        super().__init__(message)
        self.failures = failures


class BatchError(DataError):
    """What was sent is no batch of events; nothing of it was kept."""


class MissingDataError(DataError):
    """What is asked for needs data of a kind that the shop does not have."""

    def __init__(self, message: str, report: str) -> None:
        super().__init__(message)
        self.report = report


class ArtifactError(ShopwrightError):
    """A model's files are damaged, were tampered with, or belong to another model."""


class PromotionError(ShopwrightError):
    """A version of a model may not become the champion, or there is none to go back to."""


class BusyError(ShopwrightError):
    """Another process is writing to this project."""


class ServiceError(ShopwrightError):
    """The service, asked over HTTP, does not answer or refuses.

    Args:
        message: its reason, or why it cannot be reached.
        status: of HTTP; None where nothing answered.
        kind: the word for the problem, such as ``no-champion``.
    """

    def __init__(self, message: str, *, status: int | None = None, kind: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class SpoolError(BusyError):
    """Collected events cannot be kept at present; they were not acknowledged."""


class StoppedError(ShopwrightError):
    """A program that should run until it is told to stop ended by itself, or never answered."""


class BuildError(ShopwrightError):
    """The warehouse could not be built."""


def near_match(name: str, known: Iterable[str]) -> str:
    """Say which known name was probably meant.

    Returns:
        ``"; did you mean 'x'?"``, or an empty string where nothing is near.

    Example:
        >>> near_match("evnt_type", ["event_type", "event_time"])
        "; did you mean 'event_type'?"
    """
    folded = {item.casefold(): item for item in known}
    found = get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.6)
    return f"; did you mean '{folded[found[0]]}'?" if found else ""
