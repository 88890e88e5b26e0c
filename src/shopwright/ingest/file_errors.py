"""A wall around each file: whatever goes wrong while one file is read is that file's error, in one line.

What is no file's error passes: an interrupt, the errors that this program raises on purpose about its settings, and damage to
the lake, which would fail every file alike.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from shopwright.core.engine import StorageError
from shopwright.core.errors import DataError, ShopwrightError, SourceFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_REASON = 300
"""Characters of a library's message that are repeated; some quote the file."""


@contextmanager
def file_errors(label: str, *, lake: Path | None = None, what: str = "cannot be read") -> Iterator[None]:
    """Turn any failure within the block into the error of one file.

    Args:
        label: the file's name in the ledger.
        lake: folder of the lake, if the block reads from it; an error that names one of its files is not the source file's.
        what: what is said of a file that a library refuses.

    Raises:
        SourceFileError: anything failed.
        DataError: a file of the lake cannot be read.
    """
    try:
        yield
    except ShopwrightError as error:
        if not _is_of_data(error):
            raise
        raise SourceFileError(label, str(error)) from None
    except Exception as error:  # that is what a wall is for; the reason names the class
        if lake and (part := _damaged_part(error, lake)):
            raise DataError(
                f"{part} of the lake cannot be read ({first_line(error)}); run `shopwright doctor`"
            ) from error
        raise SourceFileError(label, describe(error, what)) from error
    except BaseException as error:
        # a library in Rust that gave up; an interrupt is nothing of the kind
        if type(error).__name__ != "PanicException":
            raise
        raise SourceFileError(label, f"{what} ({first_line(error)})") from None


def describe(error: Exception, what: str = "cannot be read") -> str:
    """Return one line about a failure, without the file's name."""
    if isinstance(error, StorageError):
        return _describe_storage(error)
    if isinstance(error, MemoryError):
        return "needs more memory than there is; split it, or raise memory_limit in [engine]"
    return f"{what} ({type(error).__name__}: {first_line(error)})"


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, cut where it is long."""
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0] if len(lines[0]) <= MAX_REASON else f"{lines[0][:MAX_REASON]}…"


def _describe_storage(error: Exception) -> str:
    """Return one line about a disk that is full or fails."""
    reason = getattr(error, "strerror", None) or first_line(error)
    if "no space" in reason.casefold() or "too large" in reason.casefold():
        return f"does not fit on the disk while it is read ({reason}); what it had written was removed"
    return f"cannot be read or written ({reason})"


def _is_of_data(error: ShopwrightError) -> bool:
    return isinstance(error, DataError) and not isinstance(error, SourceFileError)


def _damaged_part(error: Exception, lake: Path) -> str | None:
    """Return the name of the file of the lake that an error is about; None where it is about none that exists."""
    return next(
        (
            f"{file.parent.name}/{file.name}"
            for file in lake.glob("*/part-*.parquet")
            if file.name in str(error)
        ),
        None,
    )
