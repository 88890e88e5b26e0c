"""All errors that are raised on purpose, grouped by what the caller can do about them.

::

    ShopwrightError
    ├── ConfigurationError      fix shopwright.toml, the command line or the environment
    ├── DataError               fix the data, or the mapping that reads it
    │   ├── SourceFileError     one file cannot be read as its source describes it
    │   ├── DataTestError       the data tests of a build failed; nothing was published
    │   ├── BatchError          the request is not a valid batch of events: send it in the documented format
    │   └── MissingDataError    the shop has no data of a kind, such as clicks or orders
    ├── LakeError               files of the lake are gone or damaged, or do not fit each other: run `shopwright repair`
    ├── ArtifactError           a model's files are not those that were registered: serve another version
    ├── PromotionError          a model version may not be served: train a better one, or force it with a reason
    ├── BusyError               another process is writing to the project: retry later
    │   └── SpoolError          collected events cannot be stored at the moment: send them again later
    ├── ServiceError            the service does not respond, or refuses: start it, or follow its message
    ├── AccessError             a visitor of the app may not see it: log in, or set a password
    ├── StoppedError            a program that was started exited by itself: see its log
    ├── BackupError             a backup is damaged or not whole, or cannot be made or put back: follow its message
    └── BuildError              the warehouse could not be built

The command line prints the message of any of these on one line and exits with 1. Any other exception is a bug and keeps
its traceback.
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class ShopwrightError(Exception):
    """Base of all expected failures."""


class ConfigurationError(ShopwrightError):
    """A setting, a path or an option is wrong."""


class DataError(ShopwrightError):
    """Data does not match its contract or its mapping."""


class SourceFileError(DataError):
    """One file cannot be read as its source describes it; other files are not affected.

    Args:
        file: the file, or its label in the ledger; the message shows its name.
        reason: why, without the name of the file.
    """

    def __init__(self, file: Path | str, reason: str) -> None:
        super().__init__(f"{Path(file).name}: {reason}")
        self.file = str(file)
        self.reason = reason


class DataTestError(DataError):
    """Data tests of a build failed, so nothing was published.

    Args:
        message: the whole message.
        failures: the tests that failed, one line each.
    """

    def __init__(self, message: str, failures: list[str]) -> None:
        super().__init__(message)
        self.failures = failures


class BatchError(DataError):
    """A request is not a valid batch of events; nothing of it was stored."""


class MissingDataError(DataError):
    """A report needs data of a kind that the shop does not have.

    Args:
        message: the whole message.
        report: name of the report.
    """

    def __init__(self, message: str, report: str) -> None:
        super().__init__(message)
        self.report = report


class LakeError(ShopwrightError):
    """Files of the lake are gone or damaged, or ledger, logs and files disagree; nothing was written.

    Args:
        table: the table that it is about, or ``_commits`` for the records of commits.
        reason: what is wrong with it.
    """

    def __init__(self, table: str, reason: str) -> None:
        super().__init__(f"lake table '{table}': {reason}; `shopwright repair` restores what it can")
        self.table = table
        self.reason = reason


class ArtifactError(ShopwrightError):
    """Files of a model are damaged, were tampered with, or belong to another model."""


class PromotionError(ShopwrightError):
    """A model version may not become the champion, or there is no earlier champion to go back to."""


class BusyError(ShopwrightError):
    """Another process is writing to this project."""


class ServiceError(ShopwrightError):
    """The HTTP service does not respond, or refuses a request.

    Args:
        message: its reason, or why it cannot be reached.
        status: HTTP status; None if there was no response.
        kind: name of the problem, such as ``no-champion``.
    """

    def __init__(self, message: str, *, status: int | None = None, kind: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class SpoolError(BusyError):
    """Collected events cannot be stored at the moment; they were not acknowledged."""


class AccessError(ShopwrightError):
    """A visitor of the app may not see it."""


class StoppedError(ShopwrightError):
    """A program that should run until it is stopped exited by itself, or never responded."""


class BackupError(ShopwrightError):
    """A backup is damaged or incomplete, or it cannot be made or restored there."""


class BuildError(ShopwrightError):
    """The warehouse could not be built."""


def near_match(name: str, candidates: Iterable[str]) -> str:
    """Suggest the name that was probably meant, for the end of an error message.

    Args:
        name: the name that does not exist.
        candidates: the names that do; upper and lower case are the same.

    Returns:
        ``"; did you mean 'x'?"``, or an empty string if no name is similar.

    Example:
        >>> near_match("evnt_type", ["event_type", "event_time"])
        "; did you mean 'event_type'?"
    """
    by_folded_name = {item.casefold(): item for item in candidates}
    matches = get_close_matches(name.casefold(), list(by_folded_name), n=1, cutoff=0.6)
    return f"; did you mean '{by_folded_name[matches[0]]}'?" if matches else ""
